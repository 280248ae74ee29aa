/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What move_load.bpf.c counts */

#ifndef __MOVE_LOAD_H
#define __MOVE_LOAD_H

#define MOVE_SLOTS	8

/* Counters of both sizes beside what a program keeps for itself */
struct move_value {
	__u64 events;
	__u32 pair[2];
	char name[8];
	__u64 time;
	__u32 flags;
	__u32 slots[MOVE_SLOTS];
	__u32 last;
};

struct move_config {
	__u32 keys, own_key;
};

#endif /* __MOVE_LOAD_H */
