/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What map_move.c and its BPF programs share */

#ifndef __MAP_MOVE_KINDS_H
#define __MAP_MOVE_KINDS_H

/* What the 4 bytes at each multiple of 4 in a value are */
enum {
	MOVE_OTHER,		/* copied */
	MOVE_U32,		/* a counter of 4 bytes */
	MOVE_U64,		/* the first half of a counter of 8 bytes */
};

/* The iterator's copy of a key, in front of a value of zeros in "scratch" */
#define MOVE_KEY_MAX	512

/* Elements of a queue that one run of the program moves */
#define MOVE_POP_MAX	512

#endif /* __MAP_MOVE_KINDS_H */
