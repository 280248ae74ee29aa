// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: everything that can fail without touching the slot */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel_btf.h"
#include "main.h"
#include "map_err.h"
#include "map_swap_run.h"

#define WHY_MAX	512

/* Whatever is wrong with the path must come up before the swap */
static int check_keep(const char *path)
{
	char copy[PATH_MAX], *name, *dir;
	struct stat st;

	if (!path)
		return 0;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
		map_err("the path to keep the map at is too long");
		return -1;
	}
	name = basename(copy);
	if (strchr(name, '.')) {
		map_err("can't keep the map at %s: bpffs reserves dots in names",
			path);
		return -1;
	}

	snprintf(copy, sizeof(copy), "%s", path);
	dir = dirname(copy);
	if (!lstat(path, &st))
		map_err("can't keep the map at %s: it exists already", path);
	else if (errno != ENOENT)
		map_err("can't keep the map at %s: %s", path, strerror(errno));
	else if (!bpffs_holds(dir))
		map_err("can't keep the map at %s: not in a bpffs", path);
	else if (path[strlen(path) - 1] == '/')
		map_err("can't keep the map at %s: it is no file's name", path);
	else if (access(dir, W_OK))
		map_err("can't keep the map at %s: %s", path, strerror(errno));
	else
		return 0;

	return -1;
}

/* Kernels without it add the new element and then remove the old one, so that
 * a program which looks the slot up in that very moment may find neither.
 */
static void warn_hash_of_maps(const struct map_ref *outer)
{
	if (outer->info.type != BPF_MAP_TYPE_HASH_OF_MAPS ||
	    kernel_btf_has_name("htab_map_update_elem_in_place") > 0)
		return;

	map_warn("this kernel does not update hash_of_maps in place: a program that looks the slot up during the swap may find it empty; array_of_maps has no such gap");
}

/* A map that a program can reach by another way, and what that means for it */
struct not_final {
	__u32 id;
	const char *when;
	const char *force;	/* what "force" does */
	const char *why;
};

/* Refused, or with "force" only warned of. Without a state nothing was done
 * so far.
 */
static int not_final(const struct swap_drain *sd,
		     const struct map_err_state *state,
		     const struct not_final *nf)
{
	if (sd->args.force) {
		if (!state)	/* once is enough */
			map_warn("map %u may change %s: %s", nf->id, nf->when,
				 nf->why);
		return 0;
	}

	map_err_state(state,
		      "map %u may change %s: %s; 'force' %s it all the same",
		      nf->id, nf->when, nf->why, nf->force);
	return -1;
}

int swap_check_final(struct swap_drain *sd, const struct map_err_state *state)
{
	char why[WHY_MAX] = "";
	struct not_final nf = {
		.when = "while it is drained",
		.force = "drains",
		.why = why,
	};
	struct map_users_query q = {
		.nr = sd->nr_slots,
		.outer = &sd->args.outer,
		.why = why,
		.size = sizeof(why),
	};
	__u32 *ids;
	int ret;

	if (!sd->nr_slots)
		return 0;

	/* Before the swap, the slots that will be swapped don't count */
	if (!state) {
		q.except = sd->args.key;
		q.except_all = sd->args.all;
	}
	q.found = sd->slots[0].old.info.id;
	ids = swap_slots_ids(sd);
	q.ids = ids;
	ret = ids ? map_users_take(&sd->users) : -ENOMEM;
	if (!ret)
		ret = map_users_find(sd->users, &q);
	free(ids);
	if (!ret)
		ret = map_users_async(sd->users, &sd->args.outer,
				      &sd->slots[0].old, why, sizeof(why));
	if (ret < 0 && !*why)
		snprintf(why, sizeof(why), "can't tell who uses it: %s",
			 strerror(-ret));

	nf.id = q.found;
	return ret ? not_final(sd, state, &nf) : 0;
}

/* A replacement that a program can reach by another way would not start from
 * what user space put into it.
 */
static int check_given_is_free(struct swap_drain *sd, __u32 id)
{
	char why[WHY_MAX] = "";
	const struct not_final nf = {
		.id = id,
		.when = "before it is in the slot",
		.force = "takes",
		.why = why,
	};
	struct map_users_query q = {
		.ids = &id,
		.nr = 1,
		.outer = &sd->args.outer,
		.why = why,
		.size = sizeof(why),
	};
	int ret;

	ret = map_users_take(&sd->users);
	if (!ret)
		ret = map_users_find(sd->users, &q);
	if (ret < 0 && !*why)
		snprintf(why, sizeof(why), "can't tell who uses it: %s",
			 strerror(-ret));
	if (ret && not_final(sd, NULL, &nf))
		return -1;

	/* In this order: another run that takes it out of a slot right now has
	 * pinned it before that.
	 */
	ret = swap_left_behind(&sd->journal, id);
	if (ret > 0)
		map_err("map %u can't be a replacement: it is in %s, its content was not printed yet",
			id, sd->journal.base);
	else if (ret < 0)
		map_err("can't read %s: %s", sd->journal.base, strerror(-ret));

	return ret ? -1 : 0;
}

static int open_old(struct swap_slot *slot)
{
	__u32 id = slot->old.info.id;
	int err;

	if (slot->old.fd >= 0)
		return 0;

	err = map_ref_open(&slot->old, id, 0);
	slot->old.info.id = id;
	if (err)
		map_err("can't open map %u, which is in the slot: %s", id,
			strerror(-err));

	return err ? -1 : 0;
}

static int prepare_slot(struct swap_drain *sd, struct swap_slot *slot)
{
	struct map_printer printer = {};
	int err;

	if (slot->first)
		return 0;
	if (open_old(slot) || swap_check_old(&slot->old, &sd->args))
		return -1;

	if (sd->args.value.fd >= 0) {
		slot->new = sd->args.value;
		sd->args.value.fd = -1;
		err = swap_check_given(&slot->new, &slot->old) ? :
		      check_given_is_free(sd, slot->new.info.id);
	} else {
		err = swap_create(&slot->new, &slot->old);
	}

	/* What printing needs is looked for now, though used later only */
	if (!err) {
		err = map_printer_init(&printer, &sd->doc, &slot->old.info);
		if (err)
			map_err("can't get the BTF of map %u: %s",
				slot->old.info.id, strerror(-err));
	}
	if (sd->few_fds)
		map_ref_close(&slot->old);

	return err ? : swap_slot_park(sd, slot);
}

static int pin_slot(struct swap_drain *sd, struct swap_slot *slot)
{
	char path[PATH_MAX];
	int err;

	if (slot->first)
		return 0;
	if (open_old(slot))
		return -1;
	err = swap_slot_path(sd, slot, path);
	if (!err && bpf_obj_pin(slot->old.fd, path))
		err = -errno;
	if (err)
		map_err("can't pin the old map in %s: %s", sd->journal.run,
			strerror(-err));
	if (sd->few_fds)
		map_ref_close(&slot->old);

	return err ? -1 : 0;
}

/* Plain output is typed if every map has BTF, and there is one. Returns 1, 0, or
 * -1 after an error was reported.
 */
static int all_typed(struct swap_drain *sd)
{
	struct swap_slot *slot;
	unsigned int i;
	bool typed;

	for (i = 0; i < sd->nr_slots; i++) {
		slot = &sd->slots[i];
		if (slot->first)
			continue;
		if (open_old(slot))
			return -1;
		typed = map_is_typed(&slot->old.info);
		if (sd->few_fds)
			map_ref_close(&slot->old);
		if (!typed)
			return 0;
	}

	return sd->nr_slots > 0;
}

static int prepare_slots(struct swap_drain *sd)
{
	unsigned int i;
	int typed;

	if (swap_slots_find(sd))
		return -1;
	typed = all_typed(sd);
	if (typed < 0 || map_doc_init(&sd->doc, sd->args.all, typed) ||
	    swap_journal_begin(&sd->journal))
		return -1;
	/* It loads a program to find out whether it must: once is enough */
	if (sd->args.value.fd < 0)
		set_max_rlimit();
	for (i = 0; i < sd->nr_slots; i++)
		if (prepare_slot(sd, &sd->slots[i]))
			return -1;

	if (swap_check_final(sd, NULL))
		return -1;
	for (i = 0; i < sd->nr_slots; i++)
		if (pin_slot(sd, &sd->slots[i]))
			return -1;

	return 0;
}

void swap_log(void *ctx, const char *line)
{
	map_debug("%s", line);
}

int swap_prepare(struct swap_drain *sd)
{
	LIBBPF_OPTS(map_wait_opts, opts, .after_update = true,
		    .log = swap_log);
	struct swap_args *args = &sd->args;
	char why[MAP_WAIT_WHY];
	int frozen;

	frozen = map_is_frozen(args->outer.fd);
	if (frozen) {
		map_err("can't update map %u: %s", args->outer.info.id,
			frozen < 0 ? strerror(-frozen) : "it is frozen");
		return -1;
	}
	if (check_keep(args->keep))
		return -1;

	opts.way = args->provider;
	if (map_wait_open(&sd->wait, &opts, why, sizeof(why))) {
		map_err("%s", why);
		return -1;
	}

	if (swap_journal_open(&sd->journal, args->journal))
		return -1;
	swap_report_left(&sd->journal);

	if (prepare_slots(sd))
		return -1;
	warn_hash_of_maps(&args->outer);

	return 0;
}
