// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: programs that no wait covers */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "main.h"
#include "map_err.h"
#include "map_sleepable_list.h"
#include "map_swap.h"
#include "map_swap_reach.h"

#define TYPE_DEPTH_MAX	32

struct search {
	const struct map_ref *outer;
	char *why;
	size_t size;
};

/* Of these types there are sleepable programs. Program info does not tell
 * which ones are, and asking an iterator costs tens of milliseconds.
 */
static bool may_sleep(__u32 prog_type)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_EXT:
	case BPF_PROG_TYPE_KPROBE:	/* uprobe.s */
	case BPF_PROG_TYPE_LSM:
	case BPF_PROG_TYPE_STRUCT_OPS:
	case BPF_PROG_TYPE_SYSCALL:
	case BPF_PROG_TYPE_TRACING:
		return true;
	default:
		return false;
	}
}

/* What in a value starts callbacks. Those of a timer don't sleep, but they get
 * the value that holds it, whenever they run: they matter in the map itself.
 */
static const char * const work_types[] = { "bpf_wq", "bpf_task_work", NULL };
static const char * const own_types[] = {
	"bpf_wq", "bpf_task_work", "bpf_timer", NULL
};

static bool is_one_of(const char *name, const char * const *names)
{
	for (; name && *names; names++)
		if (!strcmp(name, *names))
			return true;

	return false;
}

/* Is one of some structs anywhere in a type? */
static bool type_holds(const struct btf *btf, __u32 id,
		       const char * const *names, int depth)
{
	const struct btf_member *m;
	const struct btf_type *t;
	__u32 i;

	if (depth > TYPE_DEPTH_MAX)
		return false;

	t = btf__type_by_id(btf, btf__resolve_type(btf, id));
	if (!t)
		return false;
	if (btf_is_array(t))
		return type_holds(btf, btf_array(t)->type, names, depth + 1);
	if (!btf_is_composite(t))
		return false;

	if (is_one_of(btf__name_by_offset(btf, t->name_off), names))
		return true;

	m = btf_members(t);
	for (i = 0; i < btf_vlen(t); i++)
		if (type_holds(btf, m[i].type, names, depth + 1))
			return true;

	return false;
}

/* The kernel lets a value hold such a thing only if the map has BTF */
static int map_holds(const struct map_ref *map, const char * const *names)
{
	struct btf *btf;
	int ret;

	if (!map->info.btf_id || !map->info.btf_value_type_id)
		return 0;
	btf = btf__load_from_kernel_by_id(map->info.btf_id);
	if (!btf)
		return -errno;
	ret = type_holds(btf, map->info.btf_value_type_id, names, 0);
	btf__free(btf);

	return ret;
}

/* The inner maps of a map-in-map are all of one kind: any of them tells */
static int inner_starts_work(const struct map_ref *outer)
{
	unsigned char key[MAP_KEY_MAX], prev[MAP_KEY_MAX];
	struct map_ref inner;
	void *from = NULL;
	__u32 id;
	int ret;

	if (outer->info.key_size > sizeof(key))
		return -E2BIG;

	while (!bpf_map_get_next_key(outer->fd, from, key)) {
		ret = bpf_map_lookup_elem(outer->fd, key, &id) ?
			      -errno : map_ref_open(&inner, id);
		if (!ret) {
			ret = map_holds(&inner, work_types);
			map_ref_close(&inner);
			return ret;
		}
		/* Empty slots, and maps that are gone meanwhile, don't tell */
		if (ret != -ENOENT)
			return ret;
		memcpy(prev, key, outer->info.key_size);
		from = prev;
	}

	return errno == ENOENT ? 0 : -errno;
}

static int prog_starts_work(const struct prog_ref *prog, struct search *s)
{
	struct map_ref map;
	int ret = 0;
	__u32 i;

	for (i = 0; !ret && i < prog->info.nr_map_ids; i++) {
		ret = map_ref_open(&map, prog->map_ids[i]);
		if (ret == -ENOENT) {
			ret = 0;
			continue;
		}
		if (ret)
			return ret;
		ret = is_map_in_map(&map.info) ? inner_starts_work(&map) :
						 map_holds(&map, work_types);
		if (ret > 0)
			snprintf(s->why, s->size,
				 "program %u%s%s can start a callback from map %u, which no wait covers",
				 prog->info.id, *prog->info.name ? " " : "",
				 prog->info.name, map.info.id);
		map_ref_close(&map);
	}

	return ret;
}

static int prog_sleeps(const struct prog_ref *prog)
{
	static bool said;
	int ret;

	if (prog->info.type == BPF_PROG_TYPE_SYSCALL)
		return 1;
	if (!may_sleep(prog->info.type))
		return 0;

	ret = map_sleepable(prog->info.id);
	if (ret < 0) {
		if (!said)
			map_warn("can't tell whether program %u, which uses map-in-map slots, is sleepable (%s); the wait would not cover it",
				 prog->info.id, strerror(-ret));
		said = true;
		ret = 0;
	}

	return ret;
}

static int prog_is_uncovered(const struct prog_ref *prog, void *ctx)
{
	struct search *s = ctx;
	int ret;

	if (!prog_uses_map(prog, s->outer->info.id))
		return 0;

	ret = prog_sleeps(prog);
	if (ret > 0)
		snprintf(s->why, s->size,
			 "program %u%s%s is sleepable, which no wait covers",
			 prog->info.id, *prog->info.name ? " " : "",
			 prog->info.name);

	return ret ? : prog_starts_work(prog, s);
}

int uncovered_find(const struct map_ref *outer, const struct map_ref *old,
		   char *why, size_t size)
{
	struct search search = { .outer = outer, .why = why, .size = size };
	int ret;

	ret = map_holds(old, own_types);
	if (ret > 0)
		snprintf(why, size,
			 "its own values start callbacks, which no wait covers");

	return ret ? : progs_each(true, prog_is_uncovered, &search);
}
