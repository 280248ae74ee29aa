/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef TESTS_WQ_STATE_H
#define TESTS_WQ_STATE_H

/* Shared with the program through a memory-mapped array */
struct wq_state {
	__u64 inside;		/* the callback has the value */
	__u64 release;		/* set by the driver: let it continue */
	__u64 left;		/* it wrote, and is done */
	__u64 overdue;		/* it was not released in time */
};

#define WQ_ADDS		1000

#endif /* TESTS_WQ_STATE_H */
