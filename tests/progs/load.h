/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the load program and its driver agree on. Needs __u32. */
#ifndef TESTS_LOAD_H
#define TESTS_LOAD_H

/* Set before it is loaded */
struct load_config {
	__u32 slots;
	__u32 keys;
	__u32 plain;		/* count in an ordinary map as well */
};

/* What it counts for its driver, each under a key of "counters" */
enum load_counter {
	LOAD_COUNTED,		/* events, before anything was looked up */
	LOAD_MISSED,		/* found no inner map */
	LOAD_FAILED,		/* found one but could not count in it */
	LOAD_COUNTERS,
};

/* What the sleepable one is called with */
struct load_args {
	__u64 page;		/* of user space, it reads that in between */
};

#endif /* TESTS_LOAD_H */
