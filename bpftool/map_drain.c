// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map drain: atomically move the counts of a plain map into a map of our
 * own, print that map, release it.
 *
 *	check --> audit --> pin --> move --> pins_finish()
 *
 * Whatever fails, each count is still in the map, or printed, or pinned at a
 * path that the message names. With "since" the map is left alone, and only what
 * was added since the last reading is printed.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "json_writer.h"
#include "main.h"
#include "map_drain.h"
#include "map_lock.h"
#include "map_pins_finish.h"
#include "map_recover.h"
#include "map_replace.h"
#include "map_signals.h"

/* fds of maps and programs, with those of a mover for offline CPUs */
#define FDS		48

/* Reports */
static int check_last(const struct map_drain *d)
{
	const struct bpf_map_info *m = &d->args.map.info, *l = &d->last.info;
	const char *what = NULL;

	if (strncmp(l->name, "last_", 5))
		return map_err("%s is not a reading of a map, it is map %u (%s)",
			       d->args.since, l->id,
			       *l->name ? l->name : map_type_name(l->type));
	if (strcmp(l->name, d->reading))
		return map_err("%s is a reading of map %s, not of map %u",
			       d->args.since, l->name + 5, m->id);
	if (l->type != map_move_stage_type(m->type))
		what = "type";
	else if (l->key_size != m->key_size)
		what = "key size";
	else if (l->value_size != m->value_size)
		what = "value size";
	else if (l->max_entries != m->max_entries)
		what = "max_entries";

	return what ? map_err("%s is a reading of another map than map %u: its %s differs",
			      d->args.since, m->id, what) : 0;
}

/* Reports, unless this may become the first reading */
static int no_last(const char *path, int err)
{
	struct stat st;

	if ((err == -ENOENT || err == -EPERM) &&
	    drain_check_pin(path, "the reading"))
		return -1;
	if (err == -ENOENT)
		return 0;
	if (err == -EMEDIUMTYPE)
		return map_err("%s is not a reading of a map, nor the pin of a map",
			       path);

	if (err == -EACCES && !stat(path, &st) && S_ISDIR(st.st_mode))
		err = -EISDIR;

	return map_err("can't get the reading at %s: %s", path,
		       err == -EACCES && !bpffs_holds(path) ? "not in a bpffs" :
							      strerror(-err));
}

/* Open the last reading, if there is one. Reports */
static int open_reading(struct map_drain *d)
{
	int err = map_ref_open_pin(&d->last, d->args.since);

	return err ? no_last(d->args.since, err) : check_last(d);
}

/* Checks of the reading that come before anything is created. Reports */
static int check_since(struct map_drain *d)
{
	const char *since = d->args.since;

	if (!since)
		return 0;
	if (strlen(since) >= 5 && !strcmp(since + strlen(since) - 5, "_next"))
		return map_err("%s can't be a reading: '_next' is added to another's name",
			       since);
	snprintf(d->reading, sizeof(d->reading), "last_%u", d->args.map.info.id);
	if (snprintf(d->next, sizeof(d->next), "%s_next", since) >=
	    (int)sizeof(d->next))
		return map_err("can't pin the reading at %s_next: %s", since,
			       strerror(ENAMETOOLONG));
	if (d->args.journal && !strcmp(since, d->args.journal))
		return map_err("%s can't be the reading and the journal", since);

	return open_reading(d);
}

/* Get the last reading, and lock it against other runs until it is replaced. Reports. */
static int open_last(struct map_drain *d)
{
	__u32 id = 0;

	for (;;) {
		map_ref_close(&d->last);
		if (open_reading(d))
			return -1;
		if (d->last.fd < 0 || d->last.info.id == id)
			return 0;

		id = d->last.info.id;
		map_unlock(&d->last_lock);
		d->last_lock = map_lock(id, d->args.force);
		if (d->last_lock < 0)
			return -1;
	}
}

/* Reports */
static int pin_now(const struct map_drain *d)
{
	struct map_ref old;

	if (!map_ref_open_pin(&old, d->next)) {
		/* Left by a killed run, unless it is not a reading of ours */
		if (!strcmp(old.info.name, d->reading))
			unlink(d->next);
		map_ref_close(&old);
	}

	return bpf_obj_pin(d->now.fd, d->next) ?
		       map_err("can't pin the reading at %s: %s", d->next,
			       strerror(errno)) : 0;
}

/* Only if the differences were written (@out). Reports */
static int replace_last(const struct map_drain *d, bool out)
{
	int err = 0;

	if (out && rename(d->next, d->args.since)) {
		err = map_err_stderr("can't replace %s: %s; %s", d->args.since,
				     strerror(errno),
				     "the next run prints the same counts again");
		out = false;
	}
	if (!out)
		unlink(d->next);

	return err;
}

/* Create the maps that the mover fills. Reports */
static int create_maps(struct map_drain *d)
{
	struct map_ref like = d->args.map, stage;

	/* These only say who may use the map, or where it lies */
	like.info.map_flags &= ~(BPF_F_NUMA_NODE | BPF_F_RDONLY |
				 BPF_F_WRONLY_PROG | BPF_F_NO_COMMON_LRU);
	like.info.type = map_move_stage_type(like.info.type);
	if (like.info.type != d->args.map.info.type)
		like.info.map_extra = 0;
	if (d->args.since) {
		memcpy(like.info.name, d->reading, sizeof(d->reading));
		if (map_create_like(&d->now, &like) || pin_now(d)) {
			map_ref_close(&d->now);	/* so that another's pin stays */
			return -1;
		}
	}
	/* Not the map's own name, by which another run may look for the map */
	snprintf(like.info.name, sizeof(like.info.name), "stage%u",
		 d->args.map.info.id);
	if (map_create_like(&stage, &like))
		return -1;
	if (!pins_add(&d->pins, &stage, d->args.map.info.id, PIN_MOVED)) {
		map_ref_close(&stage);
		return map_err("mem alloc failed");
	}
	if (pins_prepare(&d->pins))
		return -1;

	/* Nothing is taken out of the map, so a recovery has nothing to print */
	if (d->args.since)
		return 0;
	return map_journal_begin(&d->journal) || pins_pin(&d->pins) ? -1 : 0;
}

/* Reports */
static int open_mover(struct map_drain *d)
{
	const struct map_move_opts opts = {
		.map = &d->args.map,
		.stage = &d->pins.pins[0].map,
		.bytes = d->audit.bytes,
		.sizes = d->audit.sizes,
		.since = d->args.since,
		.last = d->last.fd < 0 ? NULL : &d->last,
		.now = &d->now,
		.verbose = verifier_logs,
	};
	char why[256] = "";
	int err;

	err = map_move_open(&d->mover, &opts, why, sizeof(why));

	return err ? map_err("can't load the programs that read map %u: %s",
			     d->args.map.info.id, *why ? why : strerror(-err)) :
		     0;
}

/* Reports */
static int move(struct map_drain *d)
{
	struct map_place at = pins_place(&d->pins);
	__u32 id = d->args.map.info.id;
	int err;

	if (!d->args.since)
		map_signals_at(&at);
	err = map_move_run(d->mover, &d->result);
	map_move_close(d->mover);
	d->mover = NULL;
	if (!d->args.since && d->result.moved) {
		d->at = at;
	} else {
		map_signals_end();
		pins_unpin(&d->journal, &d->pins.pins[0]);
	}

	if (err)
		return map_err_at(&d->at,
				  "can't read all values of map %u: %s%s", id,
				  strerror(-err),
				  d->args.since ? "" : "; the others are still in it");
	if (d->args.since && d->result.left) {
		map_err("no memory for %llu values of map %u; nothing was printed, %s is unchanged",
			d->result.left, id, d->args.since);
		return -1;
	}
	if (d->result.shrank)
		map_warn("%llu counters of map %u are smaller than at the last reading, and are printed as they are",
			 d->result.shrank, id);
	if (d->result.unsure)
		map_warn("a CPU came online while its values were moved: a plain add at that moment may be lost");

	return map_drain_audit_again(d);
}

/* Report what could not be moved; returns -1 if there is anything */
static int report_left(const struct map_drain *d)
{
	__u32 id = d->args.map.info.id;

	if (d->result.lost)
		map_err_stderr("%llu elements taken out of map %u are lost: no capacity for them",
			       d->result.lost, id);
	else if (d->result.left)
		map_err_stderr("no memory to move %llu values: they are still in map %u",
			       d->result.left, id);

	return d->result.lost || d->result.left ? -1 : 0;
}

/* Entries whose counters are all zero are not printed */
static bool is_zero(const void *key, const void *value, void *ctx)
{
	const struct map_drain *d = ctx;
	__u32 i, size = d->args.map.info.value_size, step = (size + 7) / 8 * 8;
	size_t at, all = map_value_bytes(&d->args.map.info);

	for (at = 0; at < all; at += step)
		for (i = 0; i < size; i++)
			if (d->audit.bytes[i] &&
			    ((const __u8 *)value)[at + i])
				return false;

	return true;
}

static void print_summary(void *ctx)
{
	const struct map_drain *d = ctx;
	const struct bpf_map_info *info = &d->args.map.info;
	const struct map_move_result *r = &d->result;
	unsigned long long bytes = r->moved * info->value_size;

	if (!json_output) {
		printf("map %u: %llu values, %llu bytes %s (%s)\n", info->id,
		       r->moved, bytes,
		       d->args.since ? "changed" : "moved", r->mover);
		return;
	}
	jsonw_start_object(json_wtr);
	jsonw_uint_field(json_wtr, "id", info->id);
	jsonw_string_field(json_wtr, "type", map_type_name(info->type));
	if (*info->name)
		jsonw_string_field(json_wtr, "name", info->name);
	jsonw_string_field(json_wtr, "mover", r->mover);
	jsonw_uint_field(json_wtr, "moved", r->moved);
	jsonw_uint_field(json_wtr, "bytes", bytes);
	jsonw_uint_field(json_wtr, "left", r->left);
	jsonw_uint_field(json_wtr, "shrank", r->shrank);
	jsonw_end_object(json_wtr);
}

/* Reports */
static int drain(struct map_drain *d)
{
	int err;

	/* Another run's mover would be taken for a user of the map */
	d->lock = map_lock(d->args.map.info.id, d->args.force);
	if (d->lock < 0)
		return -1;
	err = (d->args.since && open_last(d)) || map_drain_audit(d) ||
	      create_maps(d) || open_mover(d) || move(d) ? -1 : 0;
	/* Without a last reading nothing else keeps a second run off FILE */
	if (!d->args.since || d->last.fd >= 0)
		map_unlock(&d->lock);

	if (!err)
		err = pins_finish(&d->pins);
	else
		map_signals_block();
	if (err && !d->at.pinned && d->pins.nr)
		pins_unpin(&d->journal, &d->pins.pins[0]);
	if (d->args.since && d->now.fd >= 0)
		err = replace_last(d, !err) ? -1 : err;
	map_journal_end(&d->journal);
	map_signals_end();

	return report_left(d) || err ? -1 : 0;
}

static void free_all(struct map_drain *d)
{
	map_move_close(d->mover);
	map_ref_close(&d->last);
	map_ref_close(&d->now);
	map_unlock(&d->lock);
	map_unlock(&d->last_lock);
	map_audit_free(&d->audit);
	pins_free(&d->pins);
	drain_args_free(&d->args);
}

int do_map_drain(int argc, char **argv)
{
	struct drain_signals before;
	struct map_drain d = {
		.journal.run_fd = -1,
		.lock = -1,
		.last_lock = -1,
		.last.fd = -1,
		.now.fd = -1,
		.pins.ctx = &d,
	};
	int err;

	if (drain_begin("drain", &before))
		return -1;

	err = drain_args(&d.args, argc, argv) || map_allow_fds(FDS) ||
	      map_drain_check(&d.args) ||
	      drain_check_pin(d.args.keep, "the map") || check_since(&d) ||
	      map_journal_open(&d.journal, d.args.journal) ? -1 : 0;
	if (!err) {
		map_report_orphans(&d.journal);
		set_max_rlimit();
		d.pins.journal = &d.journal;
		d.pins.all_or_none = true;
		d.pins.force = d.args.force;
		d.pins.keep = d.args.keep;
		d.pins.summary = d.args.quiet ? print_summary : NULL;
		d.pins.skip = drain_how(d.args.map.info.type) == DRAIN_BY_POP ?
				      NULL : is_zero;
		err = drain(&d);
	}
	free_all(&d);

	return drain_end(err, &before);
}
