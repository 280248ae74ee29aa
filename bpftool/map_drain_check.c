// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map drain: which maps are drained */

#include <string.h>

#include "main.h"
#include "map_drain.h"
#include "map_replace.h"

/* Reports */
static int check_fields(const struct bpf_map_info *info)
{
	const char *name = NULL;
	int ret;

	ret = map_value_fields(info->btf_id, info->btf_value_type_id, &name);
	if (ret < 0)
		return map_err("can't tell what values of map %u hold: %s", info->id,
			       strerror(-ret));

	return ret ? map_err("values of map %u hold a %s, which can't be moved",
			     info->id, name) : 0;
}

static const char *type_problem(const struct drain_args *args)
{
	__u32 type = args->map.info.type;

	if (drain_how(type) == DRAIN_NOT)
		return "which can't be read out";
	if (type == BPF_MAP_TYPE_LPM_TRIE)
		return "whose values can't be exchanged";
	if (drain_how(type) == DRAIN_BY_POP && args->since)
		return "its elements are moved out: they can't be read again 'since FILE'";
	if (drain_how(type) == DRAIN_BY_POP && args->counters)
		return "its elements are moved out: they have no counters";

	return NULL;
}

static bool is_lru(__u32 type)
{
	return type == BPF_MAP_TYPE_LRU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

int map_drain_check(const struct drain_args *args)
{
	const struct bpf_map_info *info = &args->map.info;
	const char *why = type_problem(args);

	if (why)
		return map_err("map %u is a %s, %s", info->id,
			       map_type_name(info->type), why);
	if (args->keep && !args->quiet && map_check_keep(&args->map))
		return -1;
	if (is_lru(info->type) && !args->force) {
		map_err("map %u is a %s: the kernel gives its elements to other keys at any moment, and counts are lost with them; "
			ANYWAY, info->id, map_type_name(info->type));
		return -1;
	}
	if (is_lru(info->type))
		map_warn("map %u is a %s: counts of elements that the kernel gives to other keys are lost",
			 info->id, map_type_name(info->type));
	if (drain_how(info->type) != DRAIN_BY_POP && info->value_size % 4) {
		map_err("values of map %u have %u bytes, which is not a multiple of 4: they can't be exchanged word by word",
			info->id, info->value_size);
		return -1;
	}
	if (info->map_flags & BPF_F_RDONLY_PROG) {
		map_err("programs can't write to map %u (BPF_F_RDONLY_PROG): they count nothing in it",
			info->id);
		return -1;
	}
	if (info->map_flags & BPF_F_WRONLY_PROG && map_is_percpu(info->type)) {
		map_err("programs can't read map %u (BPF_F_WRONLY_PROG), and only they can move values per CPU",
			info->id);
		return -1;
	}

	if (map_check_not_frozen(&args->map, "so it can't be drained"))
		return -1;

	return check_fields(info);
}
