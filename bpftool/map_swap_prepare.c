// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: everything that can fail without touching the slot */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel_btf.h"
#include "main.h"
#include "map_err.h"
#include "map_swap_reach.h"
#include "map_swap_run.h"

#define WHY_MAX	512

static int check_keep(const char *path)
{
	char copy[PATH_MAX], *name;

	if (!path)
		return 0;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
		map_err("the path to keep the map at is too long");
		return -1;
	}
	if (!access(path, F_OK)) {
		map_err("can't keep the map at %s: it exists already", path);
		return -1;
	}

	name = basename(copy);
	if (strchr(name, '.')) {
		map_err("can't keep the map at %s: bpffs reserves dots in names",
			path);
		return -1;
	}
	snprintf(copy, sizeof(copy), "%s", path);
	if (!bpffs_holds(dirname(copy))) {
		map_err("can't keep the map at %s: not in a bpffs", path);
		return -1;
	}

	return 0;
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

static int open_slot(struct swap_drain *sd)
{
	const struct map_ref *outer = &sd->args.outer;
	__u32 id;
	int err;

	if (bpf_map_lookup_elem(outer->fd, sd->args.key, &id)) {
		if (errno == ENOENT)
			map_err("the slot is empty");
		else
			map_err("can't read the slot: %s", strerror(errno));
		return -1;
	}

	err = map_ref_open(&sd->old, id);
	if (err) {
		map_err("can't open map %u, which is in the slot: %s", id,
			strerror(-err));
		return -1;
	}

	return 0;
}

/* Refused, or with "force" only warned of. Without a state nothing was done
 * so far.
 */
static int not_final(struct swap_drain *sd, const struct map_err_state *state,
		     const struct map_ref *map, const char *why)
{
	static const struct map_err_state untouched = {};

	if (sd->args.force) {
		if (!state)	/* once is enough */
			map_warn("map %u may change while it is drained: %s",
				 map->info.id, why);
		return 0;
	}

	map_err_state(state ? : &untouched,
		      "map %u may change while it is drained: %s; 'force' drains it all the same",
		      map->info.id, why);
	return -1;
}

int swap_check_final(struct swap_drain *sd, const struct map_err_state *state)
{
	const struct map_ref *outer = &sd->args.outer;
	char why[WHY_MAX];
	int ret;

	/* Before the swap, its own slot does not count */
	ret = reach_find(sd->old.info.id, outer, state ? NULL : sd->args.key,
			 why, sizeof(why));
	if (!ret)
		ret = uncovered_find(outer, &sd->old, why, sizeof(why));
	if (ret < 0)
		snprintf(why, sizeof(why), "can't tell who uses it: %s",
			 strerror(-ret));

	return ret ? not_final(sd, state, &sd->old, why) : 0;
}

/* A replacement that a program can reach by another way would not start from
 * what user space put into it.
 */
static int check_given_is_free(struct swap_drain *sd)
{
	__u32 id = sd->new.info.id;
	char why[WHY_MAX];
	int ret;

	ret = swap_left_behind(&sd->journal, id);
	if (ret > 0) {
		map_err("map %u can't be a replacement: a run that failed left it in %s, its content was not printed yet",
			id, sd->journal.base);
		return -1;
	}
	if (ret < 0) {
		map_err("can't read %s: %s", sd->journal.base, strerror(-ret));
		return -1;
	}

	ret = reach_find(id, &sd->args.outer, NULL, why, sizeof(why));
	if (ret < 0)
		snprintf(why, sizeof(why), "can't tell who uses it: %s",
			 strerror(-ret));

	return ret ? not_final(sd, NULL, &sd->new, why) : 0;
}

int swap_prepare(struct swap_drain *sd)
{
	struct swap_args *args = &sd->args;
	int frozen;

	frozen = map_is_frozen(args->outer.fd);
	if (frozen) {
		map_err("can't update map %u: %s", args->outer.info.id,
			frozen < 0 ? strerror(-frozen) : "it is frozen");
		return -1;
	}
	if (check_keep(args->keep))
		return -1;

	sd->provider = map_sync_choose(args->provider, true);
	if (!sd->provider)
		return -1;

	if (swap_journal_open(&sd->journal, args->journal))
		return -1;
	swap_report_left(&sd->journal);

	if (open_slot(sd) || swap_check_old(&sd->old, args))
		return -1;
	if (drain_doc_init(&sd->doc, false, drain_is_typed(&sd->old.info)) ||
	    drain_printer_init(&sd->printer, &sd->doc, &sd->old.info))
		return -1;

	if (args->value.fd < 0) {
		if (swap_create(&sd->new, &sd->old))
			return -1;
	} else {
		sd->new = args->value;
		args->value.fd = -1;
		if (swap_check_given(&sd->new, &sd->old) ||
		    check_given_is_free(sd))
			return -1;
	}

	if (swap_check_final(sd, NULL) ||
	    swap_journal_begin(&sd->journal) ||
	    swap_journal_pin(&sd->journal, &args->outer, &sd->old))
		return -1;
	warn_hash_of_maps(&args->outer);

	return 0;
}
