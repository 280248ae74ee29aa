// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Which maps can be drained, and new ones like them */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_msg.h"
#include "map_replace.h"

/* Every type that can be drained; the manual has the same list */
static const struct {
	__u32 type;
	enum drain_how how;
} drain_types[] = {
	{ BPF_MAP_TYPE_HASH,		DRAIN_BY_KEY },
	{ BPF_MAP_TYPE_LRU_HASH,	DRAIN_BY_KEY },
	{ BPF_MAP_TYPE_PERCPU_HASH,	DRAIN_BY_KEY },
	{ BPF_MAP_TYPE_LRU_PERCPU_HASH,	DRAIN_BY_KEY },
	{ BPF_MAP_TYPE_LPM_TRIE,	DRAIN_BY_KEY },
	{ MAP_TYPE_RHASH,		DRAIN_BY_KEY },
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

int map_check_not_frozen(const struct map_ref *map, const char *why)
{
	bool frozen;
	char *text;

	/* Kernels before 5.2 can't freeze maps and have no such line */
	errno = 0;
	text = get_fdinfo(map->fd, "frozen");
	if (!text && errno)
		return map_err("can't tell whether map %u is frozen: %s",
			       map->info.id, strerror(errno));
	frozen = text && atoi(text);
	free(text);

	return frozen ? map_err("map %u is frozen, %s", map->info.id, why) : 0;
}

int map_check_drainable(const struct map_ref *map, bool pop, bool clear)
{
	enum drain_how how = drain_how(map->info.type);

	if (how == DRAIN_NOT)
		return map_err("map %u in the slot is a %s, which can't be read out",
			       map->info.id, map_type_name(map->info.type));
	if (how == DRAIN_BY_POP && pop &&
	    map_check_not_frozen(map, "so its elements can't be popped"))
		return -1;

	return clear ? map_check_not_frozen(map, "so it can't be cleared") : 0;
}

int map_check_keep(const struct map_ref *map)
{
	if (drain_how(map->info.type) != DRAIN_BY_POP)
		return 0;

	map_err("map %u is a %s: its elements leave it as they are printed, so that 'keep' would keep none of them; 'quiet' keeps them",
		map->info.id, map_type_name(map->info.type));
	return -1;
}

int map_check_replacement(const struct map_ref *map, const struct map_ref *old)
{
	const struct bpf_map_info *m = &map->info, *o = &old->info;
	const char *what = NULL;

	if (m->id == o->id)
		return map_err("map %u is in the slot already, it can't replace itself",
			       m->id);

	/* The kernel compares with the map that the outer map was created with,
	 * and only returns EINVAL: name the difference instead.
	 */
	if (m->type != o->type)
		what = "type";
	else if (m->key_size != o->key_size)
		what = "key size";
	else if (m->value_size != o->value_size)
		what = "value size";
	else if (m->map_flags != o->map_flags)
		what = "flags";
	else if (drain_how(m->type) == DRAIN_BY_INDEX &&
		 m->max_entries != o->max_entries &&
		 !(m->map_flags & BPF_F_INNER_MAP))
		what = "max_entries";

	return what ? map_err("map %u can't replace map %u: its %s differs",
			      m->id, o->id, what) : 0;
}

/* Map info has neither of them, so they can't be carried over */
static int check_can_copy(const struct map_ref *old)
{
	if (old->info.map_flags & BPF_F_NUMA_NODE) {
		map_err("map %u has a NUMA node, which the kernel does not report: give a replacement with 'value MAP'",
			old->info.id);
		return -1;
	}

	return map_check_not_frozen(old, "so a map like it can't be created: use 'value MAP'");
}

int map_create_like(struct map_ref *created, const struct map_ref *old)
{
	const struct bpf_map_info *info = &old->info;
	int btf_fd = -1, err = 0;

	LIBBPF_OPTS(bpf_map_create_opts, opts);

	if (check_can_copy(old))
		return -1;

	opts.map_flags = info->map_flags;
	opts.map_extra = info->map_extra;
	if (info->btf_id) {
		btf_fd = bpf_btf_get_fd_by_id(info->btf_id);
		if (btf_fd < 0)
			return map_err("can't get the BTF of map %u: %s",
				       info->id, strerror(errno));
		opts.btf_fd = btf_fd;
		opts.btf_key_type_id = info->btf_key_type_id;
		opts.btf_value_type_id = info->btf_value_type_id;
	}

	created->fd = bpf_map_create(info->type, info->name, info->key_size,
				     info->value_size, info->max_entries,
				     &opts);
	if (created->fd < 0)
		err = map_err("can't create a map like map %u: %s", info->id,
			      strerror(errno));
	if (btf_fd >= 0)
		close(btf_fd);
	if (err)
		return -1;
	err = map_ref_info(created);

	return err ? map_err("can't get map info: %s", strerror(-err)) : 0;
}
