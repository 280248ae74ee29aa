// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The users of maps: those that a grace period does not wait for */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "main.h"
#include "map_in_map.h"
#include "map_ref.h"
#include "map_users_all.h"

/* The question, and where its answer goes */
struct query {
	struct map_users *u;
	__u32 outer_id;
	char *why;
};

/* Returns @ret */
static int __printf(4, 5) say(const struct query *q, int ret,
			      const struct user_prog *prog,
			      const char *fmt, ...)
{
	va_list ap;
	size_t len;

	len = snprintf(q->why, MAP_USERS_WHY, "program %u%s%s ", prog->info.id,
		       *prog->info.name ? " " : "", prog->info.name);
	va_start(ap, fmt);
	vsnprintf(q->why + len, MAP_USERS_WHY - len, fmt, ap);
	va_end(ap);

	return ret;
}

static int cant_tell(const struct query *q, int err, const struct user_prog *prog)
{
	return say(q, err, prog, "may be sleepable, which can't be found out: %s",
		   strerror(-err));
}

/* An extension is as sleepable as its target. An unknown target may well be sleepable. */
static int target_sleeps(const struct query *q, __u32 id)
{
	const struct user_prog *target = map_users_prog(q->u, id);

	if (!target || target->info.type == BPF_PROG_TYPE_EXT)
		return 1;

	return map_async_sleepable(&q->u->async, id, target->info.type);
}

static int ext_sleeps(const struct query *q, const struct user_prog *prog)
{
	const struct user_link *link;
	bool attached = false;
	int ret = 0;
	__u32 target;
	size_t i;

	if (!map_async_kernel_sleeps(&q->u->async))
		return 0;

	for (i = 0; !ret && i < q->u->nr_links; i++) {
		link = &q->u->links[i];
		if (link->prog_id != prog->info.id || !link->traces)
			continue;
		attached = true;
		ret = target_sleeps(q, link->target);
	}
	if (ret)
		return ret;

	/* The kernel forgets the target once the extension was attached */
	target = map_async_target(&q->u->async, prog->info.id);
	if (target || !attached)
		ret = target_sleeps(q, target);

	return ret;
}

static int prog_sleeps(const struct query *q, const struct user_prog *prog)
{
	bool ext = prog->info.type == BPF_PROG_TYPE_EXT;
	int ret;

	ret = ext ? ext_sleeps(q, prog) :
		    map_async_sleepable(&q->u->async, prog->info.id,
					prog->info.type);
	if (ret > 0)
		return say(q, 1, prog, "%s, so an RCU grace period does not wait for it",
			   ext ? "extends a program that may be sleepable" : "is sleepable");

	return ret ? cant_tell(q, ret, prog) : 0;
}

/* A future kernel may load an extension that is sleepable by itself */
static int extensions_sleep(const struct query *q, const struct user_prog *prog)
{
	const struct user_prog *ext;
	const struct user_link *link;
	size_t i;
	int ret;

	for (i = 0; i < q->u->nr_links; i++) {
		link = &q->u->links[i];
		ext = link->traces && link->target == prog->info.id ?
			      map_users_prog(q->u, link->prog_id) : NULL;
		if (!ext || ext->info.type != BPF_PROG_TYPE_EXT)
			continue;
		ret = map_async_sleepable(&q->u->async, ext->info.id,
					  ext->info.type);
		if (ret > 0)
			return say(q, 1, ext,
				   "is sleepable, and extends one that uses map %u",
				   q->outer_id);
		if (ret)
			return cant_tell(q, ret, ext);
	}

	return 0;
}

/* Returns 1 or -errno */
static int set_starts(struct user_map *map, __u32 btf_id, __u32 value_type_id)
{
	int ret = map_value_fields(btf_id, value_type_id, NULL);

	if (ret < 0)
		return ret;
	map->starts = ret;

	return 1;
}

/* The inner maps of a map-in-map are all of one kind: look at any of them */
static int read_inner(const struct map_ref *outer, const void *key, __u32 id, void *ctx)
{
	struct map_ref inner;
	int ret;

	ret = map_ref_open(&inner, id, BPF_F_RDONLY);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = set_starts(ctx, inner.info.btf_id, inner.info.btf_value_type_id);
	map_ref_close(&inner);

	return ret;
}

/* Returns a negative errno if they can't be read */
static int read_starts(struct user_map *map)
{
	if (map->err || map->starts >= 0)
		return map->err;
	if (!map_is_map_in_map(map->type))
		return set_starts(map, map->btf_id, map->value_type_id);

	return map_in_map_each_of(map->id, read_inner, map);
}

/* The old map stands for all inner maps of the outer map */
static int prog_starts(const struct query *q, const struct user_prog *prog)
{
	struct user_map *map;
	__u32 i;
	int err;

	for (i = 0; i < prog->info.nr_map_ids; i++) {
		map = map_users_map(q->u, prog->map_ids[i]);
		if (!map || map->id == q->outer_id)
			continue;
		err = read_starts(map);
		if (err < 0)
			return say(q, err, prog,
				   "uses map %u, which can't be looked at: %s",
				   map->id, strerror(-err));
		if (map->starts > 0 && map->starts & MAP_FIELD_STARTS_SLEEPING)
			return say(q, 1, prog,
				   "can start a callback from map %u, so that it runs asynchronously",
				   map->id);
	}

	return 0;
}

int map_users_async(struct map_users *u, __u32 outer_id, const struct map_ref *old,
		    char *why)
{
	const struct query q = { u, outer_id, why };
	size_t i;
	int ret;

	ret = map_value_fields(old->info.btf_id, old->info.btf_value_type_id,
			       NULL);
	if (ret < 0)
		snprintf(why, MAP_USERS_WHY, "can't tell what its values hold: %s",
			 strerror(-ret));
	else if (ret & MAP_FIELD_STARTS)
		snprintf(why, MAP_USERS_WHY,
			 "its own values start callbacks, which run asynchronously");
	if (ret < 0 || ret & MAP_FIELD_STARTS)
		return ret < 0 ? ret : MAP_ASYNC_OWN;

	for (i = 0, ret = 0; !ret && i < u->nr_progs; i++) {
		if (!user_prog_map(&u->progs[i], &q.outer_id, 1))
			continue;
		ret = prog_sleeps(&q, &u->progs[i]);
		if (!ret)
			ret = prog_starts(&q, &u->progs[i]);
		if (!ret)
			ret = extensions_sleep(&q, &u->progs[i]);
	}
	if (!ret)
		ret = map_users_progs_known(u, why);

	return ret > 0 ? MAP_ASYNC_SLEEPABLE : ret;
}

int map_users_prog_sleeps(struct map_users *u, __u32 prog_id, __u32 map_id)
{
	const struct user_prog *prog = map_users_prog(u, prog_id);
	char ignored[MAP_USERS_WHY];
	const struct query q = { u, map_id, ignored };

	if (!prog)
		return -ENOENT;

	return prog_sleeps(&q, prog) ? : prog_starts(&q, prog);
}

/* Is it attached to a program that has the map? Before 5.13 links don't name
 * their target.
 */
static bool extends_user(const struct map_users *u, const struct user_prog *ext,
			 __u32 map_id)
{
	const struct user_prog *target;
	const struct user_link *link;
	size_t i;

	if (ext->info.type != BPF_PROG_TYPE_EXT)
		return false;
	for (i = 0; i < u->nr_links; i++) {
		link = &u->links[i];
		if (link->prog_id != ext->info.id || !link->traces)
			continue;
		target = map_users_prog(u, link->target);
		if (!target || user_prog_map(target, &map_id, 1))
			return true;
	}

	return false;
}

int map_users_each_prog(struct map_users *u, __u32 map_id,
			int (*fn)(const struct bpf_prog_info *info, void *ctx),
			void *ctx)
{
	const struct user_prog *prog;
	char ignored[MAP_USERS_WHY];
	size_t i;
	int ret;

	ret = map_users_progs_known(u, ignored);
	for (i = 0; !ret && i < u->nr_progs; i++) {
		prog = &u->progs[i];
		if (user_prog_map(prog, &map_id, 1) ||
		    extends_user(u, prog, map_id))
			ret = fn(&prog->info, ctx);
	}

	return ret;
}
