// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Reading and emptying a map that no program uses any longer */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_msg.h"
#include "map_read.h"
#include "map_replace.h"

/* The kernel's ENOTSUPP, which strerror() does not know */
#define KERNEL_NOTSUPP	524

struct read_bufs {
	void *key, *next;
	void *value, *popped;
};

static void bufs_free(struct read_bufs *b)
{
	free(b->key);
	free(b->next);
	free(b->value);
	free(b->popped);
}

static int bufs_alloc(struct read_bufs *b, size_t key_size, size_t value_size)
{
	/* calloc(), because values are padded and the padding must not be garbage */
	b->key = calloc(1, key_size + 1);
	b->next = calloc(1, key_size + 1);
	b->value = calloc(1, value_size);
	b->popped = calloc(1, value_size);
	if (b->key && b->next && b->value && b->popped)
		return 0;

	bufs_free(b);
	return -ENOMEM;
}

static void swap_keys(struct read_bufs *b)
{
	void *key = b->key;

	b->key = b->next;
	b->next = key;
}

static const char cant_read[] = "read the drained map";
static const char cant_write[] = "write the drained map";

/* The map no longer changes: unlike a dump of a live map, this neither skips nor
 * repeats an entry, and a missing entry is an error.
 */
static int read_one_by_one(const struct map_ref *map, struct map_printer *p,
			   struct read_bufs *b, const char **what)
{
	void *prev = NULL;
	int err;

	while (!bpf_map_get_next_key(map->fd, prev, b->next)) {
		*what = cant_read;
		if (bpf_map_lookup_elem(map->fd, b->next, b->value))
			return -errno;
		*what = cant_write;
		err = map_print_entry(p, b->next, b->value);
		if (err)
			return err;
		swap_keys(b);
		prev = b->key;
	}
	*what = cant_read;

	return errno == ENOENT ? 0 : -errno;
}

static int print_entry(void *ctx, const void *key, const void *value)
{
	return map_print_entry(ctx, key, value);
}

static int read_by_key(const struct map_ref *map, struct map_printer *p,
		       struct read_bufs *b, const char **what)
{
	int err;

	err = map_batch_each(map->fd, &map->info, print_entry, p);
	if (err > 0) {
		map_debug("map %u: read entry by entry, no batch of a %s can be read: %s",
			  map->info.id, map_type_name(map->info.type),
			  errno == KERNEL_NOTSUPP ? "not supported" :
						    strerror(errno));
		return read_one_by_one(map, p, b, what);
	}
	if (p->doc->err)
		*what = cant_write;

	return err;
}

static int pop(const struct map_ref *map, void *value)
{
	return map_retry(bpf_map_lookup_and_delete_elem(map->fd, NULL, value));
}

/* Pop an element only after it was written: if we are killed here it may be
 * printed twice, but is never lost.
 */
static int read_elements(const struct map_ref *map, struct map_printer *p,
			 struct read_bufs *b, const char **what)
{
	size_t size = map->info.value_size;
	int err;

	for (;;) {
		*what = cant_read;
		err = map_retry(bpf_map_lookup_elem(map->fd, NULL, b->value));
		if (err)
			return err == -ENOENT ? 0 : err;

		*what = cant_write;
		err = map_print_entry(p, NULL, b->value) ? : map_stdout_flush();
		if (err)
			return err;

		*what = "pop an element that was written";
		err = pop(map, b->popped);
		if (err)
			return err;
		if (!memcmp(b->value, b->popped, size))
			continue;

		/* Another process popped the one that we peeked at: this is the next */
		*what = cant_write;
		err = map_print_entry(p, NULL, b->popped) ? : map_stdout_flush();
		if (err)
			return err;
	}
}

int map_read_all(const struct map_ref *map, struct map_printer *p,
		 const char **what)
{
	struct read_bufs b;
	int err;

	*what = cant_read;
	err = bufs_alloc(&b, map->info.key_size, map_value_bytes(&map->info));
	if (err)
		return err;

	if (drain_how(map->info.type) == DRAIN_BY_POP)
		err = read_elements(map, p, &b, what);
	else
		err = read_by_key(map, p, &b, what);
	bufs_free(&b);
	map_progress_hide(&p->doc->progress);

	return err;
}

static int clear_keys(const struct map_ref *map, struct read_bufs *b)
{
	int err, ret;

	/* Get the next key before deleting this one: starting over each time
	 * would walk over ever more empty buckets.
	 */
	err = bpf_map_get_next_key(map->fd, NULL, b->key) ? -errno : 0;
	while (!err) {
		if (bpf_map_get_next_key(map->fd, b->key, b->next))
			err = -errno;
		ret = map_retry(bpf_map_delete_elem(map->fd, b->key));
		if (ret && ret != -ENOENT)
			return ret;
		swap_keys(b);
	}

	return err == -ENOENT ? 0 : err;
}

static int clear_indexes(const struct map_ref *map, struct read_bufs *b)
{
	__u32 i;

	for (i = 0; i < map->info.max_entries; i++)
		if (bpf_map_update_elem(map->fd, &i, b->value, BPF_ANY))
			return -errno;

	return 0;
}

static int clear_elements(const struct map_ref *map, struct read_bufs *b)
{
	int err;

	do {
		err = pop(map, b->popped);
	} while (!err);

	return err == -ENOENT ? 0 : err;
}

int map_clear(const struct map_ref *map)
{
	struct read_bufs b;
	int err;

	err = bufs_alloc(&b, map->info.key_size, map_value_bytes(&map->info));
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
