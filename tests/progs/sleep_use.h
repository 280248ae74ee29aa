/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef TESTS_SLEEP_USE_H
#define TESTS_SLEEP_USE_H

/* What the syscall program is called with */
struct sleep_args {
	__u64 page;
};

#endif /* TESTS_SLEEP_USE_H */
