// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The slots that map swap-drain swaps, and the maps in them */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_msg.h"
#include "map_replace.h"
#include "map_swap_slots.h"

/* Descriptors that are yet to be opened, besides those of the maps */
#define MORE_FDS	32

static int add_slot(const void *key, __u32 id, void *ctx)
{
	struct swap_drain *sd = ctx;
	__u32 key_size = sd->args.map.info.key_size;
	struct swap_slot *slot;

	slot = map_grow(sd->slots, sd->nr_slots, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	sd->slots = slot;

	slot = &sd->slots[sd->nr_slots];
	memset(slot, 0, sizeof(*slot));
	slot->id = id;
	slot->key = malloc(key_size);
	if (!slot->key)
		return -ENOMEM;
	memcpy(slot->key, key, key_size);
	sd->nr_slots++;

	return 0;
}

/* Reports */
static int read_slots(struct swap_drain *sd)
{
	const struct map_ref *outer = &sd->args.map;
	int err;
	__u32 id;

	if (sd->args.all)
		err = map_in_map_each(outer, add_slot, sd);
	else if (!bpf_map_lookup_elem(outer->fd, sd->args.key, &id))
		err = add_slot(sd->args.key, id, sd);
	else
		err = -errno;

	if (err == -ENOENT && outer->info.type == BPF_MAP_TYPE_ARRAY_OF_MAPS &&
	    !sd->args.all && *(__u32 *)sd->args.key >= outer->info.max_entries)
		return map_err("there is no slot %u: map %u has %u of them, from 0 on",
			       *(__u32 *)sd->args.key, outer->info.id,
			       outer->info.max_entries);
	if (err == -ENOENT)
		return map_err("the slot is empty; 'all' drains those that hold a map");
	return err ? map_err("can't read the slots of map %u: %s",
			     outer->info.id, strerror(-err)) : 0;
}

/* All maps are open until the end. Reports */
static int allow_fds(const struct swap_drain *sd)
{
	rlim_t need = map_allow_fds(2 * (rlim_t)sd->nr_slots + MORE_FDS);

	if (need)
		map_err("can't open enough files for %u slots: raise the limit with 'ulimit -n %llu'",
			sd->nr_slots, (unsigned long long)need);

	return need ? -1 : 0;
}

static int by_id_and_place(const void *a, const void *b)
{
	const struct swap_slot *s_a = *(struct swap_slot * const *)a;
	const struct swap_slot *s_b = *(struct swap_slot * const *)b;

	if (s_a->id != s_b->id)
		return s_a->id < s_b->id ? -1 : 1;

	return s_a < s_b ? -1 : s_a > s_b;
}

/* Opens a map in a slot, with the least rights that serve. Reports */
static int add_old(struct swap_drain *sd, struct swap_slot *slot)
{
	const struct drain_args *args = &sd->args;
	struct pinned_map *pin;
	struct map_ref old;
	int err;

	err = map_ref_open(&old, slot->id, BPF_F_RDONLY);
	if (!err && (args->clear ||
		     drain_how(old.info.type) == DRAIN_BY_POP)) {
		map_ref_close(&old);
		err = map_ref_open(&old, slot->id, 0);
	}
	if (err)
		return map_err("can't open map %u, which is in the slot: %s",
			       slot->id, strerror(-err));

	pin = pins_add(&sd->pins, &old, args->map.info.id,
		       args->clear ? PIN_CLEAR : PIN_PRINT);
	if (!pin) {
		map_ref_close(&old);
		return map_err("mem alloc failed");
	}
	pin->label.key_size = args->map.info.key_size;
	pin->label.keys = slot->keys;
	pin->label.nr_keys = slot->nr_keys;
	slot->pin = sd->pins.nr - 1;

	return map_check_drainable(&pin->map, !args->quiet, args->clear);
}

/* Finds the slots that hold the same map. Reports */
static int find_repeated(struct swap_drain *sd)
{
	struct swap_slot **sorted, *slot;
	unsigned int i;

	sorted = calloc(sd->nr_slots + 1, sizeof(*sorted));
	sd->keys = calloc(sd->nr_slots + 1, sizeof(*sd->keys));
	if (!sorted || !sd->keys) {
		free(sorted);
		return map_err("mem alloc failed");
	}
	for (i = 0; i < sd->nr_slots; i++)
		sorted[i] = &sd->slots[i];
	qsort(sorted, sd->nr_slots, sizeof(*sorted), by_id_and_place);

	for (i = 0; i < sd->nr_slots; i++) {
		slot = sorted[i];
		sd->keys[i] = slot->key;
		slot->first = i && sorted[i - 1]->id == slot->id ?
				      sorted[i - 1]->first : slot;
		if (slot->first == slot)
			slot->keys = &sd->keys[i];
		slot->first->nr_keys++;
	}
	free(sorted);

	return 0;
}

static int add_old_maps(struct swap_drain *sd)
{
	struct swap_slot *slot;
	unsigned int i;

	if (find_repeated(sd))
		return -1;
	for (i = 0; i < sd->nr_slots; i++) {
		slot = &sd->slots[i];
		if (slot->first != slot)
			slot->pin = slot->first->pin;
		else if (add_old(sd, slot))
			return -1;
	}

	return 0;
}

int swap_slots_find(struct swap_drain *sd)
{
	return read_slots(sd) || allow_fds(sd) || add_old_maps(sd) ? -1 : 0;
}

void swap_slots_free(struct swap_drain *sd)
{
	unsigned int i;

	for (i = 0; i < sd->nr_slots; i++)
		free(sd->slots[i].key);
	free(sd->slots);
	free(sd->keys);
}
