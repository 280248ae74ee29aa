// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Maps that earlier runs left pinned: the warning, and bpftool map swap-drain recover */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <linux/err.h>

#include "main.h"
#include "map_in_map.h"
#include "map_msg.h"
#include "map_pins_finish.h"
#include "map_recover.h"
#include "map_signals.h"
#include "map_wait.h"

/* A process that was killed takes a moment to end */
#define WAIT_MS	1000

/* The maps in the slots of the last map-in-map that was read: on some kernels each
 * lookup of a slot waits for a grace period
 */
struct slots {
	__u32 outer_id;
	unsigned int run;	/* whose folder was locked then, 0: none was read */
	int err;
	struct hashmap *ids;
};

static int add_id(const struct map_ref *outer, const void *key, __u32 id, void *ctx)
{
	const struct slots *s = ctx;
	int err = hashmap__add(s->ids, (void *)(unsigned long)id, NULL);

	return err == -EEXIST ? 0 : err;
}

static void read_slots(struct slots *s, const struct journal_pin *pin)
{
	hashmap__free(s->ids);
	s->ids = hashmap__new(hash_fn_for_key_as_id, equal_fn_for_key_as_id, NULL);
	s->err = IS_ERR(s->ids) ? -ENOMEM :
		 map_in_map_each_of(pin->outer_id, add_id, s);
	s->outer_id = pin->outer_id;
	s->run = pin->run;
}

/* Returns 1, 0 (also if there is no such map-in-map), or -errno */
static int slot_holds(struct slots *s, const struct journal_pin *pin)
{
	void *id = (void *)(unsigned long)pin->id, *found;

	if (!s->run || s->outer_id != pin->outer_id)
		read_slots(s, pin);
	/* Its run may have been at work then, and have swapped it since */
	if (!s->err && s->run != pin->run && hashmap__find(s->ids, id, &found))
		read_slots(s, pin);

	return s->err ? : hashmap__find(s->ids, id, &found);
}

/* Was the map left by a run that ended? A run that ended before its swap left the
 * map in the slot, so only its pin has to go. If that can't be known, it is an
 * orphan.
 */
static bool is_orphan(struct slots *slots, const struct journal_pin *pin)
{
	if (pin->live)
		return false;
	if (pin->state == PIN_MOVED ||
	    slot_holds(slots, pin) <= 0)
		return true;

	unlink(pin->path);
	return false;
}

struct report {
	struct slots slots;
	char first[PATH_MAX];	/* path of the first pin */
	__u32 id, outer_id;
	unsigned int nr;
};

static int report_pin(struct journal_pin *pin, void *ctx)
{
	struct report *r = ctx;

	if (is_orphan(&r->slots, pin) && !r->nr++) {
		snprintf(r->first, sizeof(r->first), "%s", pin->path);
		r->id = pin->id;
		r->outer_id = pin->outer_id;
	}

	return 0;
}

void map_report_orphans(const struct map_journal *j)
{
	char command[4 * PATH_MAX + 64];
	struct report r = {};
	int err;

	err = map_journal_each(j, 0, report_pin, &r);
	hashmap__free(r.slots.ids);
	map_recover_command(map_journal_dir(j), command, sizeof(command));
	if (r.nr == 1)
		map_warn("a run that failed left map %u of map %u at %s; print and release it with: %s",
			 r.id, r.outer_id, r.first, command);
	else if (r.nr)
		map_warn("runs that failed left %u maps in %s; print and release them with: %s",
			 r.nr, j->base, command);
	if (err)
		map_warn("can't tell what earlier runs left in %s: %s", j->base,
			 strerror(-err));
}

static int is_pin_of(struct journal_pin *pin, void *ctx)
{
	return pin->id == *(__u32 *)ctx;
}

int map_in_journal(const struct map_journal *j, __u32 id)
{
	return map_journal_each(j, 0, is_pin_of, &id);
}

struct recovery {
	struct pin_list pins;
	struct slots slots;
	unsigned int live;	/* maps of runs that are still at work */
	bool swapped;		/* a map was taken out of a slot, and not printed yet */
};

static int add_pin(struct journal_pin *pin, void *ctx)
{
	struct recovery *r = ctx;
	struct pinned_map *new;

	r->live += pin->live;
	if (!is_orphan(&r->slots, pin))
		return 0;

	r->swapped |= pin->state == PIN_PRINT || pin->state == PIN_CLEAR;
	new = pins_add(&r->pins, &pin->map, pin->outer_id, pin->state);
	if (!new)
		return -ENOMEM;
	new->map.info.id = pin->id;	/* even if it could not be opened */
	pin->map.fd = -1;
	new->path = strdup(pin->path);
	if (!new->path)
		return -ENOMEM;
	if (pin->open_err)
		pins_refuse(new, "can't open the drained map: %s",
			    strerror(-pin->open_err));

	return 0;
}

/* The runs may have been killed before their wait was over */
static int wait_once(const struct recovery *r)
{
	LIBBPF_OPTS(map_wait_opts, opts, .log = map_debug_line);
	char why[MAP_WAIT_WHY];
	struct map_wait *w;
	int err;

	if (!r->swapped)
		return 0;
	err = map_wait_open(&w, &opts, why, sizeof(why));
	if (!err) {
		err = map_wait_run(w, why, sizeof(why));
		map_wait_close(w);
	}

	return err ? map_err("%s", why) : 0;
}

static int recover(struct recovery *r, const struct map_journal *j)
{
	int err;

	err = map_journal_each(j, WAIT_MS, add_pin, r);
	hashmap__free(r->slots.ids);
	if (err)
		return map_err("can't read %s: %s", j->base, strerror(-err));
	if (r->live)
		map_warn("%u maps in %s belong to runs that are still at work: not printed",
			 r->live, j->base);

	return wait_once(r) || pins_prepare(&r->pins) ||
	       pins_finish(&r->pins) ? -1 : 0;
}

static int lock_journal(const struct map_journal *j)
{
	int fd = open(j->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
		return fd;

	map_err("can't flock %s: %s", j->base,
		errno == EWOULDBLOCK ? "another recover is at work" :
				       strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

int map_recover(const struct drain_args *args)
{
	struct map_journal journal = { .run_fd = -1 };
	struct recovery r = {
		.pins = {
			.journal = &journal,
			.list = true,
			.timeout_ms = args->timeout_ms,
		},
	};
	int lock_fd, err;

	/* One that is mistyped must be neither created nor taken for empty */
	if (args->journal && access(args->journal, F_OK) && errno == ENOENT) {
		map_warn("there is no journal at %s, so nothing can be recovered",
			 args->journal);
		return pins_prepare(&r.pins) || pins_finish(&r.pins) ? -1 : 0;
	}
	if (map_journal_open(&journal, args->journal))
		return -1;
	lock_fd = lock_journal(&journal);
	if (lock_fd < 0)
		return -1;

	err = recover(&r, &journal);
	pins_free(&r.pins);
	map_signals_end();
	/* Remove folders that are empty now */
	map_journal_each(&journal, 0, NULL, NULL);
	close(lock_fd);

	return err;
}
