// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: which maps can be drained, and their replacements */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kernel.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "main.h"
#include "map_err.h"
#include "map_swap.h"

/* Calls in a row that fail for want of a lock */
#define LOCK_TRIES	64

/* Every type that swap-drain drains; the manual names the same */
static const struct {
	__u32 type;
	enum drain_how how;
} drain_types[] = {
	{ BPF_MAP_TYPE_HASH,		DRAIN_BY_KEY },
	{ BPF_MAP_TYPE_LRU_HASH,	DRAIN_BY_KEY },
	{ BPF_MAP_TYPE_PERCPU_HASH,	DRAIN_BY_KEY },
	{ BPF_MAP_TYPE_LRU_PERCPU_HASH,	DRAIN_BY_KEY },
	{ BPF_MAP_TYPE_LPM_TRIE,	DRAIN_BY_KEY },
	{ BPF_MAP_TYPE_ARRAY,		DRAIN_BY_INDEX },
	{ BPF_MAP_TYPE_PERCPU_ARRAY,	DRAIN_BY_INDEX },
	{ BPF_MAP_TYPE_QUEUE,		DRAIN_BY_POP },
	{ BPF_MAP_TYPE_STACK,		DRAIN_BY_POP },
};

enum drain_how drain_how(__u32 map_type)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(drain_types); i++)
		if (drain_types[i].type == map_type)
			return drain_types[i].how;

	return DRAIN_NOT;
}

const char *map_type_name(__u32 map_type)
{
	const char *name = libbpf_bpf_map_type_str(map_type);

	return name ? : "unknown type";
}

int map_is_frozen(int fd)
{
	int frozen;
	char *text;

	/* Kernels before 5.2 can't freeze maps and have no such line; without
	 * /proc it can't be known.
	 */
	errno = 0;
	text = get_fdinfo(fd, "frozen");
	if (!text)
		return errno ? -errno : 0;
	frozen = !!atoi(text);
	free(text);

	return frozen;
}

/* libbpf takes flags only since 1.1 */
static int get_fd_by_id(__u32 id, __u32 open_flags)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_id = id;
	attr.open_flags = open_flags;

	return syscall(__NR_bpf, BPF_MAP_GET_FD_BY_ID, &attr,
		       offsetof(union bpf_attr, open_flags) + sizeof(attr.open_flags));
}

int map_ref_open(struct map_ref *ref, __u32 id, __u32 open_flags)
{
	__u32 len = sizeof(ref->info);
	int err;

	ref->fd = get_fd_by_id(id, open_flags);
	if (ref->fd < 0)
		return -errno;

	memset(&ref->info, 0, sizeof(ref->info));
	if (bpf_obj_get_info_by_fd(ref->fd, &ref->info, &len)) {
		err = -errno;
		map_ref_close(ref);
		return err;
	}

	return 0;
}

void map_ref_close(struct map_ref *ref)
{
	if (ref->fd >= 0)
		close(ref->fd);
	ref->fd = -1;
}

bool map_is_percpu(const struct bpf_map_info *info)
{
	return info->type == BPF_MAP_TYPE_PERCPU_HASH ||
	       info->type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       info->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* The kernel pads each CPU's value to 8 bytes */
size_t map_value_bytes(const struct bpf_map_info *info)
{
	if (!map_is_percpu(info))
		return info->value_size;

	return round_up((size_t)info->value_size, 8) * get_possible_cpus();
}

bool map_try_again(int err, unsigned int *tries)
{
	return (err == -EBUSY || err == -ETIMEDOUT || err == -EDEADLK) &&
	       (*tries)++ < LOCK_TRIES;
}

static int check_not_frozen(const struct map_ref *map, const char *why)
{
	int frozen = map_is_frozen(map->fd);

	if (!frozen)
		return 0;

	if (frozen < 0)
		map_err("can't tell whether map %u is frozen: %s",
			map->info.id, strerror(-frozen));
	else
		map_err("map %u in the slot is frozen, %s", map->info.id, why);
	return -1;
}

int swap_check_old(const struct map_ref *old, const struct swap_args *args)
{
	const struct bpf_map_info *info = &old->info;

	if (drain_how(info->type) == DRAIN_NOT) {
		map_err("map %u in the slot is a %s, which can't be read out",
			info->id, map_type_name(info->type));
		return -1;
	}

	if (drain_how(info->type) == DRAIN_BY_POP && !args->quiet &&
	    check_not_frozen(old, "so that its elements can't be popped"))
		return -1;
	if (args->clear &&
	    check_not_frozen(old, "so that it can't be cleared"))
		return -1;
	if (args->value.fd >= 0)
		return 0;

	/* Map info tells neither of them, so they can't be carried over */
	if (info->map_flags & BPF_F_NUMA_NODE) {
		map_err("map %u in the slot has a NUMA node, which the kernel does not tell: give a replacement with 'value MAP'",
			info->id);
		return -1;
	}

	return check_not_frozen(old, "its replacement can't be guessed: give one with 'value MAP'");
}

int swap_check_given(const struct map_ref *given, const struct map_ref *old)
{
	const struct bpf_map_info *g = &given->info, *o = &old->info;
	const char *what = NULL;

	if (g->id == o->id) {
		map_err("map %u is in the slot already, it can't replace itself",
			g->id);
		return -1;
	}

	/* The kernel compares with the map that the outer map was made with;
	 * naming the difference here is kinder than its EINVAL.
	 */
	if (g->type != o->type)
		what = "type";
	else if (g->key_size != o->key_size)
		what = "key size";
	else if (g->value_size != o->value_size)
		what = "value size";
	else if (g->map_flags != o->map_flags)
		what = "flags";
	else if (drain_how(g->type) == DRAIN_BY_INDEX &&
		 g->max_entries != o->max_entries &&
		 !(g->map_flags & BPF_F_INNER_MAP))
		what = "max_entries";

	if (what) {
		map_err("map %u can't replace map %u: its %s differs",
			g->id, o->id, what);
		return -1;
	}

	return 0;
}

int swap_create(struct map_ref *created, const struct map_ref *old)
{
	const struct bpf_map_info *info = &old->info;
	__u32 len = sizeof(created->info);
	int btf_fd = -1, err = -1;

	LIBBPF_OPTS(bpf_map_create_opts, opts);

	opts.map_flags = info->map_flags;
	opts.map_extra = info->map_extra;

	if (info->btf_id) {
		btf_fd = bpf_btf_get_fd_by_id(info->btf_id);
		if (btf_fd < 0) {
			map_err("can't get the BTF of map %u: %s", info->id,
				strerror(errno));
			return -1;
		}
		opts.btf_fd = btf_fd;
		opts.btf_key_type_id = info->btf_key_type_id;
		opts.btf_value_type_id = info->btf_value_type_id;
	}

	created->fd = bpf_map_create(info->type, info->name, info->key_size,
				     info->value_size, info->max_entries,
				     &opts);
	if (created->fd < 0) {
		map_err("can't create a replacement for map %u: %s", info->id,
			strerror(errno));
		goto close_btf;
	}
	if (bpf_obj_get_info_by_fd(created->fd, &created->info, &len)) {
		map_err("can't get map info: %s", strerror(errno));
		goto close_btf;
	}
	err = 0;

close_btf:
	if (btf_fd >= 0)
		close(btf_fd);
	return err;
}
