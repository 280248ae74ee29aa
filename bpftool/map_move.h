/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Moves what programs counted in one map into another, losing nothing
 *
 * Needs libbpf and nothing of bpftool; prints nothing.
 */

#ifndef __BPFTOOL_MAP_MOVE_H
#define __BPFTOOL_MAP_MOVE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

struct map_ref;

struct map_move_opts {
	const struct map_ref *map;
	/* New, empty, like the map, but of map_move_stage_type() */
	const struct map_ref *stage;
	/* For each byte of a value whether it belongs to a counter, and the
	 * size of that one if it is 4: MAP_MOVE_U32. NULL for a queue or stack.
	 */
	const __u8 *bytes;
	/* Leave the map alone, put into the stage what was added since: both
	 * are like the map, and @now is new and empty.
	 */
	bool since;
	const struct map_ref *last;	/* the last readings, or NULL */
	const struct map_ref *now;	/* where these readings go */
	bool verbose;			/* libbpf may print */
};

#define MAP_MOVE_U32	0x80	/* added to a byte: its counter has 4 bytes */

struct map_move_result {
	const char *mover;	/* which way it was done */
	/* Values that held something, each CPU's by itself, and of those above
	 * 32 KiB each part of that size
	 */
	__u64 moved;
	__u64 left;		/* values that could not be moved: no memory */
	__u64 shrank;		/* words that were greater at the last reading */
	__u64 lost;		/* elements that fit nowhere any more */
	__u64 unsure;		/* CPUs that came online while theirs were moved */
};

struct map_move;

/* map_move_stage_type() - what type of map takes what is moved out of a type */
__u32 map_move_stage_type(__u32 type);

/**
 * map_move_open() - load what moves the values; touches no value
 * @why:	gets the reason of an error
 *
 * Return: 0 or -errno.
 */
int map_move_open(struct map_move **m, const struct map_move_opts *opts,
		  char *why, size_t size);

/**
 * map_move_run() - move the values
 *
 * After an error some values may have been moved, but none is lost. With @since
 * an error, or a value that is left, means that @now must not be used.
 *
 * Return: 0 or -errno.
 */
int map_move_run(struct map_move *m, struct map_move_result *res);
void map_move_close(struct map_move *m);

#endif /* __BPFTOOL_MAP_MOVE_H */
