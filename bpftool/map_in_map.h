/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The slots of a map-in-map: reading and swapping them */

#ifndef __BPFTOOL_MAP_IN_MAP_H
#define __BPFTOOL_MAP_IN_MAP_H

#include <stdbool.h>

#include <linux/types.h>

struct map_ref;

/* Gets the key of a slot, and the ID of the map in it */
typedef int (*map_in_map_fn)(const struct map_ref *outer, const void *key, __u32 id,
			     void *ctx);

/**
 * map_in_map_each() - call a function for every filled slot of a map-in-map
 * map_in_map_each_of() - the same, by its ID; a map that is gone, or of another
 *			  type, has no slots
 * @outer:	the map-in-map, open for reading
 *
 * Return: the first value other than 0 that @fn returned, 0, or -errno.
 */
int map_in_map_each(const struct map_ref *outer, map_in_map_fn fn, void *ctx);
int map_in_map_each_of(__u32 outer_id, map_in_map_fn fn, void *ctx);

struct map_in_map_slot {
	unsigned char *key;
	__u32 id;		/* of the map in it */
	unsigned int pin;	/* number of that map in the caller's list */
	int fd;			/* the map to put there */
	bool swapped;		/* set by map_in_map_swap() */
};

/**
 * map_in_map_swap() - put maps into slots, with one grace period for all
 * @outer:	the map-in-map, open for writing
 * @slots:	the slots; which ones were swapped is recorded in them
 * @nr:		how many
 *
 * Once it returned 0, the kernel has waited for an RCU grace period since the
 * last update (since Linux 4.20). After an error only some may be swapped.
 *
 * Return: 0 or -errno.
 */
int map_in_map_swap(const struct map_ref *outer, struct map_in_map_slot *slots,
		    unsigned int nr);

#endif /* __BPFTOOL_MAP_IN_MAP_H */
