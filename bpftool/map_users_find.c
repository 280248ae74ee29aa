// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The users of maps: what can reach a map
 *
 * Once a map is out of its slot and the grace period is over, programs can reach
 * it only in another way: through another slot, as one of their own maps, or with
 * an iterator that is attached to it.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map_in_map.h"
#include "map_ref.h"
#include "map_users_all.h"

/* Is a map-in-map among those that could not be opened? */
static int maps_known(const struct map_users *u, char *why, size_t size)
{
	size_t i;

	for (i = 0; i < u->nr_maps; i++)
		if (u->maps[i].err)
			return map_users_cant(why, size, u->maps[i].err,
					      "tell whether it is in a slot of map",
					      u->maps[i].id);

	return 0;
}

/* The maps to look for, and the map-in-map to look through */
struct search {
	struct map_users_query *q;
	__u32 *ids;		/* sorted */
	struct map_ref map;
};

static bool is_wanted(const struct search *s, __u32 id)
{
	if (!bsearch(&id, s->ids, s->q->nr, sizeof(id), map_users_compare))
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
		if (u->maps[i].err || !map_is_map_in_map(u->maps[i].type))
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
			map_users_cant(q->why, q->size, ret,
				       "read the slots of map", u->maps[i].id);
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
		return map_users_cant(q->why, q->size, -ENOMEM, "look for map",
				      *q->ids);
	memcpy(s.ids, q->ids, q->nr * sizeof(*s.ids));
	qsort(s.ids, q->nr, sizeof(*s.ids), map_users_compare);
	q->found = *q->ids;

	ret = find_in_progs(u, &s);
	if (!ret)
		ret = find_in_maps(u, &s);
	/* A known user is the better reason */
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

	ids = map_grow(s->ids, s->nr, sizeof(*ids));
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

	/* map_grow() derives the capacity from the count: start anew */
	free(s->ids);
	s->ids = NULL;
	s->nr = 0;
	s->outer_id = outer_id;
	err = map_ref_open(&outer, outer_id, BPF_F_RDONLY);
	if (err)
		return err == -ENOENT ? 0 : err;

	if (map_is_map_in_map(outer.info.type))
		err = map_in_map_each(&outer, add_slot_id, s);
	map_ref_close(&outer);
	if (s->nr)
		qsort(s->ids, s->nr, sizeof(*s->ids), map_users_compare);

	return err;
}

int map_users_slot_holds(struct map_users *u, __u32 outer_id, __u32 id)
{
	struct user_slots *s = &u->slots;
	int ret;

	if (s->outer_id != outer_id)
		s->err = read_slots(s, outer_id);
	ret = s->err;
	if (!ret && s->nr)
		ret = !!bsearch(&id, s->ids, s->nr, sizeof(id),
				map_users_compare);

	return ret;
}

int map_users_in_slot(struct map_users *u, __u32 id, __u32 *outer_id)
{
	const struct user_map *map;
	int ret, err = 0;

	for (map = u->maps; map < u->maps + u->nr_maps; map++) {
		ret = map->err;
		if (!ret && map_is_map_in_map(map->type))
			ret = map_users_slot_holds(u, map->id, id);
		/* A map-in-map that holds it is the better reason */
		if (ret > 0 || (ret && !err))
			*outer_id = map->id;
		if (ret > 0)
			return ret;
		err = err ? : ret;
	}

	return err;
}

bool map_users_iterator(const struct map_users *u, __u32 map_id,
			struct map_users_iterator *it)
{
	size_t i, j;

	for (i = 0; i < u->nr_links; i++) {
		if (u->links[i].map_id != map_id)
			continue;
		it->link_id = u->links[i].id;
		it->prog_id = u->links[i].prog_id;
		it->prog_name = "";
		for (j = 0; j < u->nr_progs; j++)
			if (u->progs[j].info.id == it->prog_id)
				it->prog_name = u->progs[j].info.name;
		return true;
	}

	return false;
}
