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
	/* For each byte of a value, whether it belongs to a counter, NULL for a
	 * queue or stack; and the size of that counter, 0 or NULL: not known
	 */
	const __u8 *bytes, *sizes;
	/* Leave the map alone, put what was added since into the stage. @last
	 * and @now are like the map, and @now is new and empty.
	 */
	bool since;
	const struct map_ref *last;	/* the last readings, or NULL */
	const struct map_ref *now;	/* where the new ones go */
	bool verbose;			/* libbpf may print */
};

struct map_move_result {
	const char *mover;	/* which way it was done */
	/* Values that held something; counts each CPU's value by itself, and
	 * each part of 32 KiB of a larger one
	 */
	__u64 moved;
	__u64 left;		/* values that could not be moved: no memory */
	__u64 shrank;		/* words that were greater at the last reading */
	__u64 lost;		/* popped elements that fit into neither map */
	__u64 unsure;		/* CPUs that came online while their values were moved */
};

struct map_move;

/* map_move_counter_bytes() - how many of 4 bytes belong to counters */
static inline unsigned int map_move_counter_bytes(const __u8 *bytes)
{
	return !!bytes[0] + !!bytes[1] + !!bytes[2] + !!bytes[3];
}

/* map_move_stage_type() - the type of the stage for a type of map */
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
