// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The users of maps: a snapshot of the machine, and who can reach a map
 *
 * Once a map is out of its slot and the grace period is over, no program has it
 * any more, unless it can be found in another way: in another slot, by a program
 * that has it among its own maps, or by an iterator that is attached to it.
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
#include "map_in_map.h"
#include "map_swap.h"
#include "map_users_all.h"

/* A link that is about to be created can't be opened for a moment */
#define LINK_TRIES	100
#define LINK_TRY_US	1000

static int compare_ids(const void *a, const void *b)
{
	__u32 id_a = *(const __u32 *)a, id_b = *(const __u32 *)b;

	return id_a < id_b ? -1 : id_a > id_b;
}

/* Returns the array with capacity for one more element, NULL: no memory */
static void *make_room(void *array, size_t nr, size_t size)
{
	/* The capacity is the next power of two, at least 64 */
	if (nr && (nr < 64 || nr & (nr - 1)))
		return array;

	return realloc(array, (nr ? 2 * nr : 64) * size);
}

static int cant(char *why, size_t size, int err, const char *what, __u32 id)
{
	snprintf(why, size, "can't %s %u: %s", what, id, strerror(-err));

	return err;
}

static int read_prog(struct user_prog *prog)
{
	__u32 len = sizeof(prog->info), ids[256];	/* the kernel allows 64 */
	int fd, err = 0;

	fd = bpf_prog_get_fd_by_id(prog->info.id);
	if (fd < 0)
		return -errno;

	prog->info.nr_map_ids = ARRAY_SIZE(ids);
	prog->info.map_ids = ptr_to_u64(ids);
	if (bpf_obj_get_info_by_fd(fd, &prog->info, &len))
		err = -errno;
	else if (prog->info.nr_map_ids > ARRAY_SIZE(ids))
		err = -E2BIG;
	close(fd);
	if (err)
		return err;

	len = prog->info.nr_map_ids * sizeof(*ids);
	prog->map_ids = malloc(len + 1);
	if (!prog->map_ids)
		return -ENOMEM;
	memcpy(prog->map_ids, ids, len);
	prog->info.map_ids = ptr_to_u64(prog->map_ids);

	return 0;
}

/* One that can't be opened stays in the snapshot, as unknown; one that is gone
 * does not.
 */
static int add_prog(struct map_users *u, __u32 id)
{
	struct user_prog *prog;

	prog = make_room(u->progs, u->nr_progs, sizeof(*prog));
	if (!prog)
		return -ENOMEM;
	u->progs = prog;
	prog += u->nr_progs;
	memset(prog, 0, sizeof(*prog));
	prog->info.id = id;
	prog->err = read_prog(prog);
	prog->info.id = id;
	if (prog->err != -ENOENT)
		u->nr_progs++;

	return 0;
}

static int read_link(struct user_link *link)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int fd, tries = 0;

	do {
		if (tries)
			usleep(LINK_TRY_US);
		fd = bpf_link_get_fd_by_id(link->id);
	} while (fd < 0 && errno == EAGAIN && ++tries < LINK_TRIES);
	if (fd < 0)
		return -errno;

	if (bpf_obj_get_info_by_fd(fd, &info, &len)) {
		close(fd);
		return -errno;
	}
	close(fd);

	link->prog_id = info.prog_id;
	if (info.type == BPF_LINK_TYPE_ITER)
		link->map_id = info.iter.map.map_id;
	/* Known since 5.13 */
	link->traces = info.type == BPF_LINK_TYPE_TRACING;
	if (link->traces)
		link->target = info.tracing.target_obj_id;

	return 0;
}

static int add_link(struct map_users *u, __u32 id)
{
	struct user_link *link;

	link = make_room(u->links, u->nr_links, sizeof(*link));
	if (!link)
		return -ENOMEM;
	u->links = link;
	link += u->nr_links;
	memset(link, 0, sizeof(*link));
	link->id = id;
	link->err = read_link(link);
	/* Others don't matter */
	if (link->err ? link->err != -ENOENT : link->map_id || link->traces)
		u->nr_links++;

	return 0;
}

static int add_map(struct map_users *u, __u32 id)
{
	struct user_map *map;
	struct map_ref ref;

	map = make_room(u->maps, u->nr_maps, sizeof(*map));
	if (!map)
		return -ENOMEM;
	u->maps = map;
	map += u->nr_maps;
	while (u->nr_before && u->before->id < id) {
		u->before++;
		u->nr_before--;
	}
	if (u->nr_before && u->before->id == id && !u->before->err) {
		*map = *u->before;
		u->nr_maps++;
		return 0;
	}

	memset(map, 0, sizeof(*map));
	map->id = id;
	map->starts = -1;
	map->err = map_ref_open(&ref, id, BPF_F_RDONLY);
	if (!map->err) {
		map->type = ref.info.type;
		map->btf_id = ref.info.btf_id;
		map->value_type_id = ref.info.btf_value_type_id;
		map_ref_close(&ref);
	}
	if (map->err != -ENOENT)
		u->nr_maps++;

	return 0;
}

/* The kernel goes through the IDs in ascending order, so the arrays are sorted */
static int add_all(struct map_users *u, int (*next_id)(__u32 at, __u32 *next),
		   int (*add)(struct map_users *u, __u32 id))
{
	__u32 at = 0;
	int err = 0;

	while (!err && !next_id(at, &at))
		err = add(u, at);
	if (!err && errno != ENOENT)
		err = -errno;

	return err;
}

static void drop_progs_and_links(struct map_users *u)
{
	size_t i;

	for (i = 0; i < u->nr_progs; i++)
		free(u->progs[i].map_ids);
	free(u->progs);
	free(u->links);
	u->progs = NULL;
	u->links = NULL;
	u->nr_progs = 0;
	u->nr_links = 0;
	map_async_renew(&u->async);
	u->slots.outer_id = 0;
}

struct map_users *map_users_new(void)
{
	return calloc(1, sizeof(struct map_users));
}

/* Maps last: those of each program are among them */
int map_users_take(struct map_users **up)
{
	struct map_users *u = *up;
	struct user_map *before;
	int err;

	if (!u)
		u = map_users_new();
	if (!u)
		return -ENOMEM;
	*up = u;

	drop_progs_and_links(u);
	before = u->maps;
	u->before = before;
	u->nr_before = u->nr_maps;
	u->maps = NULL;
	u->nr_maps = 0;

	err = add_all(u, bpf_prog_get_next_id, add_prog);
	if (!err)
		err = add_all(u, bpf_link_get_next_id, add_link);
	/* Before 5.8 links have no IDs, and there are no iterators; what came
	 * with 5.10 tells such a kernel.
	 */
	if (err == -EINVAL && !map_async_kernel_sleeps(&u->async))
		err = 0;
	if (!err)
		err = add_all(u, bpf_map_get_next_id, add_map);
	free(before);

	return err;
}

void map_users_free(struct map_users *u)
{
	if (!u)
		return;
	drop_progs_and_links(u);
	free(u->maps);
	free(u->slots.ids);
	map_async_free(&u->async);
	free(u);
}

struct user_map *map_users_map(const struct map_users *u, __u32 id)
{
	return u->nr_maps ? bsearch(&id, u->maps, u->nr_maps, sizeof(*u->maps),
				    compare_ids) : NULL;
}

bool user_map_has_slots(const struct user_map *map)
{
	return map->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	       map->type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

bool user_prog_has_map(const struct user_prog *prog, __u32 id)
{
	__u32 i;

	for (i = 0; !prog->err && i < prog->info.nr_map_ids; i++)
		if (prog->map_ids[i] == id)
			return true;

	return false;
}

int map_users_progs_known(const struct map_users *u, char *why, size_t size)
{
	size_t i;

	for (i = 0; i < u->nr_progs; i++)
		if (u->progs[i].err)
			return cant(why, size, u->progs[i].err,
				    "look at program", u->progs[i].info.id);
	for (i = 0; i < u->nr_links; i++)
		if (u->links[i].err)
			return cant(why, size, u->links[i].err, "look at link",
				    u->links[i].id);

	return 0;
}

/* Is a map-in-map among those that could not be opened? */
static int maps_known(const struct map_users *u, char *why, size_t size)
{
	size_t i;

	for (i = 0; i < u->nr_maps; i++)
		if (u->maps[i].err)
			return cant(why, size, u->maps[i].err,
				    "tell whether it is in a slot of map",
				    u->maps[i].id);

	return 0;
}

/* What is looked for, and the map-in-map that is looked through */
struct search {
	struct map_users_query *q;
	__u32 *ids;		/* sorted */
	struct map_ref map;
};

static bool is_wanted(const struct search *s, __u32 id)
{
	if (!bsearch(&id, s->ids, s->q->nr, sizeof(id), compare_ids))
		return false;
	s->q->found = id;

	return true;
}

static void name_slot(const struct search *s, const unsigned char *key)
{
	__u32 i, key_size = s->map.info.key_size;
	size_t len, size = s->q->size;
	char *why = s->q->why;

	len = snprintf(why, size, "slot");
	for (i = 0; i < key_size && len < size; i++)
		len += snprintf(why + len, size - len, " %02x", key[i]);
	if (len < size)
		snprintf(why + len, size - len, " of map %u%s%s holds it",
			 s->map.info.id, *s->map.info.name ? " " : "",
			 s->map.info.name);
}

static int find_in_slot(const void *key, __u32 id, void *ctx)
{
	const struct search *s = ctx;
	const struct map_users_query *q = s->q;

	if (q->except && q->outer && s->map.info.id == q->outer->info.id &&
	    !memcmp(key, q->except, q->outer->info.key_size))
		return 0;
	if (!is_wanted(s, id))
		return 0;
	name_slot(s, key);

	return 1;
}

static int find_in_maps(const struct map_users *u, struct search *s)
{
	const struct map_users_query *q = s->q;
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < u->nr_maps; i++) {
		if (u->maps[i].err || !user_map_has_slots(&u->maps[i]))
			continue;
		if (q->except_all && q->outer &&
		    u->maps[i].id == q->outer->info.id)
			continue;
		ret = map_ref_open(&s->map, u->maps[i].id, BPF_F_RDONLY);
		if (!ret) {
			ret = map_in_map_each(&s->map, find_in_slot, s);
			map_ref_close(&s->map);
		} else if (ret == -ENOENT) {
			ret = 0;	/* it is gone by now */
		}
		if (ret < 0)
			cant(q->why, q->size, ret, "read the slots of map",
			     u->maps[i].id);
	}

	return ret;
}

static bool prog_has_wanted(const struct search *s,
			    const struct user_prog *prog)
{
	__u32 i;

	for (i = 0; !prog->err && i < prog->info.nr_map_ids; i++)
		if (is_wanted(s, prog->map_ids[i]))
			return true;

	return false;
}

static int find_in_progs(const struct map_users *u, const struct search *s)
{
	const struct user_prog *prog;
	const struct user_link *link;
	size_t i;

	for (i = 0; i < u->nr_progs; i++) {
		prog = &u->progs[i];
		if (!prog_has_wanted(s, prog))
			continue;
		snprintf(s->q->why, s->q->size,
			 "program %u%s%s has it among its own maps",
			 prog->info.id, *prog->info.name ? " " : "",
			 prog->info.name);
		return 1;
	}
	for (i = 0; i < u->nr_links; i++) {
		link = &u->links[i];
		if (link->err || !link->map_id || !is_wanted(s, link->map_id))
			continue;
		snprintf(s->q->why, s->q->size,
			 "link %u attaches an iterator, program %u, to it",
			 link->id, link->prog_id);
		return 1;
	}

	return 0;
}

int map_users_find(struct map_users *u, struct map_users_query *q)
{
	struct search s = { .q = q };
	int ret;

	if (!q->nr)
		return 0;
	s.ids = malloc(q->nr * sizeof(*s.ids));
	if (!s.ids)
		return cant(q->why, q->size, -ENOMEM, "look for map", *q->ids);
	memcpy(s.ids, q->ids, q->nr * sizeof(*s.ids));
	qsort(s.ids, q->nr, sizeof(*s.ids), compare_ids);
	q->found = *q->ids;

	ret = find_in_progs(u, &s);
	if (!ret)
		ret = find_in_maps(u, &s);
	/* A user that is known is the better reason */
	if (!ret)
		ret = maps_known(u, q->why, q->size);
	if (!ret)
		ret = map_users_progs_known(u, q->why, q->size);
	free(s.ids);

	return ret;
}

static int add_slot_id(const void *key, __u32 id, void *ctx)
{
	struct user_slots *s = ctx;
	__u32 *ids;

	ids = make_room(s->ids, s->nr, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	s->ids = ids;
	s->ids[s->nr++] = id;

	return 0;
}

static int read_slots(struct user_slots *s, __u32 outer_id)
{
	struct map_ref outer;
	int err;

	/* The capacity starts from the smallest again */
	free(s->ids);
	s->ids = NULL;
	s->nr = 0;
	s->outer_id = outer_id;
	err = map_ref_open(&outer, outer_id, BPF_F_RDONLY);
	if (err)
		return err == -ENOENT ? 0 : err;

	if (outer.info.type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	    outer.info.type == BPF_MAP_TYPE_HASH_OF_MAPS)
		err = map_in_map_each(&outer, add_slot_id, s);
	map_ref_close(&outer);
	if (s->nr)
		qsort(s->ids, s->nr, sizeof(*s->ids), compare_ids);

	return err;
}

int map_users_slot_holds(struct map_users *u, __u32 outer_id, __u32 id)
{
	struct user_slots once = {}, *s = u ? &u->slots : &once;
	int ret;

	if (s->outer_id != outer_id)
		s->err = read_slots(s, outer_id);
	ret = s->err;
	if (!ret && s->nr)
		ret = !!bsearch(&id, s->ids, s->nr, sizeof(id), compare_ids);
	free(once.ids);

	return ret;
}
