/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Shared by map_move.c and its BPF programs */

#ifndef __MAP_MOVE_KINDS_H
#define __MAP_MOVE_KINDS_H

/* The kind of each 4 bytes of a value */
enum {
	MOVE_OTHER,		/* copied */
	MOVE_U32,		/* a counter of 4 bytes */
	MOVE_U64,		/* the first half of a counter of 8 bytes */
};

/* Size of a key's copy, before a value of zeros in "scratch" */
#define MOVE_KEY_MAX	512

/* Elements of a queue that a run of the program moves */
#define MOVE_POP_MAX	512

#endif /* __MAP_MOVE_KINDS_H */
