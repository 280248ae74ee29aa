// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Reading a map in batches */

#include <errno.h>
#include <stdlib.h>

#include <linux/kernel.h>

#include <bpf/bpf.h>

#include "main.h"

/* A batch ends with whichever comes first; values can be large */
#define BATCH_ENTRIES	4096
#define BATCH_BYTES	1048576
/* Calls in a row that yield nothing, see batch_interrupted() */
#define BATCH_TRIES	64

struct batch {
	const struct bpf_map_info *info;
	int fd;
	size_t value_size;	/* of all CPUs */
	void *keys, *values;
	void *from, *to;	/* positions */
	bool started;
	__u32 capacity;
	__u32 count;
};

/* map_value_bytes() - bytes that a lookup returns, those of all CPUs */
size_t map_value_bytes(const struct bpf_map_info *info)
{
	if (info->type != BPF_MAP_TYPE_PERCPU_HASH &&
	    info->type != BPF_MAP_TYPE_PERCPU_ARRAY &&
	    info->type != BPF_MAP_TYPE_LRU_PERCPU_HASH)
		return info->value_size;

	return round_up((size_t)info->value_size, 8) * get_possible_cpus();
}

static int batch_resize(struct batch *b, __u32 capacity)
{
	free(b->keys);
	free(b->values);
	b->keys = malloc(capacity * (size_t)b->info->key_size);
	b->values = malloc(capacity * b->value_size);
	b->capacity = capacity;

	return b->keys && b->values ? 0 : -ENOMEM;
}

static int batch_init(struct batch *b)
{
	__u32 capacity = BATCH_BYTES / (b->info->key_size + b->value_size);

	if (capacity > BATCH_ENTRIES)
		capacity = BATCH_ENTRIES;
	/* Not more than the map can hold, or a small map costs a megabyte */
	if (capacity > b->info->max_entries)
		capacity = b->info->max_entries;

	/* A position is a key, or the number of a bucket */
	b->from = calloc(1, b->info->key_size + sizeof(__u64));
	b->to = calloc(1, b->info->key_size + sizeof(__u64));
	if (!b->from || !b->to)
		return -ENOMEM;

	return batch_resize(b, capacity ? : 1);
}

/* A batch takes the entries of a bucket together or not at all, so it needs
 * capacity for one bucket. Concurrent inserts may exceed max_entries a little.
 */
static int batch_grow(struct batch *b)
{
	if (b->capacity >= (size_t)b->info->max_entries + get_possible_cpus())
		return -ENOSPC;

	return batch_resize(b, b->capacity * 2);
}

/* Kernels give up on a bucket whose lock they can't get, and some on an entry
 * that was just deleted. The entries before that were returned.
 */
static bool batch_interrupted(int err)
{
	return err == -EBUSY || err == -ETIMEDOUT || err == -EDEADLK ||
	       err == -EINTR;
}

/* Returns 1 when there may be more, 0 when these were the last, or -errno */
static int batch_read(struct batch *b)
{
	int tries = BATCH_TRIES, err;
	void *tmp;

	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	for (;;) {
		b->count = b->capacity;
		if (!bpf_map_lookup_batch(b->fd, b->started ? b->from : NULL,
					  b->to, b->keys, b->values, &b->count,
					  &opts))
			break;
		err = -errno;
		if (err == -ENOENT)
			return 0;
		if (batch_interrupted(err) && tries--) {
			if (b->count && b->count < b->capacity)
				break;
			continue;
		}
		if (err == -ENOSPC)
			err = batch_grow(b);
		if (err)
			return err;
	}

	tmp = b->from;
	b->from = b->to;
	b->to = tmp;
	b->started = true;

	return 1;
}

/**
 * map_batch_each() - call a function for every entry of a map
 * @fd:		the map
 * @info:	its info
 * @fn:		gets the key and the value, or the values of all CPUs. Anything
 *		other than 0 that it returns ends the walk.
 *
 * Return: 0, what @fn returned, -errno; or 1 with the reason in errno if the
 * kernel reads no batches of this map and @fn was not called.
 */
int map_batch_each(int fd, const struct bpf_map_info *info,
		   int (*fn)(void *ctx, const void *key, const void *value),
		   void *ctx)
{
	struct batch b = {
		.info = info,
		.fd = fd,
		.value_size = map_value_bytes(info),
	};
	int more = 1, err;
	__u32 i;

	err = batch_init(&b);
	while (!err && more) {
		more = batch_read(&b);
		if (more < 0) {
			err = b.started ? more : 1;
			errno = -more;
			break;
		}
		for (i = 0; !err && i < b.count; i++)
			err = fn(ctx, b.keys + (size_t)i * info->key_size,
				 b.values + i * b.value_size);
	}
	free(b.keys);
	free(b.values);
	free(b.from);
	free(b.to);

	return err;
}
