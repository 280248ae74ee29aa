// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Reading out and emptying a map that no program uses any more */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_drain.h"
#include "map_err.h"

/* A batch ends with whichever comes first; values can be large */
#define BATCH_ENTRIES	4096
#define BATCH_BYTES	1048576
/* Batches in a row that yield nothing, as their entries went away meanwhile */
#define BATCH_TRIES	64

/* What a map without the operation answers: not one of errno.h's numbers, so
 * strerror() has no words for it
 */
#define KERNEL_NOTSUPP	524

struct drain_bufs {
	void *key, *next;
	void *value, *popped;
};

static void bufs_free(struct drain_bufs *b)
{
	free(b->key);
	free(b->next);
	free(b->value);
	free(b->popped);
}

static int bufs_alloc(struct drain_bufs *b, size_t key_size, size_t value_size)
{
	/* calloc() as values are padded, and the pads must not be garbage */
	b->key = calloc(1, key_size + 1);
	b->next = calloc(1, key_size + 1);
	b->value = calloc(1, value_size);
	b->popped = calloc(1, value_size);
	if (b->key && b->next && b->value && b->popped)
		return 0;

	bufs_free(b);
	return -ENOMEM;
}

static const char cant_read[] = "read the drained map";
static const char cant_write[] = "write the drained map";

/* Nobody changes the map any more: unlike a dump of a live map this neither
 * skips nor repeats an entry, and an entry that is not there is an error.
 */
static int drain_one_by_one(const struct map_ref *old, struct drain_printer *p,
			    struct drain_bufs *b, const char **what)
{
	void *prev = NULL, *tmp;
	int err;

	while (!bpf_map_get_next_key(old->fd, prev, b->next)) {
		*what = cant_read;
		if (bpf_map_lookup_elem(old->fd, b->next, b->value))
			return -errno;
		*what = cant_write;
		err = drain_print_entry(p, b->next, b->value);
		if (err)
			return err;
		tmp = b->key;
		b->key = b->next;
		b->next = tmp;
		prev = b->key;
	}
	*what = cant_read;

	return errno == ENOENT ? 0 : -errno;
}

/* A batch's keys, values and position */
struct batch {
	void *keys, *values;
	void *from, *to;
	__u32 room;		/* entries that fit */
	__u32 count;
};

static void batch_free(struct batch *batch)
{
	free(batch->keys);
	free(batch->values);
	free(batch->from);
	free(batch->to);
}

static int batch_resize(struct batch *batch, const struct map_ref *old,
			size_t value_size, __u32 room)
{
	void *keys, *values;

	keys = realloc(batch->keys, room * (size_t)old->info.key_size);
	if (keys)
		batch->keys = keys;
	values = realloc(batch->values, room * value_size);
	if (values)
		batch->values = values;
	if (!keys || !values)
		return -ENOMEM;
	batch->room = room;

	return 0;
}

static int batch_init(struct batch *batch, const struct map_ref *old,
		      size_t value_size)
{
	size_t entry = old->info.key_size + value_size;
	__u32 room = BATCH_BYTES / entry;

	if (room > BATCH_ENTRIES)
		room = BATCH_ENTRIES;
	/* No more than there can be, or a small map costs a megabyte */
	if (room > old->info.max_entries)
		room = old->info.max_entries;

	/* A position is a key, or the number of a bucket */
	batch->from = calloc(1, old->info.key_size + sizeof(__u64));
	batch->to = calloc(1, old->info.key_size + sizeof(__u64));
	if (!batch->from || !batch->to)
		return -ENOMEM;

	return batch_resize(batch, old, value_size, room ? : 1);
}

/* The entries of one bucket come together or not at all. CPUs that add to a map
 * at the same time may add a few too many.
 */
static int batch_grow(struct batch *batch, const struct map_ref *old,
		      size_t value_size)
{
	if (batch->room >= (size_t)old->info.max_entries + get_possible_cpus())
		return -ENOSPC;

	return batch_resize(batch, old, value_size, batch->room * 2);
}

/* Returns 1 when there may be more, 0 when these were the last, or -errno */
static int batch_read(struct batch *batch, const struct map_ref *old,
		      size_t value_size, bool first)
{
	unsigned int lock_tries = 0;
	int tries = BATCH_TRIES, err;
	void *tmp;

	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	for (;;) {
		batch->count = batch->room;
		if (!bpf_map_lookup_batch(old->fd, first ? NULL : batch->from,
					  batch->to, batch->keys, batch->values,
					  &batch->count, &opts))
			break;
		if (errno == ENOENT)
			return 0;
		/* Kernels stop early at a bucket whose lock they don't get, and
		 * some at an entry that was deleted just then; those before it
		 * are there, and it goes on after them.
		 */
		if (map_try_again(-errno, &lock_tries) ||
		    (errno == EINTR && batch->count < batch->room && tries--)) {
			if (batch->count && batch->count < batch->room)
				break;
			continue;
		}
		if (errno != ENOSPC)
			return -errno;
		err = batch_grow(batch, old, value_size);
		if (err)
			return err;
	}

	tmp = batch->from;
	batch->from = batch->to;
	batch->to = tmp;

	return 1;
}

int map_drain_batches(const struct map_ref *old, struct drain_printer *p,
		      const char **what)
{
	size_t value_size = drain_value_size(&old->info);
	struct batch batch = {};
	bool first = true;
	int more, err;
	__u32 i;

	*what = cant_read;
	err = batch_init(&batch, old, value_size);
	for (more = 1; !err && more > 0; first = false) {
		*what = cant_read;
		more = batch_read(&batch, old, value_size, first);
		if (more < 0) {
			err = first ? 1 : more;
			break;
		}
		*what = cant_write;
		for (i = 0; !err && i < batch.count; i++)
			err = drain_print_entry(p, batch.keys +
						(size_t)i * old->info.key_size,
						batch.values + i * value_size);
	}
	if (err > 0)
		map_debug("map %u: read entry by entry, no batch of a %s can be read: %s",
			  old->info.id, map_type_name(old->info.type),
			  more == -KERNEL_NOTSUPP ? "not supported" :
					      strerror(-more));
	batch_free(&batch);

	return err;
}

static int peek(const struct map_ref *map, void *value)
{
	unsigned int tries = 0;
	int err;

	do {
		err = bpf_map_lookup_elem(map->fd, NULL, value) ? -errno : 0;
	} while (map_try_again(err, &tries));

	return err;
}

static int pop(const struct map_ref *map, void *value)
{
	unsigned int tries = 0;
	int err;

	do {
		err = bpf_map_lookup_and_delete_elem(map->fd, NULL, value) ?
			      -errno : 0;
	} while (map_try_again(err, &tries));

	return err;
}

/* An element leaves the map only after it went out: whoever kills us here may
 * see it twice, but it is never lost.
 */
static int drain_elements(const struct map_ref *old, struct drain_printer *p,
			  struct drain_bufs *b, const char **what)
{
	size_t size = old->info.value_size;
	int err;

	for (;;) {
		*what = cant_read;
		err = peek(old, b->value);
		if (err)
			return err == -ENOENT ? 0 : err;

		*what = cant_write;
		err = drain_print_entry(p, NULL, b->value) ? : drain_flush();
		if (err)
			return err;

		*what = "pop an element that was written";
		err = pop(old, b->popped);
		if (err)
			return err;
		if (!memcmp(b->value, b->popped, size))
			continue;

		/* Somebody else popped the one that we saw: this is another */
		*what = cant_write;
		err = drain_print_entry(p, NULL, b->popped) ? : drain_flush();
		if (err)
			return err;
	}
}

int map_drain(const struct map_ref *old, struct drain_printer *p,
	      const char **what)
{
	struct drain_bufs b;
	int err;

	*what = cant_read;
	err = bufs_alloc(&b, old->info.key_size, drain_value_size(&old->info));
	if (err)
		return err;

	if (drain_how(old->info.type) == DRAIN_BY_POP)
		err = drain_elements(old, p, &b, what);
	else
		err = map_drain_batches(old, p, what);
	if (err > 0)
		err = drain_one_by_one(old, p, &b, what);
	bufs_free(&b);

	return err;
}

static int delete_key(const struct map_ref *map, const void *key)
{
	unsigned int tries = 0;
	int err;

	do {
		err = bpf_map_delete_elem(map->fd, key) ? -errno : 0;
	} while (map_try_again(err, &tries));

	return err == -ENOENT ? 0 : err;
}

static int clear_keys(const struct map_ref *map, struct drain_bufs *b)
{
	int err, ret;
	void *tmp;

	/* The next key is asked for while this one still stands: from the
	 * first one every time would walk over ever more empty buckets.
	 */
	err = bpf_map_get_next_key(map->fd, NULL, b->key) ? -errno : 0;
	while (!err) {
		if (bpf_map_get_next_key(map->fd, b->key, b->next))
			err = -errno;
		ret = delete_key(map, b->key);
		if (ret)
			return ret;
		tmp = b->key;
		b->key = b->next;
		b->next = tmp;
	}

	return err == -ENOENT ? 0 : err;
}

static int clear_indexes(const struct map_ref *map, struct drain_bufs *b)
{
	__u32 i;

	for (i = 0; i < map->info.max_entries; i++)
		if (bpf_map_update_elem(map->fd, &i, b->value, BPF_ANY))
			return -errno;

	return 0;
}

static int clear_elements(const struct map_ref *map, struct drain_bufs *b)
{
	int err;

	do {
		err = pop(map, b->popped);
	} while (!err);

	return err == -ENOENT ? 0 : err;
}

int map_clear(const struct map_ref *map)
{
	struct drain_bufs b;
	int err;

	err = bufs_alloc(&b, map->info.key_size, drain_value_size(&map->info));
	if (err)
		return err;

	switch (drain_how(map->info.type)) {
	case DRAIN_BY_KEY:
		err = clear_keys(map, &b);
		break;
	case DRAIN_BY_INDEX:
		err = clear_indexes(map, &b);
		break;
	case DRAIN_BY_POP:
		err = clear_elements(map, &b);
		break;
	default:
		err = -EOPNOTSUPP;
	}
	bufs_free(&b);

	return err;
}
