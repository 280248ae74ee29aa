/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The slots of a map-in-map: reading and swapping them */

#ifndef __BPFTOOL_MAP_IN_MAP_H
#define __BPFTOOL_MAP_IN_MAP_H

#include <stdbool.h>

#include <linux/types.h>

struct map_ref;

/**
 * map_in_map_each() - call a function for every filled slot of a map-in-map
 * @outer:	the map-in-map, open for reading
 * @fn:		gets the key and the ID of the map in the slot
 * @ctx:	passed to @fn
 *
 * Return: the first value other than 0 that @fn returned, 0, or -errno.
 */
int map_in_map_each(const struct map_ref *outer,
		    int (*fn)(const void *key, __u32 id, void *ctx), void *ctx);

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
