// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: what runs that failed or died have left behind */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_read.h"
#include "map_err.h"
#include "map_swap.h"
#include "map_users.h"
#include "map_wait.h"

/* A map that was not printed yet, or printed and not let go yet */
struct left {
	char path[PATH_MAX];
	__u32 outer_id, id;
	enum swap_pin_state state;
	int open_err;		/* it can't be opened: -errno */
	bool stays;		/* it was not printed in full */
};

struct recovery {
	struct left *left;
	size_t count, to_print;
	struct map_users *users;
	bool unreachable;	/* no program can get at any of them */
	__u32 covered;		/* an outer map whose programs are all waited for */
	bool typed;		/* all to print have BTF, as far as seen */
	bool failed;		/* some stay */
	struct map_doc doc;
};

/* A run that died before its swap left its map in the slot: nothing is lost
 * and nobody needs to know.
 */
static bool never_swapped(struct map_users *u, const struct swap_pin *pin)
{
	return map_users_slot_holds(u, pin->outer_id, pin->id) > 0;
}

/* What is said of the runs that failed, a line each */
struct report {
	struct map_users *users;
	const char *dir;	/* of the journal, "": the usual one */
	char first[PATH_MAX];	/* pin of the run that is looked at */
	__u32 id, outer_id;
	unsigned int nr;	/* pins of it */
};

static void report_run(struct report *r)
{
	const char *journal = *r->dir ? " journal " : "";

	if (r->nr == 1)
		map_warn("a run that failed left map %u of map-in-map %u at %s; print it and let it go with: bpftool map swap-drain recover%s%s",
			 r->id, r->outer_id, r->first, journal, r->dir);
	else if (r->nr)
		map_warn("a run that failed left %u maps of map-in-map %u in %s; print them and let them go with: bpftool map swap-drain recover%s%s",
			 r->nr, r->outer_id, dirname(r->first), journal,
			 r->dir);
	r->nr = 0;
}

static bool is_of_run(const struct report *r, const char *path)
{
	size_t len = strrchr(path, '/') - path + 1;

	return r->nr && !strncmp(r->first, path, len);
}

static int report_pin(const struct swap_pin *pin, void *ctx)
{
	struct report *r = ctx;

	if (pin->live)
		return 0;
	if (never_swapped(r->users, pin)) {
		unlink(pin->path);
		return 0;
	}

	if (!is_of_run(r, pin->path)) {
		report_run(r);
		snprintf(r->first, sizeof(r->first), "%s", pin->path);
		r->id = pin->id;
		r->outer_id = pin->outer_id;
	}
	r->nr++;

	return 0;
}

void swap_report_left(const struct swap_journal *j)
{
	struct report r = {
		.dir = strcmp(j->base, SWAP_JOURNAL_BASE) ? j->base : "",
	};
	int err;

	r.users = map_users_new();
	err = swap_journal_each(j, report_pin, &r);
	report_run(&r);
	map_users_free(r.users);
	if (err)
		map_warn("can't tell what earlier runs left in %s: %s", j->base,
			 strerror(-err));
}

static int is_pin_of(const struct swap_pin *pin, void *ctx)
{
	return pin->id == *(__u32 *)ctx;
}

int swap_left_behind(const struct swap_journal *j, __u32 id)
{
	return swap_journal_each(j, is_pin_of, &id);
}

static int open_pin(const char *path, struct map_ref *map)
{
	__u32 len = sizeof(map->info);
	int err;

	memset(map, 0, sizeof(*map));
	map->fd = bpf_obj_get(path);
	if (map->fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(map->fd, &map->info, &len)) {
		err = -errno;
		map_ref_close(map);
		return err;
	}

	return 0;
}

static int collect_pin(const struct swap_pin *pin, void *ctx)
{
	struct recovery *r = ctx;
	struct map_ref map;
	struct left *left;

	if (pin->live)
		return 0;
	if (never_swapped(r->users, pin)) {
		unlink(pin->path);
		return 0;
	}

	left = realloc(r->left, (r->count + 1) * sizeof(*left));
	if (!left)
		return -ENOMEM;
	r->left = left;
	left += r->count;
	memset(left, 0, sizeof(*left));
	snprintf(left->path, sizeof(left->path), "%s", pin->path);
	left->outer_id = pin->outer_id;
	left->id = pin->id;
	left->state = pin->state;
	r->count++;

	/* It is named when its turn comes, among the others */
	left->open_err = open_pin(pin->path, &map);
	if (left->open_err)
		return 0;
	if (pin->state != PIN_PRINTED) {
		r->typed &= map_is_typed(&map.info);
		r->to_print++;
	}
	map_ref_close(&map);

	return 0;
}

/* The run may have died before its wait was over */
static int wait_once(void)
{
	LIBBPF_OPTS(map_wait_opts, opts, .log = swap_log);
	char why[MAP_WAIT_WHY];
	struct map_wait *w;
	int err;

	err = map_wait_open(&w, &opts, why, sizeof(why)) ? :
	      map_wait_run(w, why, sizeof(why));
	map_wait_close(w);
	if (err)
		map_err("%s", why);

	return err ? -1 : 0;
}

/* One look for all, after the wait, as swap-drain has it before it prints. Which
 * of them can be reached is asked only where that finds one.
 */
static bool none_reachable(struct recovery *r)
{
	char why[512];
	struct map_users_query q = {
		.nr = r->count,
		.why = why,
		.size = sizeof(why),
	};
	int ret = -ENOMEM;
	__u32 *ids;
	size_t i;

	ids = calloc(r->count + 1, sizeof(*ids));
	q.ids = ids;
	for (i = 0; ids && i < r->count; i++)
		ids[i] = r->left[i].id;
	if (ids)
		ret = map_users_take(&r->users);
	if (!ret)
		ret = map_users_find(r->users, &q);
	free(ids);

	return !ret;
}

static int find_user(struct recovery *r, const struct left *left,
		     const struct map_ref *map, char *why, size_t size)
{
	struct map_ref outer = { .fd = -1 };
	__u32 id = map->info.id;
	struct map_users_query q = {
		.ids = &id,
		.nr = 1,
		.why = why,
		.size = size,
	};
	int ret = 0;

	if (!r->unreachable)
		ret = map_users_take(&r->users);
	if (!ret && !r->unreachable)
		ret = map_users_find(r->users, &q);
	/* The maps of one map-in-map are alike to what can't be waited for */
	if (ret || r->covered == left->outer_id)
		return ret;

	if (!map_ref_open(&outer, left->outer_id, BPF_F_RDONLY))
		ret = map_users_async(r->users, &outer, map, why, size);
	map_ref_close(&outer);
	if (!ret)
		r->covered = left->outer_id;

	return ret;
}

/* Its run may have failed because a program can still change the map */
static int check_final(struct recovery *r, const struct left *left,
		       const struct map_ref *map)
{
	const struct map_err_state state = {
		.swapped = true,
		.pinned = left->path,
	};
	char why[512] = "";
	int ret;

	ret = find_user(r, left, map, why, sizeof(why));
	if (ret < 0 && !*why)
		snprintf(why, sizeof(why), "can't tell who uses it: %s",
			 strerror(-ret));
	if (ret)
		map_err_state(&state,
			      "map %u may still change and is not %s: %s",
			      map->info.id, left->state == PIN_PRINTED ?
			      "cleared" : "printed", why);

	return ret ? -1 : 0;
}

static int open_left(const struct left *left, struct map_ref *map)
{
	const struct map_err_state state = {
		.swapped = true,
		.pinned = left->path,
	};
	int err = left->open_err ? : open_pin(left->path, map);

	if (err)
		map_err_state(&state, "can't open the drained map: %s",
			      strerror(-err));

	return err ? -1 : 0;
}

/* Somebody may have found a use for it since it was printed */
static int check_printed(struct recovery *r, const struct left *left)
{
	struct map_ref map;
	int err;

	if (open_left(left, &map))
		return -1;
	err = check_final(r, left, &map);
	map_ref_close(&map);

	return err;
}

static int print_left(struct recovery *r, const struct left *left)
{
	struct map_err_state state = { .swapped = true, .pinned = left->path };
	const struct map_label label = { .outer_id = left->outer_id };
	struct map_printer printer;
	struct map_ref map;
	const char *what;
	int err;

	if (open_left(left, &map))
		return -1;
	err = check_final(r, left, &map);
	if (err)
		goto close_map;
	err = map_printer_init(&printer, &r->doc, &map.info);
	if (err) {
		map_err_state(&state, "can't get the BTF of map %u: %s",
			      map.info.id, strerror(-err));
		goto close_map;
	}

	map_print_begin(&printer, &label);
	err = map_read_all(&map, &printer, &what);
	if (err) {
		/* Inside the array, unless it is stdout that failed */
		state.to_stderr = map_stdout_flush();
		map_err_state(&state, "can't %s: %s", what, strerror(-err));
	}
	map_print_end(&printer, !err);

close_map:
	map_ref_close(&map);
	return err ? -1 : 0;
}

/* One map that can't be printed is no reason to keep the others back */
static int print_all(struct recovery *r, const struct swap_journal *j)
{
	const struct map_err_state state = {
		.swapped = r->count,
		.pinned = r->count == 1 ? r->left[0].path : j->base,
		.to_stderr = true,
	};
	struct left *left;
	bool full = false;
	int flush_err;
	size_t i;

	r->unreachable = none_reachable(r);
	map_doc_begin(&r->doc);
	for (i = 0; i < r->count && !ferror(stdout); i++) {
		left = &r->left[i];
		if (left->state == PIN_PRINTED ? !check_printed(r, left) :
						 !print_left(r, left))
			continue;
		left->stays = true;
		r->failed = true;
		/* Then it was said already */
		full = ferror(stdout);
	}
	flush_err = map_doc_end(&r->doc);
	if (!flush_err)
		return 0;

	if (!full)
		map_err_state(&state, "can't write the drained maps: %s",
			      strerror(-flush_err));
	return -1;
}

/* What the run was asked to do once the content is out */
static int clear_left(struct left *left)
{
	struct map_ref map;
	int err;

	err = left->state == PIN_PRINTED ? 0 : swap_journal_printed(left->path);
	if (!err)
		err = open_pin(left->path, &map);
	if (err)
		return err;
	err = map_clear(&map);
	map_ref_close(&map);

	return err;
}

/* Only now that every byte went out */
static int let_go(struct recovery *r)
{
	struct map_err_state state = { .swapped = true, .to_stderr = true };
	struct left *left;
	int err, ret = 0;
	size_t i;

	for (i = 0; i < r->count; i++) {
		left = &r->left[i];
		if (left->stays)
			continue;
		err = left->state == PIN_PRINT ? 0 : clear_left(left);
		if (!err && unlink(left->path))
			err = -errno;
		if (!err)
			continue;
		state.pinned = left->path;
		map_err_state(&state,
			      "the drained map was printed but can't be released: %s",
			      strerror(-err));
		ret = -1;
	}

	return ret;
}

static int keep_out_others(const struct swap_journal *j)
{
	int fd = open(j->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
		return fd;

	map_err("can't lock %s: %s", j->base,
		errno == EWOULDBLOCK ? "another recover is at work" :
				       strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int nothing(const struct swap_pin *pin, void *ctx)
{
	return 0;
}

int swap_recover(const struct swap_args *args)
{
	struct swap_journal journal = { .run_fd = -1 };
	struct recovery r = { .typed = true };
	int lock_fd, err;

	if (swap_journal_open(&journal, args->journal))
		return -1;
	lock_fd = keep_out_others(&journal);
	if (lock_fd < 0)
		return -1;

	r.users = map_users_new();
	err = swap_journal_each(&journal, collect_pin, &r);
	if (err) {
		map_err("can't read %s: %s", journal.base, strerror(-err));
		err = -1;
		goto free_left;
	}

	if (r.to_print && wait_once()) {
		err = -1;
		goto free_left;
	}

	err = map_doc_init(&r.doc, true, r.typed && r.to_print);
	if (!err)
		err = print_all(&r, &journal);
	if (!err)
		err = let_go(&r);
	if (r.failed)
		err = -1;
	map_doc_free(&r.doc);
	/* Folders that are empty by now go too */
	swap_journal_each(&journal, nothing, NULL);

free_left:
	map_users_free(r.users);
	free(r.left);
	close(lock_fd);
	return err;
}
