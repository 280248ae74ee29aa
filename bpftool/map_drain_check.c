// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map drain: which maps are drained */

#include <errno.h>
#include <string.h>

#include <linux/kernel.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "main.h"
#include "map_drain.h"
#include "map_replace.h"

/* A field in which the kernel keeps something of its own, as "bpf_timer"; NULL if
 * there is none
 */
static const char *special_field(const struct btf *btf, __u32 id, int depth)
{
	static const char * const kernels[] = {
		"bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer", "bpf_wq",
		"bpf_task_work", "bpf_rcu_head", "bpf_list_head",
		"bpf_list_node", "bpf_rb_root", "bpf_rb_node", "bpf_refcount",
		"bpf_dynptr",
	};
	const struct btf_type *t = btf__type_by_id(btf, id);
	const char *name = t ? btf__name_by_offset(btf, t->name_off) : NULL;
	const struct btf_var_secinfo *var;
	const struct btf_member *m;
	const char *found = NULL;
	__u32 i;

	if (!name || depth > 32)
		return NULL;
	switch (btf_kind(t)) {
	case BTF_KIND_TYPE_TAG:
		return strstr(name, "kptr") || !strcmp(name, "uptr") ? name : NULL;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_VAR:
		return special_field(btf, t->type, depth + 1);
	case BTF_KIND_PTR:
		/* Only what is tagged there counts, not what it points to */
		id = t->type;
		t = btf__type_by_id(btf, id);
		return t && btf_kind(t) == BTF_KIND_TYPE_TAG ?
			       special_field(btf, id, depth + 1) : NULL;
	case BTF_KIND_ARRAY:
		return special_field(btf, btf_array(t)->type, depth + 1);
	case BTF_KIND_DATASEC:
		var = btf_var_secinfos(t);
		for (i = 0; !found && i < btf_vlen(t); i++)
			found = special_field(btf, var[i].type, depth + 1);
		return found;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (i = 0; i < ARRAY_SIZE(kernels); i++)
			if (!strcmp(name, kernels[i]))
				return kernels[i];
		m = btf_members(t);
		for (i = 0; !found && i < btf_vlen(t); i++)
			found = special_field(btf, m[i].type, depth + 1);
		return found;
	default:
		return NULL;
	}
}

/* Reports */
static int check_fields(const struct bpf_map_info *info)
{
	const char *field;
	struct btf *btf;
	int err = 0;

	if (!info->btf_id || !info->btf_value_type_id)
		return 0;
	btf = btf__load_from_kernel_by_id(info->btf_id);
	if (!btf)
		return map_err("can't get the BTF of map %u: %s", info->id,
			       strerror(errno));
	field = special_field(btf, info->btf_value_type_id, 0);
	if (field)
		err = map_err("values of map %u hold a %s, which can't be moved",
			      info->id, field);
	btf__free(btf);

	return err;
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
	int frozen;

	if (why)
		return map_err("map %u is a %s, %s", info->id,
			       map_type_name(info->type), why);
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
	if (info->map_flags & BPF_F_WRONLY_PROG && map_is_percpu(info)) {
		map_err("programs can't read map %u (BPF_F_WRONLY_PROG), and only they can move values per CPU",
			info->id);
		return -1;
	}
	frozen = map_is_frozen(args->map.fd);
	if (frozen)
		return map_err("map %u can't be drained: %s", info->id,
			       frozen < 0 ? strerror(-frozen) : "it is frozen");

	return check_fields(info);
}
