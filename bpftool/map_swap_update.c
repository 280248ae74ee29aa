// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: swapping slots, with one grace period for all
 *
 * The kernel waits for a grace period in each update of a map-in-map. Since
 * Linux 6.8 a batch waits once. Before that, what saves time is that waiters
 * share grace periods: many threads each update single slots.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_err.h"
#include "map_swap_run.h"
#include "map_swap_threads.h"

static int new_fd(const struct swap_slot *slot)
{
	return slot->first ? slot->first->new.fd : slot->new.fd;
}

static int update_one(const struct swap_drain *sd, struct swap_slot *slot)
{
	const struct map_ref *outer = &sd->args.outer;
	int err, fd = new_fd(slot);
	unsigned int tries = 0;
	__u64 flags = BPF_ANY;

	/* A slot that is gone by now must not come back; array_of_maps knows
	 * no such slot and rejects the flag.
	 */
	if (outer->info.type == BPF_MAP_TYPE_HASH_OF_MAPS)
		flags = BPF_EXIST;

	do {
		err = bpf_map_update_elem(outer->fd, slot->key, &fd, flags) ?
			      -errno : 0;
	} while (map_try_again(err, &tries));
	slot->swapped = !err;

	return err;
}

/* Slots that are swapped together */
struct chunk {
	struct swap_drain *sd;
	struct swap_slot *slots;
	unsigned int nr;
};

/* Swaps the first of the slots, as many as can be; returns 0 or -errno */
static int update_some(struct chunk *c, const char *keys, const int *fds)
{
	__u32 i, count = c->nr;
	int err = 0;

	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	if (bpf_map_update_batch(c->sd->args.outer.fd, keys, fds, &count,
				 &opts)) {
		err = -errno;
		/* A kernel that refuses the call as such leaves count alone */
		if (count == c->nr)
			count = 0;
	}
	for (i = 0; i < count; i++)
		c->slots[i].swapped = true;
	c->slots += count;
	c->nr -= count;

	return err;
}

/* Returns 0; -errno with some slots swapped, or with none */
static int update_batch(const struct chunk *c)
{
	__u32 i, key_size = c->sd->args.outer.info.key_size;
	char *keys = malloc((size_t)c->nr * key_size);
	int *fds = malloc(c->nr * sizeof(*fds));
	struct chunk rest = *c;
	unsigned int tries = 0;
	int err = -ENOMEM;

	if (!keys || !fds)
		goto free;
	for (i = 0; i < c->nr; i++) {
		memcpy(keys + (size_t)i * key_size, c->slots[i].key, key_size);
		fds[i] = new_fd(&c->slots[i]);
	}

	do {
		i = c->nr - rest.nr;
		err = update_some(&rest, keys + (size_t)i * key_size, fds + i);
		if (i < c->nr - rest.nr)
			tries = 0;
	} while (map_try_again(err, &tries));

free:
	free(keys);
	free(fds);
	return err;
}

struct work {
	const struct chunk *chunk;
	int err;		/* the last error of any slot */
};

static void update_nth(unsigned int i, void *ctx)
{
	struct work *work = ctx;
	int err;

	err = update_one(work->chunk->sd, &work->chunk->slots[i]);
	if (err)
		__atomic_store_n(&work->err, err, __ATOMIC_RELAXED);
}

static int update_threads(const struct chunk *c)
{
	struct work work = { .chunk = c };

	run_in_threads(c->nr, update_nth, &work);

	return work.err;
}

static unsigned int count_swapped(const struct swap_drain *sd)
{
	unsigned int i, nr = 0;

	for (i = 0; i < sd->nr_slots; i++)
		nr += sd->slots[i].swapped;

	return nr;
}

static void report(struct swap_drain *sd, int err)
{
	unsigned int nr = count_swapped(sd);
	const struct map_err_state state = {
		.swapped = nr,
		.pinned = sd->journal.run,
	};

	if (sd->nr_slots > 1)
		map_err_state(&state, "can't swap all slots, %u of %u are: %s",
			      nr, sd->nr_slots, strerror(-err));
	else if (err == -EINVAL)
		map_err("the kernel refuses map %u as a replacement for map %u: they are not compatible",
			sd->slots[0].new.info.id, sd->slots[0].old.info.id);
	else
		map_err("can't swap the slot: %s", strerror(-err));
}

/* A map that fills several slots may be needed in several chunks */
static int open_chunk(const struct chunk *c)
{
	struct swap_slot *slot;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < c->nr; i++) {
		slot = &c->slots[i];
		err = swap_slot_unpark(c->sd, slot->first ? : slot);
	}

	return err;
}

static void close_chunk(const struct chunk *c)
{
	struct swap_slot *slot;
	unsigned int i;

	for (i = 0; i < c->nr; i++) {
		slot = c->slots[i].first ? : &c->slots[i];
		if (slot->parked)
			map_ref_close(&slot->new);
	}
}

static int update_chunk(struct chunk *c)
{
	int err;

	err = open_chunk(c);
	if (err)
		return err;

	err = -EOPNOTSUPP;
	if (c->nr == 1)
		err = update_one(c->sd, c->slots);
	else if (batch_waits_once())
		err = update_batch(c);
	if (err && c->nr > 1 && !c->slots[0].swapped) {
		map_debug("slots are swapped one by one: %s",
			  batch_waits_once() ? strerror(-err) :
			  "on this kernel a batch waits for each of them");
		err = update_threads(c);
	}
	close_chunk(c);

	return err;
}

int swap_update(struct swap_drain *sd)
{
	struct chunk c = { .sd = sd };
	unsigned int at;
	int err = 0;

	for (at = 0; !err && at < sd->nr_slots; at += c.nr) {
		c.slots = sd->slots + at;
		c.nr = sd->nr_slots - at;
		if (c.nr > sd->at_once)
			c.nr = sd->at_once;
		err = update_chunk(&c);
	}

	if (err)
		report(sd, err);
	return err ? -1 : 0;
}
