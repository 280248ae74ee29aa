/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the test programs of the command share with their BPF programs: the one
 * element of an array map that is called "shared" in each of them.
 */
#ifndef SYNC_GUEST_H
#define SYNC_GUEST_H

/* A BPF program cannot include linux/bpf.h beside vmlinux.h */
#define SYNC_MAP_ACCESS	60

struct lsm_shared {
	__s32 target_pid;	/* in: the process that is watched */
	__s32 refusal;		/* in: what it is told, 0 to let it pass */
	__s32 asked;		/* out: how often the hook was asked */
	__s32 size;		/* out: the size that it was told */
	__s32 zero_attr;	/* out: there were attributes, and zero ones */
};

struct prog_shared {
	__s32 target_pid;	/* in: the process that is watched */
	__s32 sync_calls;	/* out: its commands that reached the kernel's */
	__s32 other_calls;	/*	bpf(2) code: this one, and all others */
	__s64 sync_ret;		/* out: what the program was told */
	__s64 other_ret;
};

struct load_shared {
	__s32 target_pid;	/* in: the process whose system calls count */
	__u32 spin;		/* in: how long to hold on to a counter */
	__u32 active;		/* in: the counter that programs look up */
};

#endif
