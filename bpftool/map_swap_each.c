// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: the filled slots of a map-in-map
 *
 * Read in batches. Kernels before 6.8 wait for a grace period in every lookup
 * of a slot, also in a batch: there many threads look at single slots.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_swap_reach.h"
#include "map_swap_threads.h"

#define BATCH	1024

struct slots {
	const struct map_ref *outer;
	char *keys;		/* BATCH of them */
	__u32 ids[BATCH];	/* of the maps in them */
	int errs[BATCH];	/* of single lookups */
	void *cursor, *next_cursor;
	__u32 count;
	bool started, last;
	bool batched;		/* else one by one: not every kernel can */
};

static void slots_free(struct slots *s)
{
	free(s->keys);
	free(s->cursor);
	free(s->next_cursor);
	free(s);
}

static struct slots *slots_new(const struct map_ref *outer)
{
	/* A cursor is as large as a key, but at least a bucket number */
	size_t key_size = max((size_t)outer->info.key_size, sizeof(__u64));
	struct slots *s;

	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->outer = outer;
	s->batched = batch_waits_once();
	s->keys = malloc(BATCH * key_size);
	s->cursor = malloc(key_size);
	s->next_cursor = malloc(key_size);
	if (s->keys && s->cursor && s->next_cursor)
		return s;

	slots_free(s);
	return NULL;
}

static void look_up_nth(unsigned int i, void *ctx)
{
	struct slots *s = ctx;
	void *key = s->keys + (size_t)i * s->outer->info.key_size;

	s->errs[i] = bpf_map_lookup_elem(s->outer->fd, key, &s->ids[i]) ?
			     -errno : 0;
}

/* Leaves out slots that are empty; returns 0 or -errno */
static int drop_empty(struct slots *s)
{
	__u32 key_size = s->outer->info.key_size, i, kept = 0;

	for (i = 0; i < s->count; i++) {
		if (s->errs[i] == -ENOENT)
			continue;
		if (s->errs[i])
			return s->errs[i];
		memmove(s->keys + (size_t)kept * key_size,
			s->keys + (size_t)i * key_size, key_size);
		s->ids[kept++] = s->ids[i];
	}
	s->count = kept;

	return 0;
}

/* Returns 0, -ENOENT after the last one, or -errno */
static int next_key(const struct slots *s, void *key)
{
	const struct bpf_map_info *outer = &s->outer->info;
	__u32 index = 0;

	if (outer->type != BPF_MAP_TYPE_ARRAY_OF_MAPS)
		return bpf_map_get_next_key(s->outer->fd,
					    s->started ? s->cursor : NULL,
					    key) ? -errno : 0;

	if (s->started) {
		memcpy(&index, s->cursor, sizeof(index));
		index++;
	}
	if (index >= outer->max_entries)
		return -ENOENT;
	memcpy(key, &index, sizeof(index));

	return 0;
}

/* The next keys wait for nothing: they are asked for first */
static int next_in_threads(struct slots *s)
{
	__u32 key_size = s->outer->info.key_size;
	void *key;
	int err;

	for (s->count = 0; s->count < BATCH; s->count++) {
		key = s->keys + (size_t)s->count * key_size;
		err = next_key(s, key);
		if (err && err != -ENOENT)
			return err;
		if (err) {
			s->last = true;
			break;
		}
		s->started = true;
		memcpy(s->cursor, key, key_size);
	}
	run_in_threads(s->count, look_up_nth, s);

	return drop_empty(s);
}

static int next_batch(struct slots *s)
{
	unsigned int tries = 0;
	void *tmp;
	int err;

	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	do {
		s->count = BATCH;
		err = bpf_map_lookup_batch(s->outer->fd,
					   s->started ? s->cursor : NULL,
					   s->next_cursor, s->keys, s->ids,
					   &s->count, &opts) ? -errno : 0;
	} while (map_try_again(err, &tries));
	if (err == -ENOENT) {
		s->last = true;
		return 0;
	}
	if (err) {
		/* Some kernels (6.8 to 6.13) end a batch at an empty slot of
		 * an array. Go on one by one: there a cursor is a key.
		 */
		if (s->started &&
		    s->outer->info.type != BPF_MAP_TYPE_ARRAY_OF_MAPS)
			return err;
		s->batched = false;
		return next_in_threads(s);
	}
	tmp = s->cursor;
	s->cursor = s->next_cursor;
	s->next_cursor = tmp;
	s->started = true;

	return 0;
}

int slots_each(const struct map_ref *outer,
	       int (*fn)(const void *key, __u32 id, void *ctx), void *ctx)
{
	int err = 0, stop = 0;
	struct slots *s;
	__u32 i;

	s = slots_new(outer);
	if (!s)
		return -ENOMEM;

	while (!stop && !err && !s->last) {
		err = s->batched ? next_batch(s) : next_in_threads(s);
		for (i = 0; !err && !stop && i < s->count; i++)
			stop = fn(s->keys + (size_t)i * outer->info.key_size,
				  s->ids[i], ctx);
	}
	slots_free(s);

	return stop ? : err;
}
