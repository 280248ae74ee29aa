// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map drain: what programs do with the map, and whether moving its values
 * is exact
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <zlib.h>

#include <linux/kernel.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_drain.h"
#include "map_replace.h"

/* Does a file, which may be compressed, contain a text in one line? */
static bool file_says(const char *path, const char *text)
{
	void *f = gzopen(path, "re");
	char line[4096];
	bool found = false;

	while (f && !found && gzgets(f, line, sizeof(line)))
		found = strstr(line, text);
	if (f)
		gzclose(f);

	return found;
}

/* The kernel's preemption: RT, full, lazy, voluntary, none, or NULL if not known */
static const char *preemption(void)
{
	static const char * const modes[] = {
		"full", "lazy", "voluntary", "none",
	};
	static const char * const configs[] = {
		"CONFIG_PREEMPT=y", "CONFIG_PREEMPT_LAZY=y",
		"CONFIG_PREEMPT_VOLUNTARY=y", "CONFIG_PREEMPT_NONE=y",
	};
	struct utsname uts;
	unsigned int i;
	char text[160];

	if (uname(&uts))
		return NULL;
	if (strstr(uts.version, "PREEMPT_RT") ||
	    file_says("/sys/kernel/realtime", "1"))
		return "RT";
	/* Such as "none voluntary (full) lazy" */
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		snprintf(text, sizeof(text), "(%s)", modes[i]);
		if (file_says("/sys/kernel/debug/sched/preempt", text))
			return modes[i];
	}
	if (!strstr(uts.version, "PREEMPT"))
		return "none";
	if (!strstr(uts.version, "PREEMPT_DYNAMIC"))
		return strstr(uts.version, "PREEMPT_LAZY") ? "lazy" : "full";

	/* Chosen at boot, else the default it was built with */
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		snprintf(text, sizeof(text), "preempt=%s", modes[i]);
		if (file_says("/proc/cmdline", text))
			return modes[i];
	}
	snprintf(text, sizeof(text), "/boot/config-%s", uts.release);
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		if (file_says("/proc/config.gz", configs[i]) ||
		    file_says(text, configs[i]))
			return modes[i];

	return NULL;
}

/* These run with softirqs off, so they can't be preempted, except on PREEMPT_RT */
static bool runs_in_softirq(__u32 prog_type)
{
	return prog_type == BPF_PROG_TYPE_SCHED_CLS ||
	       prog_type == BPF_PROG_TYPE_SCHED_ACT ||
	       prog_type == BPF_PROG_TYPE_XDP;
}

/* What sleeps lets threads run, whatever the preemption. If so, @why gets the reason */
static bool may_sleep(const struct map_drain *d, const struct map_finding *f, char *why,
		      size_t size)
{
	int ret = map_users_prog_sleeps(d->pins.users, f->prog_id, d->args.map.info.id);

	if (ret < 0)
		snprintf(why, size,
			 ", and whether the program can sleep in the middle of it is not known: %s",
			 strerror(-ret));
	else if (ret)
		snprintf(why, size, ", and the program can sleep in the middle of it");

	return ret;
}

/* Can a thread, such as ours, interrupt a program's plain add to its CPU's value?
 * If so, @why gets the reason.
 */
static bool can_be_cut(const struct map_drain *d, const struct map_finding *f, char *why,
		       size_t size)
{
	const char *mode = preemption();

	if (mode && (!strcmp(mode, "none") || !strcmp(mode, "voluntary") ||
		     (strcmp(mode, "RT") && runs_in_softirq(f->prog_type))))
		return may_sleep(d, f, why, size);
	if (mode)
		snprintf(why, size,
			 ", and with this kernel's preemption (%s) a thread can run in the middle of it",
			 mode);
	else
		snprintf(why, size,
			 ", and whether a thread can run in the middle of it is not known: neither debugfs nor the kernel's configuration shows its preemption");

	return true;
}

static bool is_plain(const struct map_finding *f)
{
	return f->kind == MAP_FINDING_PLAIN || f->kind == MAP_FINDING_OTHER_CPU;
}

/* Is a finding harmless? If not, @why adds to the message */
static bool is_harmless(const struct map_drain *d, const struct map_finding *f,
			char *why, size_t size)
{
	*why = '\0';
	if (!is_plain(f))
		return false;
	if (d->args.since)
		return true;
	if (f->kind == MAP_FINDING_OTHER_CPU)
		return false;

	return map_is_percpu(d->args.map.info.type) && !can_be_cut(d, f, why, size);
}

/* @why, and what helps beside force. Reports */
static int not_exact(const struct map_drain *d, const char *why, const char *instead)
{
	__u32 id = d->args.map.info.id;

	if (!d->args.force && d->at.pinned)
		return map_err_at(&d->at, "map %u may not have been drained exactly: %s",
				  id, why);
	if (!d->args.force)
		return map_err("can't drain map %u exactly: %s; %s" ANYWAY, id,
			       why, instead);
	map_warn("map %u may not be drained exactly: %s", id, why);

	return 0;
}

/* Reports */
static int check_split(const struct map_drain *d)
{
	char text[160];

	if (d->audit.split < 0)
		return 0;
	snprintf(text, sizeof(text),
		 "the integer at byte %lld of its values is not aligned, or has more than 8 bytes: it can't be moved or read whole",
		 (long long)d->audit.split);

	return not_exact(d, text, "");
}

/* Counters that can't be moved, with force or without. Reports */
static int check_words(const struct map_drain *d)
{
	const struct map_finding *f = d->audit.findings;
	unsigned int i = 0;

	while (i < d->args.map.info.value_size &&
	       map_move_counter_bytes(d->audit.bytes + i) % 4 == 0)
		i += 4;
	if (i >= d->args.map.info.value_size)
		return 0;
	for (i = 0; i < d->audit.nr_findings; i++, f++)
		if (f->kind == MAP_FINDING_NARROW)
			return map_err_at(&d->at, "can't drain map %u: %s: %s (program %u %s)",
					  d->args.map.info.id, f->where, f->what,
					  f->prog_id, f->prog_name);

	return 0;
}

/* Reports */
static int check_findings(struct map_drain *d)
{
	const struct map_finding *f = d->audit.findings;
	char why[256], text[1024];
	unsigned int i;

	if (check_words(d))
		return -1;
	for (i = 0; i < d->audit.nr_findings; i++, f++) {
		if (is_harmless(d, f, why, sizeof(why)))
			continue;
		snprintf(text, sizeof(text), "%s: %s%s (program %u %s)",
			 f->where, f->what, why, f->prog_id, f->prog_name);
		if (not_exact(d, text, is_plain(f) ?
			      "'since FILE' reads such counters exactly; " : ""))
			return -1;
	}

	return 0;
}

/* Programs that find the map in a map-in-map are not among its users. Reports */
static int check_not_inner(const struct map_drain *d)
{
	__u32 outer_id, map_id = d->args.map.info.id;
	int ret;

	ret = map_users_in_slot(d->pins.users, map_id, &outer_id);
	if (d->args.force) {
		if (ret > 0)
			map_warn("map %u may not be drained exactly: it is in a slot of map %u, whose programs are not audited",
				 map_id, outer_id);
		return 0;
	}
	if (ret < 0)
		return map_err_at(&d->at, "can't tell whether map %u is in a slot of map %u: %s; "
				  ANYWAY, map_id, outer_id, strerror(-ret));
	if (ret) {
		map_err_at(&d->at,
			   "map %u is in a slot of map %u, whose programs are not audited; use 'bpftool map swap-drain', "
			   ANYWAY, map_id, outer_id);
		return -1;
	}

	return 0;
}

/* Reports */
static int cant_tell(const struct map_drain *d, int err)
{
	return map_err_at(&d->at, "can't tell what programs do with map %u: %s",
			  d->args.map.info.id, strerror(-err));
}

static bool is_mover(const char *prog_name)
{
	static const char * const movers[] = {
		"move_each", "move_cpu", "move_iter", "move_pop",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(movers); i++)
		if (!strcmp(prog_name, movers[i]))
			return true;

	return false;
}

/* The program of an iterator over the map may write to its values. Reports */
static int check_no_iterator(struct map_drain *d)
{
	__u32 id = d->args.map.info.id;
	char why[MAP_USERS_WHY];
	const char *prog_name;
	int tries = 0, err;

	for (;;) {
		prog_name = map_users_iterator(d->pins.users, id, why);
		if (!prog_name)
			return 0;
		if (!is_mover(prog_name) || !map_users_wait(&tries))
			return not_exact(d, why, "");
		err = map_users_take(&d->pins.users);
		if (err)
			return cant_tell(d, err);
	}
}

static int audit_prog(const struct bpf_prog_info *info, void *ctx)
{
	struct map_drain *d = ctx;
	int err = map_audit_prog(&d->audit, info->id,
				 info->type == BPF_PROG_TYPE_EXT);

	return err == -ENOENT ? 0 : err;	/* it is gone */
}

/* Reports */
static int take_counters(struct map_drain *d)
{
	const char *bad = "";
	int err;

	if (!d->args.counters)
		return 0;
	err = map_audit_counters(&d->audit, d->args.counters, &bad);
	if (err == -EINVAL) {
		map_err("'%s' does not name counters of map %u: expected members of its values, or bytes as 0-7, in whole words of 4 bytes",
			bad, d->args.map.info.id);
		return -1;
	}
	if (err == -ENOENT)
		return map_err("'%s' can't be found: map %u has no BTF; name bytes, as 0-7",
			       bad, d->args.map.info.id);

	return err ? map_err("mem alloc failed") : 0;
}

/* Reports */
static int audit(struct map_drain *d)
{
	const struct bpf_map_info *info = &d->args.map.info;
	int err;

	err = map_users_take(&d->pins.users) ? :
	      map_audit_init(&d->audit, &d->args.map) ? :
	      map_users_each_prog(d->pins.users, info->id, audit_prog, d);
	if (err)
		return cant_tell(d, err);
	if (check_not_inner(d) || take_counters(d))
		return -1;
	err = map_audit_finish(&d->audit);

	return err ? map_err_at(&d->at, "can't follow the programs that have map %u: %s",
				info->id, strerror(-err)) : 0;
}

static bool has_mover(const struct map_audit *a)
{
	unsigned int i;

	for (i = 0; i < a->nr_findings; i++)
		if (is_mover(a->findings[i].prog_name))
			return true;

	return false;
}

/* Reports */
static int audit_without_movers(struct map_drain *d)
{
	int tries = 0;

	for (;;) {
		if (audit(d))
			return -1;
		if (!has_mover(&d->audit) || !map_users_wait(&tries))
			return check_no_iterator(d);
		map_audit_free(&d->audit);
	}
}

int map_drain_audit(struct map_drain *d)
{
	const struct bpf_map_info *info = &d->args.map.info;

	if (drain_how(info->type) == DRAIN_BY_POP)
		return 0;
	if (audit_without_movers(d))
		return -1;

	map_audit_each_line(&d->audit, map_debug);
	if (!memchr(d->audit.bytes, MAP_BYTE_COUNTER, info->value_size) &&
	    !memchr(d->audit.bytes, MAP_BYTE_PLAIN, info->value_size) &&
	    !d->audit.nr_findings) {
		map_err("no program adds to values of map %u: name its counters with 'counters LIST'",
			info->id);
		return -1;
	}

	return check_findings(d) || check_split(d) ? -1 : 0;
}

static int is_new(const struct bpf_prog_info *info, void *ctx)
{
	const struct map_drain *d = ctx;

	return !map_audit_has_prog(&d->audit, info->id);
}

/* Programs that were unloaded don't matter: they were audited before. Reports */
static int check_bytes(const struct map_drain *d, const struct map_audit *first)
{
	__u32 i;

	for (i = 0; i < d->args.map.info.value_size; i++)
		if (d->audit.bytes[i] && !first->bytes[i])
			return map_err_at(&d->at,
					  "map %u may not have been drained exactly: a program was loaded that counts in other bytes",
					  d->args.map.info.id);

	return 0;
}

int map_drain_audit_again(struct map_drain *d)
{
	struct map_audit first;
	int ret;

	if (drain_how(d->args.map.info.type) == DRAIN_BY_POP || d->args.force)
		return 0;
	ret = map_users_take(&d->pins.users) ? :
	      map_users_each_prog(d->pins.users, d->args.map.info.id, is_new, d);
	if (ret < 0)
		return cant_tell(d, ret);
	if (!ret)
		return check_not_inner(d) || check_no_iterator(d) ? -1 : 0;

	first = d->audit;
	memset(&d->audit, 0, sizeof(d->audit));
	ret = audit_without_movers(d) || check_findings(d) ||
	      check_bytes(d, &first) ? -1 : 0;
	map_audit_free(&d->audit);
	/* Print by the audit that the move went by */
	d->audit = first;

	return ret;
}
