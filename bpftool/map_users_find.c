// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The users of maps: what can reach a map
 *
 * Once a map is out of its slot and the grace period is over, programs can reach
 * it only in another way: through another slot, as one of their own maps, or with
 * an iterator that is attached to it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map_in_map.h"
#include "map_ref.h"
#include "map_users_all.h"

static void name_slot(const struct bpf_map_info *outer, const unsigned char *key,
		      char *why)
{
	size_t len;
	__u32 i;

	len = snprintf(why, MAP_USERS_WHY, "slot");
	for (i = 0; i < outer->key_size && len < MAP_USERS_WHY; i++)
		len += snprintf(why + len, MAP_USERS_WHY - len, " %02x", key[i]);
	if (len < MAP_USERS_WHY)
		snprintf(why + len, MAP_USERS_WHY - len, " of map %u%s%s holds it",
			 outer->id, *outer->name ? " " : "", outer->name);
}

static int find_in_slot(const struct map_ref *outer, const void *key, __u32 id,
			void *ctx)
{
	struct map_users_query *q = ctx;
	const struct map_users_except *e = q->except;

	if (e && outer->info.id == e->outer->info.id &&
	    !memcmp(key, e->key, outer->info.key_size))
		return 0;
	if (!bsearch(&id, q->ids, q->nr, sizeof(id), map_users_compare))
		return 0;
	q->found = id;
	name_slot(&outer->info, key, q->why);

	return 1;
}

static int find_in_maps(const struct map_users *u, struct map_users_query *q)
{
	const struct map_users_except *e = q->except;
	const struct user_map *map;
	int ret, err = 0;

	for (map = u->maps; map < u->maps + u->nr_maps; map++) {
		ret = map->err;
		if (!ret && e && !e->key && map->id == e->outer->info.id)
			continue;
		if (!ret && map_is_map_in_map(map->type))
			ret = map_in_map_each_of(map->id, find_in_slot, q);
		if (ret < 0)
			map_users_cant(q->why, ret, map->err ?
				       "tell whether it is in a slot of map" :
				       "read the slots of map", map->id);
		/* A map-in-map that holds it is the better reason */
		if (ret)
			q->outer_id = map->id;
		if (ret > 0)
			return ret;
		err = ret ? : err;
	}

	return err;
}

static int find_in_progs(const struct map_users *u, struct map_users_query *q)
{
	const struct user_prog *prog;
	unsigned int i;
	__u32 id;

	for (prog = u->progs; prog < u->progs + u->nr_progs; prog++) {
		id = user_prog_map(prog, q->ids, q->nr);
		if (!id)
			continue;
		q->found = id;
		snprintf(q->why, MAP_USERS_WHY,
			 "program %u%s%s has it among its own maps",
			 prog->info.id, *prog->info.name ? " " : "",
			 prog->info.name);
		return 1;
	}
	for (i = 0; i < q->nr; i++) {
		q->found = q->ids[i];
		if (map_users_iterator(u, q->found, q->why))
			return 1;
	}

	return 0;
}

int map_users_find(struct map_users *u, struct map_users_query *q)
{
	int ret;

	qsort(q->ids, q->nr, sizeof(*q->ids), map_users_compare);
	ret = find_in_progs(u, q);
	/* A known user is the better reason */
	if (!ret)
		ret = find_in_maps(u, q);
	if (!ret)
		ret = map_users_progs_known(u, q->why);

	return ret;
}

int map_users_in_slot(struct map_users *u, __u32 id, __u32 *outer_id)
{
	char why[MAP_USERS_WHY];
	struct map_users_query q = { .ids = &id, .nr = 1, .why = why };
	int ret;

	ret = find_in_maps(u, &q);
	*outer_id = q.outer_id;

	return ret;
}

const char *map_users_iterator(const struct map_users *u, __u32 map_id, char *why)
{
	const struct user_link *link;
	const struct user_prog *prog;
	const char *name;

	for (link = u->links; link < u->links + u->nr_links; link++) {
		if (link->map_id != map_id)
			continue;
		prog = map_users_prog(u, link->prog_id);
		name = prog ? prog->info.name : "";
		snprintf(why, MAP_USERS_WHY,
			 "link %u attaches an iterator, program %u%s%s, to it",
			 link->id, link->prog_id, *name ? " " : "", name);
		return name;
	}

	return NULL;
}
