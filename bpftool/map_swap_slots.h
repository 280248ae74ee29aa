/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A run of map swap-drain, and the slots that it swaps */

#ifndef __BPFTOOL_MAP_SWAP_SLOTS_H
#define __BPFTOOL_MAP_SWAP_SLOTS_H

#include <linux/types.h>

#include "map_drain_args.h"
#include "map_in_map.h"
#include "map_journal.h"
#include "map_pins.h"
#include "map_ref.h"
#include "map_wait.h"

struct swap_slot {
	unsigned char *key;
	__u32 id;		/* of the map in it */
	unsigned int pin;	/* number of that map in the list of pins */
	struct swap_slot *first;	/* that holds this map */
	/* In the first one: the keys of all */
	const unsigned char **keys;
	unsigned int nr_keys;
};

struct swap_drain {
	struct drain_args args;
	struct map_journal journal;
	struct swap_slot *slots;
	struct map_in_map_slot *swaps;	/* one per slot */
	unsigned int nr_slots;
	/* A map may fill several slots. It is pinned and drained once, and one
	 * map replaces it in all of them.
	 */
	struct pin_list pins;
	struct map_ref *new;	/* one per pin */
	const unsigned char **keys;	/* of the slots, sorted by map */
	struct map_wait *wait;
	__u64 wait_us;		/* from the update to the end of the wait */
	int lock, value_lock;
};

/**
 * swap_slots_find() - read the slots, and open the maps in them
 *
 * Each map is added to the list of pins, not yet pinned, in the order of the
 * first slots that hold them. Reports. swap_slots_free() is due in either case.
 *
 * Return: 0 or -1.
 */
int swap_slots_find(struct swap_drain *sd);
void swap_slots_free(struct swap_drain *sd);

#endif /* __BPFTOOL_MAP_SWAP_SLOTS_H */
