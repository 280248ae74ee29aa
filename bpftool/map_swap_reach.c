// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: can a program still reach a map?
 *
 * Once a map is out of its slot and the grace period is over, no program has
 * it any more, unless it can be found in another way: in another slot, or by
 * a program that has it among its own maps.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_swap.h"
#include "map_swap_reach.h"

bool is_map_in_map(const struct bpf_map_info *info)
{
	return info->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	       info->type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

static void name_slot(const struct map_ref *outer, const unsigned char *key,
		      char *why, size_t size)
{
	__u32 i, key_size = outer->info.key_size;
	size_t len;

	len = snprintf(why, size, "slot");
	for (i = 0; i < key_size && len < size; i++)
		len += snprintf(why + len, size - len, " %02x", key[i]);
	if (len < size)
		snprintf(why + len, size - len, " of map %u%s%s holds it",
			 outer->info.id, *outer->info.name ? " " : "",
			 outer->info.name);
}

static int compare_ids(const void *a, const void *b)
{
	__u32 id_a = *(const __u32 *)a, id_b = *(const __u32 *)b;

	return id_a < id_b ? -1 : id_a > id_b;
}

static int add_id(const void *key, __u32 id, void *ctx)
{
	struct slot_ids *s = ctx;
	size_t room = s->room ? 2 * s->room : 64;
	__u32 *ids;

	if (s->nr == s->room) {
		ids = realloc(s->ids, room * sizeof(*ids));
		if (!ids)
			return -ENOMEM;
		s->ids = ids;
		s->room = room;
	}
	s->ids[s->nr++] = id;

	return 0;
}

static int read_slot_ids(struct slot_ids *s)
{
	struct map_ref outer;
	int err;

	s->nr = 0;
	err = map_ref_open(&outer, s->outer_id);
	if (err)
		return err == -ENOENT ? 0 : err;

	if (is_map_in_map(&outer.info))
		err = slots_each(&outer, add_id, s);
	map_ref_close(&outer);
	if (s->nr)
		qsort(s->ids, s->nr, sizeof(*s->ids), compare_ids);

	return err;
}

int reach_slot_holds(struct slot_ids *s, __u32 outer_id, __u32 id)
{
	if (s->outer_id != outer_id) {
		s->outer_id = outer_id;
		s->err = read_slot_ids(s);
	}
	if (s->err)
		return s->err;

	return s->nr && bsearch(&id, s->ids, s->nr, sizeof(id), compare_ids);
}

void reach_slot_ids_free(struct slot_ids *s)
{
	free(s->ids);
}

static bool wanted(struct reach_query *q, __u32 id)
{
	if (!bsearch(&id, q->ids, q->nr, sizeof(id), compare_ids))
		return false;
	q->found = id;

	return true;
}

/* The map-in-map that is looked through, and what is looked for */
struct slot_search {
	struct reach_query *q;
	const struct map_ref *outer;
};

static int find_in_slot(const void *key, __u32 id, void *ctx)
{
	const struct slot_search *search = ctx;
	struct reach_query *q = search->q;

	if (q->except && search->outer->info.id == q->outer->info.id &&
	    !memcmp(key, q->except, q->outer->info.key_size))
		return 0;
	if (!wanted(q, id))
		return 0;
	name_slot(search->outer, key, q->why, q->size);

	return 1;
}

/* Maps without slots. What a map is never changes, so that a scan need not ask
 * again: there are thousands on some machines, and three system calls each.
 */
static __u32 *slotless;
static size_t nr_slotless, room_slotless;
static size_t nr_sorted;	/* of them, the others were added since */

static bool is_slotless(__u32 id)
{
	return nr_sorted && bsearch(&id, slotless, nr_sorted, sizeof(id),
				    compare_ids);
}

void reach_note_slotless(__u32 id)
{
	size_t room = room_slotless ? 2 * room_slotless : 256;
	__u32 *ids;

	if (is_slotless(id))
		return;
	if (nr_slotless == room_slotless) {
		/* One that is not remembered is asked again, that is all */
		ids = realloc(slotless, room * sizeof(*ids));
		if (!ids)
			return;
		slotless = ids;
		room_slotless = room;
	}
	slotless[nr_slotless++] = id;
}

static void sort_slotless(void)
{
	if (nr_sorted < nr_slotless)
		qsort(slotless, nr_slotless, sizeof(*slotless), compare_ids);
	nr_sorted = nr_slotless;
}

static int find_in_maps(struct reach_query *q)
{
	struct map_ref map;
	struct slot_search search = { .q = q, .outer = &map };
	__u32 at = 0;
	int ret = 0;

	sort_slotless();
	while (!ret && !bpf_map_get_next_id(at, &at)) {
		if (is_slotless(at) ||
		    (q->except_all && at == q->outer->info.id))
			continue;
		ret = map_ref_open(&map, at);
		if (ret == -ENOENT) {
			ret = 0;	/* it is gone meanwhile */
			continue;
		}
		if (ret)
			return ret;
		if (is_map_in_map(&map.info))
			ret = slots_each(&map, find_in_slot, &search);
		else
			reach_note_slotless(at);
		map_ref_close(&map);
	}
	if (!ret && errno != ENOENT)
		ret = -errno;

	return ret;
}

/* The programs as they were when they were asked for last */
static struct prog_ref *progs;
static size_t nr_progs, room_progs;

static int get_prog(struct prog_ref *ref, __u32 id)
{
	__u32 len = sizeof(ref->info);
	int fd, err = 0;

	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return -errno;

	memset(&ref->info, 0, sizeof(ref->info));
	ref->info.nr_map_ids = ARRAY_SIZE(ref->map_ids);
	ref->info.map_ids = ptr_to_u64(ref->map_ids);
	if (bpf_obj_get_info_by_fd(fd, &ref->info, &len))
		err = -errno;
	else if (ref->info.nr_map_ids > ARRAY_SIZE(ref->map_ids))
		err = -E2BIG;
	close(fd);

	return err;
}

static int add_prog(__u32 id)
{
	size_t room = room_progs ? 2 * room_progs : 64;
	struct prog_ref *refs;
	int err;

	if (nr_progs == room_progs) {
		refs = realloc(progs, room * sizeof(*refs));
		if (!refs)
			return -ENOMEM;
		progs = refs;
		room_progs = room;
	}

	err = get_prog(&progs[nr_progs], id);
	if (!err)
		nr_progs++;

	/* It may be gone meanwhile */
	return err == -ENOENT ? 0 : err;
}

static int get_progs(void)
{
	__u32 at = 0;
	int err;

	nr_progs = 0;
	while (!bpf_prog_get_next_id(at, &at)) {
		err = add_prog(at);
		if (err)
			return err;
	}

	return errno == ENOENT ? 0 : -errno;
}

bool prog_uses_map(const struct prog_ref *prog, __u32 id)
{
	__u32 i;

	for (i = 0; i < prog->info.nr_map_ids; i++)
		if (prog->map_ids[i] == id)
			return true;

	return false;
}

int progs_each(bool again, int (*fn)(const struct prog_ref *prog, void *ctx),
	       void *ctx)
{
	int ret = 0;
	size_t i;

	if (!again)
		ret = get_progs();
	for (i = 0; !ret && i < nr_progs; i++)
		ret = fn(&progs[i], ctx);

	return ret;
}

static int prog_has_map(const struct prog_ref *prog, void *ctx)
{
	struct reach_query *q = ctx;
	__u32 i;

	for (i = 0; i < prog->info.nr_map_ids; i++) {
		if (!wanted(q, prog->map_ids[i]))
			continue;
		snprintf(q->why, q->size,
			 "program %u%s%s has it among its own maps",
			 prog->info.id, *prog->info.name ? " " : "",
			 prog->info.name);
		return 1;
	}

	return 0;
}

int reach_find(struct reach_query *q)
{
	int ret;

	qsort(q->ids, q->nr, sizeof(*q->ids), compare_ids);
	ret = find_in_maps(q);

	return ret ? : progs_each(false, prog_has_map, q);
}
