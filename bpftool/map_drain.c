// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Reading out and emptying a map that no program uses any more */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "map_drain.h"

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

/* Nobody changes the map any more: unlike a dump of a live map this neither
 * skips nor repeats an entry, and an entry that is not there is an error.
 */
static int drain_keys(const struct map_ref *old, struct drain_printer *p,
		      struct drain_bufs *b, const char **what)
{
	void *prev = NULL, *tmp;
	int err;

	while (!bpf_map_get_next_key(old->fd, prev, b->next)) {
		if (bpf_map_lookup_elem(old->fd, b->next, b->value)) {
			*what = "read the drained map";
			return -errno;
		}
		err = drain_print_entry(p, b->next, b->value);
		if (err) {
			*what = "write the drained map";
			return err;
		}
		tmp = b->key;
		b->key = b->next;
		b->next = tmp;
		prev = b->key;
	}
	if (errno != ENOENT) {
		*what = "read the drained map";
		return -errno;
	}

	return 0;
}

/* An element leaves the map only after it went out: whoever kills us here may
 * see it twice, but it is never lost.
 */
static int drain_elements(const struct map_ref *old, struct drain_printer *p,
			  struct drain_bufs *b, const char **what)
{
	size_t size = old->info.value_size;
	int err;

	while (!bpf_map_lookup_elem(old->fd, NULL, b->value)) {
		*what = "write the drained map";
		err = drain_print_entry(p, NULL, b->value) ? : drain_flush();
		if (err)
			return err;

		*what = "pop an element that was written";
		if (bpf_map_lookup_and_delete_elem(old->fd, NULL, b->popped))
			return -errno;
		if (!memcmp(b->value, b->popped, size))
			continue;

		/* Somebody else popped the one that we saw: this is another */
		*what = "write the drained map";
		err = drain_print_entry(p, NULL, b->popped) ? : drain_flush();
		if (err)
			return err;
	}
	if (errno != ENOENT) {
		*what = "read the drained map";
		return -errno;
	}

	return 0;
}

int map_drain(const struct map_ref *old, struct drain_printer *p,
	      const char **what)
{
	struct drain_bufs b;
	int err;

	*what = "read the drained map";
	err = bufs_alloc(&b, old->info.key_size, drain_value_size(&old->info));
	if (err)
		return err;

	if (drain_how(old->info.type) == DRAIN_BY_POP)
		err = drain_elements(old, p, &b, what);
	else
		err = drain_keys(old, p, &b, what);
	bufs_free(&b);

	return err;
}

static int clear_keys(const struct map_ref *map, struct drain_bufs *b)
{
	void *tmp;
	int err;

	/* The next key is asked for while this one still stands: from the
	 * first one every time would walk over ever more empty buckets.
	 */
	err = bpf_map_get_next_key(map->fd, NULL, b->key) ? -errno : 0;
	while (!err) {
		if (bpf_map_get_next_key(map->fd, b->key, b->next))
			err = -errno;
		if (bpf_map_delete_elem(map->fd, b->key) && errno != ENOENT)
			return -errno;
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
	while (!bpf_map_lookup_and_delete_elem(map->fd, NULL, b->popped))
		;

	return errno == ENOENT ? 0 : -errno;
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
