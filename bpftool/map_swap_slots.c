// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: the slots that a run swaps */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_err.h"
#include "map_in_map.h"
#include "map_swap_run.h"

/* Descriptors that are open besides the maps of the slots: of which so many are yet
 * to be opened, and all together at least
 */
#define MORE_FDS	32
#define OTHER_FDS_MIN	64

/* The slots' keys and the ids in them, as they are collected */
struct collection {
	struct swap_drain *sd;
	unsigned int room;
};

static int add_slot(const void *key, __u32 id, void *ctx)
{
	struct collection *c = ctx;
	struct swap_drain *sd = c->sd;
	__u32 key_size = sd->args.outer.info.key_size;
	struct swap_slot *slot;

	if (sd->nr_slots == c->room) {
		c->room = c->room ? 2 * c->room : 16;
		slot = realloc(sd->slots, c->room * sizeof(*slot));
		if (!slot)
			return -ENOMEM;
		sd->slots = slot;
	}

	slot = &sd->slots[sd->nr_slots];
	memset(slot, 0, sizeof(*slot));
	slot->old.fd = -1;
	slot->new.fd = -1;
	slot->old.info.id = id;
	slot->key = malloc(key_size);
	if (!slot->key)
		return -ENOMEM;
	memcpy(slot->key, key, key_size);
	sd->nr_slots++;

	return 0;
}

static int collect(struct swap_drain *sd)
{
	struct collection c = { .sd = sd };
	const struct map_ref *outer = &sd->args.outer;
	int err;
	__u32 id;

	if (sd->args.all)
		err = map_in_map_each(outer, add_slot, &c);
	else if (!bpf_map_lookup_elem(outer->fd, sd->args.key, &id))
		err = add_slot(sd->args.key, id, &c);
	else
		err = -errno;

	if (err == -ENOENT)
		map_err("the slot is empty; 'all' drains those that hold a map");
	else if (err)
		map_err("can't read the slots of map %u: %s", outer->info.id,
			strerror(-err));
	return err ? -1 : 0;
}

static int by_id_and_place(const void *a, const void *b)
{
	const struct swap_slot *s_a = *(struct swap_slot * const *)a;
	const struct swap_slot *s_b = *(struct swap_slot * const *)b;

	if (s_a->old.info.id != s_b->old.info.id)
		return s_a->old.info.id < s_b->old.info.id ? -1 : 1;

	return s_a < s_b ? -1 : s_a > s_b;
}

/* Chains the slots that hold the same map */
static int find_repeated(struct swap_drain *sd)
{
	struct swap_slot **sorted;
	unsigned int i;

	sorted = calloc(sd->nr_slots + 1, sizeof(*sorted));
	if (!sorted) {
		map_err("mem alloc failed");
		return -1;
	}
	for (i = 0; i < sd->nr_slots; i++)
		sorted[i] = &sd->slots[i];
	qsort(sorted, sd->nr_slots, sizeof(*sorted), by_id_and_place);

	for (i = 1; i < sd->nr_slots; i++) {
		if (sorted[i]->old.info.id != sorted[i - 1]->old.info.id)
			continue;
		sorted[i]->first = sorted[i - 1]->first ? : sorted[i - 1];
		sorted[i - 1]->next_same = sorted[i];
	}
	free(sorted);

	return 0;
}

/* A caller may have left any number of its own open to us */
static rlim_t other_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	rlim_t nr = MORE_FDS;

	while (dir && readdir(dir))
		nr++;
	if (dir)
		closedir(dir);

	return nr > OTHER_FDS_MIN ? nr : OTHER_FDS_MIN;
}

static bool may_open(rlim_t want)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= want)
		return true;
	limit.rlim_cur = want;
	if (limit.rlim_max < want)
		limit.rlim_max = want;

	return !setrlimit(RLIMIT_NOFILE, &limit);
}

/* How many maps can be open at the same time? Where the limit can't be raised
 * far enough, old ones are opened again when they are needed; and replacements
 * wait in the journal.
 */
static void limit_fds(struct swap_drain *sd)
{
	rlim_t nr = sd->nr_slots, others = other_fds();
	struct rlimit limit = {};

	sd->at_once = nr;
	if (may_open(2 * nr + others))
		return;
	sd->few_fds = nr > 1;
	if (may_open(nr + others))
		return;

	if (getrlimit(RLIMIT_NOFILE, &limit) || !may_open(limit.rlim_max))
		limit.rlim_max = limit.rlim_cur;
	sd->at_once = limit.rlim_max > others ? limit.rlim_max - others : 1;
	map_debug("%u slots are swapped at once, as no more maps can be open",
		  sd->at_once);
}

int swap_slots_find(struct swap_drain *sd)
{
	if (collect(sd) || find_repeated(sd))
		return -1;
	limit_fds(sd);

	return 0;
}

int swap_slot_path(const struct swap_drain *sd, const struct swap_slot *slot,
		   char path[PATH_MAX])
{
	enum swap_pin_state state = PIN_PRINT;

	if (sd->args.clear)
		state = slot->printed ? PIN_PRINTED : PIN_CLEAR;

	return swap_journal_path(&sd->journal, sd->args.outer.info.id,
				 slot->old.info.id, state, path);
}

int swap_slot_printed(const struct swap_drain *sd, struct swap_slot *slot)
{
	char path[PATH_MAX];
	int err;

	err = swap_slot_path(sd, slot, path) ? : swap_journal_printed(path);
	if (!err)
		slot->printed = true;

	return err;
}

int swap_slot_reopen(const struct swap_drain *sd, struct swap_slot *slot)
{
	char path[PATH_MAX];
	int err;

	if (slot->old.fd >= 0)
		return 0;

	err = swap_slot_path(sd, slot, path);
	if (err)
		return err;
	slot->old.fd = bpf_obj_get(path);

	return slot->old.fd < 0 ? -errno : 0;
}

static int new_path(const struct swap_drain *sd, const struct swap_slot *slot,
		    char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/" SWAP_JOURNAL_NEW "%u",
			sd->journal.run, slot->new.info.id) >= PATH_MAX ?
		       -ENAMETOOLONG : 0;
}

int swap_slot_park(const struct swap_drain *sd, struct swap_slot *slot)
{
	char path[PATH_MAX];
	int err;

	if (sd->at_once >= sd->nr_slots)
		return 0;

	err = new_path(sd, slot, path);
	if (!err && bpf_obj_pin(slot->new.fd, path))
		err = -errno;
	if (err) {
		map_err("can't pin a replacement in %s: %s", sd->journal.run,
			strerror(-err));
		return -1;
	}
	map_ref_close(&slot->new);
	slot->parked = true;

	return 0;
}

int swap_slot_unpark(const struct swap_drain *sd, struct swap_slot *slot)
{
	char path[PATH_MAX];
	int err;

	if (!slot->parked || slot->new.fd >= 0)
		return 0;

	err = new_path(sd, slot, path);
	if (err)
		return err;
	slot->new.fd = bpf_obj_get(path);

	return slot->new.fd < 0 ? -errno : 0;
}

static void remove_parked(const struct swap_drain *sd,
			  const struct swap_slot *slot)
{
	char path[PATH_MAX];

	if (slot->parked && !new_path(sd, slot, path))
		unlink(path);
}

__u32 *swap_slots_ids(const struct swap_drain *sd)
{
	__u32 *ids = calloc(sd->nr_slots + 1, sizeof(*ids));
	unsigned int i;

	for (i = 0; ids && i < sd->nr_slots; i++)
		ids[i] = sd->slots[i].old.info.id;

	return ids;
}

/* A map that fills several slots is let go when none of them has it */
static bool is_untouched(const struct swap_slot *slot)
{
	for (; slot; slot = slot->next_same)
		if (slot->swapped)
			return false;

	return true;
}

int swap_slots_unpin(struct swap_drain *sd, bool untouched)
{
	char path[PATH_MAX];
	struct swap_slot *slot;
	unsigned int i;
	int err = 0, ret;

	for (i = 0; i < sd->nr_slots; i++) {
		slot = &sd->slots[i];
		remove_parked(sd, slot);
		if (slot->first || (untouched && !is_untouched(slot)))
			continue;
		ret = swap_slot_path(sd, slot, path);
		if (!ret && unlink(path) && errno != ENOENT)
			ret = -errno;
		if (ret)
			err = ret;
	}

	return err;
}

void swap_slots_free(struct swap_drain *sd)
{
	unsigned int i;

	for (i = 0; i < sd->nr_slots; i++) {
		map_ref_close(&sd->slots[i].old);
		map_ref_close(&sd->slots[i].new);
		free(sd->slots[i].key);
	}
	free(sd->slots);
}

static void report_update(struct swap_drain *sd, int err)
{
	unsigned int i, nr = 0;
	struct map_err_state state = { .pinned = sd->journal.run };

	for (i = 0; i < sd->nr_slots; i++)
		nr += sd->slots[i].swapped;
	state.swapped = nr;

	if (sd->nr_slots > 1)
		map_err_state(&state, "can't swap all slots, %u of %u are: %s",
			      nr, sd->nr_slots, strerror(-err));
	else if (err == -EINVAL)
		map_err("the kernel refuses map %u as a replacement for map %u: they are not compatible",
			sd->slots[0].new.info.id, sd->slots[0].old.info.id);
	else
		map_err("can't swap the slot: %s", strerror(-err));
}

int swap_update(struct swap_drain *sd)
{
	struct map_in_map_slot *slots;
	struct swap_slot *slot;
	unsigned int i;
	int err = 0;

	slots = calloc(sd->nr_slots + 1, sizeof(*slots));
	if (!slots)
		err = -ENOMEM;
	for (i = 0; !err && i < sd->nr_slots; i++) {
		slot = sd->slots[i].first ? : &sd->slots[i];
		err = swap_slot_unpark(sd, slot);
		slots[i].key = sd->slots[i].key;
		slots[i].fd = slot->new.fd;
	}
	if (!err)
		err = map_in_map_swap(&sd->args.outer, slots, sd->nr_slots);
	for (i = 0; slots && i < sd->nr_slots; i++)
		sd->slots[i].swapped = slots[i].swapped;
	free(slots);

	if (err)
		report_update(sd, err);
	return err ? -1 : 0;
}
