/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef TESTS_SLEEP_USE_H
#define TESTS_SLEEP_USE_H

/* Where sleep_hold has its page, for a program that is handed nothing */
#define SLEEP_PAGE	0x5eee00000000ULL

/* The call that runs programs on system calls: getpgid, here by number */
#define SLEEP_SYSCALL	121

/* What the syscall program is called with */
struct sleep_args {
	__u64 page;
};

#endif /* TESTS_SLEEP_USE_H */
