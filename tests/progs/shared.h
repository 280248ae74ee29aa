/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What BPF programs and their drivers agree on. Needs the kernel's types. */
#ifndef TESTS_SHARED_H
#define TESTS_SHARED_H

/* load: set before it is loaded */
struct load_config {
	__u32 slots;
	__u32 plain;		/* count in an ordinary map as well */
};

#define LOAD_KEYS	64	/* that are counted */

/* What it counts for its driver, each under a key of "counters" */
enum load_counter {
	LOAD_COUNTED,		/* events, before anything was looked up */
	LOAD_MISSED,		/* found no inner map */
	LOAD_FAILED,		/* found one but could not count in it */
	LOAD_COUNTERS,
};

/* A page of user space that sleepable programs of load and sleep_use read */
struct sleep_args {
	__u64 page;
};

/* Where sleep_hold has it, for a program that is handed nothing */
#define SLEEP_PAGE	0x5eee00000000ULL

/* The call that runs programs on system calls: getpgid, here by number */
#define SLEEP_SYSCALL	121

/* move_load: counters of both sizes beside what a program keeps for itself */
#define MOVE_SLOTS	8
#define MOVE_KEYS	64

struct move_value {
	__u64 events;
	__u32 pair[2];
	char name[8];
	__u64 time;
	__u32 flags;
	__u32 slots[MOVE_SLOTS];
	__u32 last;
};

#define LATE_KEY	7
#define LATE_MARK	8	/* key of the map to be late in, no other */
#define LATE_EARLY	1	/* added before it says that it is inside */
#define LATE_ADD	41	/* added just before it says that it left */

/* late and wq_callback: in a map that the driver has mapped into its memory */
struct late_state {
	__u64 spin_ns;		/* how long to stay inside */
	__u64 by_selector;	/* or by the slot of a map-in-map */
	__u64 inside;		/* how often it has been, and left again */
	__u64 left;
	__u64 left_ns;		/* CLOCK_MONOTONIC */
	__u64 error;		/* it found no map or no value */
};

struct wq_state {
	__u64 inside;		/* the callback has the value */
	__u64 release;		/* set by the driver: let it continue */
	__u64 left;		/* it wrote, and is done */
	__u64 overdue;		/* it was not released in time */
};

#define WQ_ADDS		1000

#endif /* TESTS_SHARED_H */
