// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Can a program still write to the maps that are pinned? */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_pins_check.h"
#include "map_wait.h"

/* A map that a program may write to, and how */
struct writer {
	__u32 id;
	char why[MAP_USERS_WHY];
};

/* Returns 1 if there is one, 0, or -errno if it is not known */
static int find_holder(struct pin_list *l, struct pinned_map *pins,
		       unsigned int nr, const struct map_users_except *before,
		       struct writer *w)
{
	struct map_users_query q = {
		.ids = calloc(nr, sizeof(*q.ids)),
		.nr = nr,
		.except = before,
		.why = w->why,
	};
	unsigned int i;
	int ret;

	if (!q.ids)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		q.ids[i] = pins[i].map.info.id;
	ret = map_users_find(l->users, &q);
	if (ret > 0)
		w->id = q.found;
	free(q.ids);

	return ret;
}

/* Returns 1 with the reason in @w if there is no way to wait. After the swap, the
 * wait is its own proof.
 */
static int open_sleepable_wait(struct pin_list *l, bool prove, struct writer *w)
{
	LIBBPF_OPTS(map_wait_sleepable_opts, opts, .timeout_ms = l->timeout_ms);
	char why[MAP_WAIT_WHY];
	size_t len = strlen(w->why);

	if (l->sleepable ||
	    (!map_wait_sleepable_open(&l->sleepable, &opts, why, sizeof(why)) &&
	     (!prove ||
	      !map_wait_sleepable_prove(l->sleepable, why, sizeof(why)))))
		return 0;

	map_wait_sleepable_close(l->sleepable);
	l->sleepable = NULL;
	snprintf(w->why + len, sizeof(w->why) - len,
		 ", and this kernel has no way to wait for it: %s", why);
	return 1;
}

/* As find_holder(), for what neither a grace period nor the sleepable wait covers */
static int find_async(struct pin_list *l, const struct pinned_map *pin,
		      const struct map_users_except *before, struct writer *w)
{
	unsigned int i;
	int ret;

	/* Programs never get at values of a stage */
	if (pin->state == PIN_MOVED)
		return 0;
	w->id = pin->map.info.id;
	ret = map_users_async(l->users, pin->label.outer_id, &pin->map, w->why);
	if (ret != MAP_ASYNC_SLEEPABLE || l->force)
		return ret;

	snprintf(l->sleeper, sizeof(l->sleeper), "%s", w->why);
	for (i = 0; i < l->nr; i++)
		if (l->pins[i].label.outer_id == pin->label.outer_id)
			l->pins[i].sleepers = true;

	return open_sleepable_wait(l, before, w);
}

#define MAY_CHANGE	"map %u may still be written to: %s"

/* Before the swap the error names no place */
static int refuse(const struct pin_list *l, const struct map_users_except *before,
		  const struct writer *w)
{
	struct map_place at = pins_place(l);

	if (before)
		return map_err(MAY_CHANGE "; use 'force' to drain it anyway",
			       w->id, w->why);

	return map_err_at(&at, MAY_CHANGE, w->id, w->why);
}

/* Look at several maps; find_async() needs only one map of each map-in-map. @err is
 * that of the snapshot. Returns 0 if the maps can be printed, after the wait for
 * sleepable programs if there is one; or -1 with the reason in @w
 */
static int check(struct pin_list *l, struct pinned_map *pins, unsigned int nr,
		 const struct map_users_except *before, int err, struct writer *w)
{
	unsigned int i;
	int ret;

	*w->why = '\0';
	w->id = pins[0].map.info.id;
	ret = err ? : find_holder(l, pins, nr, before, w);
	for (i = 0; !ret && i < nr; i++)
		if (!i || pins[i].label.outer_id != pins[i - 1].label.outer_id)
			ret = find_async(l, &pins[i], before, w);
	if (ret < 0 && !*w->why)
		snprintf(w->why, sizeof(w->why), "can't tell who uses it: %s",
			 strerror(-ret));
	if (ret && l->force && before)
		map_warn(MAY_CHANGE, w->id, w->why);

	return ret && !l->force ? -1 : 0;
}

int pins_check(struct pin_list *l, const struct map_users_except *before)
{
	struct writer w;
	unsigned int i;
	int err, tries = 0;

	if (!l->nr)
		return 0;
	do {
		err = map_users_take(&l->users);
		if (!check(l, l->pins, l->nr, before, err, &w))
			return 0;
		/* The program that moved the values may still be there */
	} while (l->nr == 1 && l->pins[0].state == PIN_MOVED && map_users_wait(&tries));
	if (err || l->all_or_none)
		return refuse(l, before, &w);

	/* One map that can't be printed does not hold back the others */
	for (i = 0; i < l->nr; i++) {
		if (l->pins[i].stays ||
		    !check(l, &l->pins[i], 1, before, 0, &w))
			continue;
		pins_refuse(&l->pins[i], MAY_CHANGE, w.id, w.why);
	}

	return 0;
}

/* Is there a map that no sleepable program may have? */
static bool has_others(const struct pin_list *l)
{
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		if (!l->pins[i].sleepers && !l->pins[i].stays)
			return true;

	return false;
}

int pins_wait_sleepable(struct pin_list *l)
{
	struct map_place at = pins_place(l);
	char why[MAP_WAIT_WHY];
	unsigned int i;
	int err;

	if (!l->sleepable || l->force)
		return 0;
	err = map_wait_sleepable_run(l->sleepable, why, sizeof(why));
	if (err) {
		if (l->all_or_none || (err == -ETIMEDOUT && !has_others(l)))
			return map_err_at(&at, "%s: %s", l->sleeper, why);
		/* The other maps can be printed */
		for (i = 0; i < l->nr; i++)
			if (l->pins[i].sleepers && !l->pins[i].stays)
				pins_refuse(&l->pins[i], "%s: %s", l->sleeper, why);
	} else {
		map_debug("provider %s: waited %llu us for sleepable programs",
			  map_wait_sleepable_way(l->sleepable),
			  map_wait_sleepable_us(l->sleepable));
	}

	/* A new holder may have come during the wait */
	return pins_check(l, NULL);
}
