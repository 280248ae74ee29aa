// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: put a fresh inner map into a slot of a map-in-map, wait
 * until no running program still uses the old one, print and release the old one.
 *
 *	read slots --> pin --> swap and wait --> pins_finish()
 *
 * Whatever fails, the data is still in the slot, or printed, or pinned at a
 * path that the message names. So everything that can fail without touching the
 * slot, pinning included, comes before the swap.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/err.h>

#include <bpf/bpf.h>

#include "json_writer.h"
#include "kernel_btf.h"
#include "main.h"
#include "map_drain_args.h"
#include "map_in_map.h"
#include "map_lock.h"
#include "map_msg.h"
#include "map_pins_check.h"
#include "map_pins_finish.h"
#include "map_recover.h"
#include "map_replace.h"
#include "map_signals.h"
#include "map_sync_sleepable.h"
#include "map_wait_impl.h"

/* fds still to be opened, besides those of the maps */
#define MORE_FDS	32

struct swap_drain {
	struct drain_args args;
	struct map_journal journal;
	struct map_in_map_slot *slots;
	unsigned int nr_slots;
	/* A map may fill several slots. It is pinned and drained once, and one
	 * map replaces it in all of them.
	 */
	struct pin_list pins;
	struct map_ref *new;	/* one per pin */
	struct map_wait *wait;
	__u64 wait_us;		/* from the update to the end of the wait */
	int lock, value_lock;
};

static int add_slot(const struct map_ref *outer, const void *key, __u32 id, void *ctx)
{
	struct swap_drain *sd = ctx;
	__u32 key_size = outer->info.key_size;
	struct map_in_map_slot *slot;

	slot = map_grow(sd->slots, sd->nr_slots, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	sd->slots = slot;

	slot += sd->nr_slots;
	*slot = (struct map_in_map_slot){ .id = id, .key = malloc(key_size) };
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
		err = add_slot(outer, sd->args.key, id, sd);
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

/* Open a map in a slot, with the least rights needed. Reports */
static int add_old(struct swap_drain *sd, struct map_in_map_slot *slot)
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
	slot->pin = sd->pins.nr - 1;

	if (args->keep && !args->quiet && !args->clear &&
	    map_check_keep(&pin->map))
		return -1;

	return map_check_drainable(&pin->map, !args->quiet, args->clear);
}

/* Reports */
static int add_key(struct map_label *label, const unsigned char *key)
{
	const unsigned char **keys;

	keys = realloc(label->keys, (label->nr_keys + 1) * sizeof(*keys));
	if (!keys)
		return map_err("mem alloc failed");
	label->keys = keys;
	keys[label->nr_keys++] = key;

	return 0;
}

/* Reports */
static int add_old_maps(struct swap_drain *sd)
{
	struct map_in_map_slot *slot = sd->slots;
	struct hashmap *seen;
	void *id, *first;
	int err = 0;

	seen = hashmap__new(hash_fn_for_key_as_id, equal_fn_for_key_as_id, NULL);
	if (IS_ERR(seen))
		return map_err("mem alloc failed");
	for (; !err && slot < sd->slots + sd->nr_slots; slot++) {
		id = (void *)(unsigned long)slot->id;
		if (hashmap__find(seen, id, &first)) {
			slot->pin = ((struct map_in_map_slot *)first)->pin;
		} else {
			err = add_old(sd, slot);
			if (!err && hashmap__add(seen, id, slot))
				err = map_err("mem alloc failed");
		}
		if (!err)
			err = add_key(&sd->pins.pins[slot->pin].label, slot->key);
	}
	hashmap__free(seen);

	return err;
}

static void unlock(struct swap_drain *sd)
{
	map_unlock(&sd->lock);
	map_unlock(&sd->value_lock);
}

/* If a program can already reach the replacement, its initial content is unknown.
 * Reports.
 */
static int check_value_is_free(struct swap_drain *sd)
{
	char why[MAP_USERS_WHY] = "";
	__u32 id = sd->new[0].info.id;
	struct map_users_query q = { .ids = &id, .nr = 1, .why = why };
	int ret;

	ret = map_users_take(&sd->pins.users) ? :
	      map_users_find(sd->pins.users, &q);
	if (ret < 0 && !*why)
		snprintf(why, sizeof(why), "can't tell who uses it: %s",
			 strerror(-ret));
	if (ret && !sd->args.force) {
		map_err("map %u may already be in use, so it can't be a replacement: %s; 'force' takes it anyway",
			id, why);
		return -1;
	}
	if (ret)
		map_warn("map %u may already be in use: %s",
			 id, why);

	/* Check the journal last: a run pins a map before taking it out of its slot */
	ret = map_in_journal(&sd->journal, id);
	if (ret > 0) {
		map_err("map %u can't be a replacement: it is in %s, and its content was not printed yet",
			id, sd->journal.base);
		return -1;
	}
	return ret ? map_err("can't read %s: %s", sd->journal.base,
			     strerror(-ret)) : 0;
}

/* Reports */
static int get_replacements(struct swap_drain *sd)
{
	struct map_ref *value = &sd->args.value;
	unsigned int i;

	sd->new = calloc(sd->pins.nr + 1, sizeof(*sd->new));
	if (!sd->new)
		return map_err("mem alloc failed");
	for (i = 0; i < sd->pins.nr; i++)
		sd->new[i].fd = -1;

	if (value->fd >= 0) {
		sd->new[0] = *value;
		value->fd = -1;
		if (map_check_replacement(&sd->new[0],
					  &sd->pins.pins[0].map))
			return -1;
		/* Another run may be about to put it into another slot */
		sd->value_lock = map_lock(sd->new[0].info.id, sd->args.force);
		return sd->value_lock < 0 || check_value_is_free(sd) ? -1 : 0;
	}

	for (i = 0; i < sd->pins.nr; i++)
		if (map_create_like(&sd->new[i], &sd->pins.pins[i].map))
			return -1;

	return 0;
}

/* Kernels without this function add the new element and then remove the old one:
 * a program that looks the slot up in between may find neither.
 */
static void warn_hash_of_maps(const struct map_ref *outer)
{
	if (outer->info.type == BPF_MAP_TYPE_HASH_OF_MAPS &&
	    kernel_btf_has_name("htab_map_update_elem_in_place") <= 0)
		map_warn("this kernel does not update hash_of_maps in place: a program that looks the slot up during the swap may find it empty; array_of_maps has no such gap");
}

/* Everything that can fail without touching a slot. Reports */
static int prepare(struct swap_drain *sd)
{
	const struct map_users_except before = {
		.outer = &sd->args.map,
		.key = sd->args.key,
	};

	/* All maps stay open until the end */
	if (read_slots(sd) || map_allow_fds(2 * sd->nr_slots + MORE_FDS) ||
	    add_old_maps(sd) || get_replacements(sd) || pins_prepare(&sd->pins) ||
	    pins_check(&sd->pins, &before) ||
	    map_journal_begin(&sd->journal) || pins_pin(&sd->pins))
		return -1;
	warn_hash_of_maps(&sd->args.map);

	return 0;
}

/* Reports */
static int swap_failed(const struct swap_drain *sd, int err)
{
	struct map_place at = pins_place(&sd->pins);
	unsigned int i, nr = 0;

	for (i = 0; i < sd->nr_slots; i++)
		nr += sd->slots[i].swapped;
	if (sd->nr_slots > 1)
		return map_err_at(nr ? &at : NULL,
				  "can't swap all slots, %u of %u were swapped: %s", nr,
				  sd->nr_slots, strerror(-err));
	if (err == -EINVAL) {
		map_err("the kernel refuses map %u as a replacement for map %u: they are not compatible",
			sd->new[0].info.id, sd->slots[0].id);
		return -1;
	}

	return map_err("can't swap the slot: %s", strerror(-err));
}

/* Reports */
static int swap_and_wait(struct swap_drain *sd)
{
	struct map_place at = pins_place(&sd->pins);
	char why[MAP_WAIT_WHY];
	__u64 start = map_wait_now_us();
	unsigned int i;
	int err;

	for (i = 0; i < sd->nr_slots; i++)
		sd->slots[i].fd = sd->new[sd->slots[i].pin].fd;

	map_signals_at(&at);
	err = map_in_map_swap(&sd->args.map, sd->slots, sd->nr_slots);
	if (err)
		return swap_failed(sd, err);

	/* Either the update itself was the wait, or wait now */
	if (sd->nr_slots && !map_wait_by_update(sd->wait) &&
	    map_wait_run(sd->wait, why, sizeof(why)))
		return map_err_at(&at, "%s", why);
	sd->wait_us = map_wait_now_us() - start;
	map_debug("provider %s: waited %llu us", map_wait_way(sd->wait), sd->wait_us);

	return 0;
}

/* Maps that are still in all their slots need no pin */
static void unpin_untouched(struct swap_drain *sd)
{
	unsigned int i;

	for (i = 0; i < sd->nr_slots; i++)
		if (sd->slots[i].swapped)
			sd->pins.pins[sd->slots[i].pin].taken = true;
	for (i = 0; i < sd->pins.nr; i++)
		if (!sd->pins.pins[i].taken)
			pins_unpin(&sd->journal, &sd->pins.pins[i]);
}

/* Reports */
static int swap_drain(struct swap_drain *sd)
{
	int err;

	sd->lock = map_lock(sd->args.map.info.id, sd->args.force);
	if (sd->lock < 0)
		return -1;

	err = prepare(sd) || swap_and_wait(sd) ? -1 : 0;
	unlock(sd);
	if (!err)
		err = pins_finish(&sd->pins);

	if (err) {
		map_signals_block();
		unpin_untouched(sd);
	}
	map_journal_end(&sd->journal);
	map_signals_end();

	return err;
}

static void summary_plain(const struct swap_drain *sd,
			  const struct map_in_map_slot *slot)
{
	printf("slot ");
	fprint_hex(stdout, slot->key, sd->args.map.info.key_size, " ");
	printf(": map %u swapped for map %u, waited %llu us (%s)\n", slot->id,
	       sd->new[slot->pin].info.id, sd->wait_us,
	       map_wait_way(sd->wait));
}

static void summary_json(const struct swap_drain *sd,
			 const struct map_in_map_slot *slot)
{
	const struct bpf_map_info *old = &sd->pins.pins[slot->pin].map.info;

	jsonw_start_object(json_wtr);
	jsonw_name(json_wtr, "slot");
	print_hex_data_json(slot->key, sd->args.map.info.key_size);
	jsonw_uint_field(json_wtr, "id", old->id);
	jsonw_string_field(json_wtr, "type", map_type_name(old->type));
	if (*old->name)
		jsonw_string_field(json_wtr, "name", old->name);
	jsonw_uint_field(json_wtr, "flags", old->map_flags);
	jsonw_uint_field(json_wtr, "new_id", sd->new[slot->pin].info.id);
	map_sync_print(map_wait_way(sd->wait), sd->wait_us);
	if (sd->pins.sleepable)
		map_sync_print_sleepable(sd->pins.sleepable);
	jsonw_end_object(json_wtr);
}

static void print_summary(void *ctx)
{
	const struct swap_drain *sd = ctx;
	unsigned int i;

	if (json_output && sd->args.all)
		jsonw_start_array(json_wtr);
	for (i = 0; i < sd->nr_slots; i++)
		if (json_output)
			summary_json(sd, &sd->slots[i]);
		else
			summary_plain(sd, &sd->slots[i]);
	if (json_output && sd->args.all)
		jsonw_end_array(json_wtr);
}

/* Reports */
static int open_all(struct swap_drain *sd)
{
	LIBBPF_OPTS(map_wait_opts, opts, .way = sd->args.way, .after_update = true,
		    .log = map_debug_line);
	char why[MAP_WAIT_WHY];

	if (map_check_not_frozen(&sd->args.map, "so it can't be updated") ||
	    drain_check_pin(sd->args.keep, "the map"))
		return -1;
	if (map_wait_open(&sd->wait, &opts, why, sizeof(why)))
		return map_err("%s", why);
	if (map_journal_open(&sd->journal, sd->args.journal))
		return -1;
	map_report_orphans(&sd->journal);
	/* This may load a program to find out whether the limit must be raised */
	set_max_rlimit();

	return 0;
}

static void free_all(struct swap_drain *sd)
{
	unsigned int i;

	for (i = 0; sd->new && i < sd->pins.nr; i++)
		map_ref_close(&sd->new[i]);
	free(sd->new);
	for (i = 0; i < sd->nr_slots; i++)
		free(sd->slots[i].key);
	free(sd->slots);
	pins_free(&sd->pins);
	map_wait_close(sd->wait);
	unlock(sd);
	drain_args_free(&sd->args);
}

int do_map_swap_drain(int argc, char **argv)
{
	struct drain_signals before;
	struct swap_drain sd = {
		.journal.run_fd = -1,
		.lock = -1,
		.value_lock = -1,
		.pins.ctx = &sd,
	};
	int err;

	if (drain_begin("swap-drain", &before))
		return -1;

	err = swap_drain_args(&sd.args, argc, argv);
	if (!err && sd.args.recover) {
		err = map_recover(&sd.args);
	} else if (!err) {
		sd.pins.journal = &sd.journal;
		sd.pins.list = sd.args.all;
		sd.pins.all_or_none = true;
		sd.pins.force = sd.args.force;
		sd.pins.keep = sd.args.keep;
		sd.pins.timeout_ms = sd.args.timeout_ms;
		sd.pins.summary = sd.args.quiet ? print_summary : NULL;
		err = open_all(&sd) || swap_drain(&sd) ? -1 : 0;
	}
	free_all(&sd);

	return drain_end(err, &before);
}
