// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map drain: which maps are drained, and whether that is exact */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <linux/kernel.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "main.h"
#include "map_drain.h"
#include "map_replace.h"

#define ANYWAY	"'force' drains it anyway"

/* A second in all */
#define MOVER_TRIES	50
#define MOVER_PAUSE_MS	20

/* A field in which the kernel keeps something of its own, as "bpf_timer"; NULL if
 * there is none
 */
static const char *special_field(const struct btf *btf, __u32 id, int depth)
{
	static const char * const kernels[] = {
		"bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer", "bpf_wq",
		"bpf_task_work", "bpf_rcu_head", "bpf_list_head",
		"bpf_list_node", "bpf_rb_root", "bpf_rb_node", "bpf_refcount",
		"bpf_dynptr",
	};
	const struct btf_type *t = btf__type_by_id(btf, id);
	const char *name = t ? btf__name_by_offset(btf, t->name_off) : NULL;
	const struct btf_var_secinfo *var;
	const struct btf_member *m;
	const char *found = NULL;
	__u32 i;

	if (!name || depth > 32)
		return NULL;
	switch (btf_kind(t)) {
	case BTF_KIND_TYPE_TAG:
		return strstr(name, "kptr") || !strcmp(name, "uptr") ? name : NULL;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_VAR:
		return special_field(btf, t->type, depth + 1);
	case BTF_KIND_PTR:
		/* Only what is tagged there counts, not what it points to */
		t = btf__type_by_id(btf, t->type);
		return t && btf_kind(t) == BTF_KIND_TYPE_TAG ?
			       btf__name_by_offset(btf, t->name_off) : NULL;
	case BTF_KIND_ARRAY:
		return special_field(btf, btf_array(t)->type, depth + 1);
	case BTF_KIND_DATASEC:
		var = btf_var_secinfos(t);
		for (i = 0; !found && i < btf_vlen(t); i++)
			found = special_field(btf, var[i].type, depth + 1);
		return found;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (i = 0; i < ARRAY_SIZE(kernels); i++)
			if (!strcmp(name, kernels[i]))
				return kernels[i];
		m = btf_members(t);
		for (i = 0; !found && i < btf_vlen(t); i++)
			found = special_field(btf, m[i].type, depth + 1);
		return found;
	default:
		return NULL;
	}
}

/* Reports */
static int check_fields(const struct bpf_map_info *info)
{
	const char *field;
	struct btf *btf;
	int err = 0;

	if (!info->btf_id || !info->btf_value_type_id)
		return 0;
	btf = btf__load_from_kernel_by_id(info->btf_id);
	if (!btf)
		return map_err("can't get the BTF of map %u: %s", info->id,
			       strerror(errno));
	field = special_field(btf, info->btf_value_type_id, 0);
	if (field)
		err = map_err("values of map %u hold a %s, which can't be moved",
			      info->id, field);
	btf__free(btf);

	return err;
}

static const char *type_problem(const struct drain_args *args)
{
	__u32 type = args->map.info.type;

	if (drain_how(type) == DRAIN_NOT)
		return "which can't be read out";
	if (type == BPF_MAP_TYPE_LPM_TRIE)
		return "whose values can't be exchanged";
	if (drain_how(type) == DRAIN_BY_POP && args->since)
		return "its elements are moved out: they can't be read again 'since FILE'";
	if (drain_how(type) == DRAIN_BY_POP && args->counters)
		return "its elements are moved out: they have no counters";

	return NULL;
}

static bool is_lru(__u32 type)
{
	return type == BPF_MAP_TYPE_LRU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

int map_drain_check(const struct drain_args *args)
{
	const struct bpf_map_info *info = &args->map.info;
	const char *why = type_problem(args);
	int frozen;

	if (why)
		return map_err("map %u is a %s, %s", info->id,
			       map_type_name(info->type), why);
	if (is_lru(info->type) && !args->force) {
		map_err("map %u is a %s: the kernel gives its elements to other keys at any moment, and counts are lost with them; "
			ANYWAY, info->id, map_type_name(info->type));
		return -1;
	}
	if (is_lru(info->type))
		map_warn("map %u is a %s: counts of elements that the kernel gives to other keys are lost",
			 info->id, map_type_name(info->type));
	if (drain_how(info->type) != DRAIN_BY_POP && info->value_size % 4) {
		map_err("values of map %u have %u bytes, which is not a multiple of 4: they can't be exchanged word by word",
			info->id, info->value_size);
		return -1;
	}
	if (info->map_flags & BPF_F_RDONLY_PROG) {
		map_err("programs can't write to map %u (BPF_F_RDONLY_PROG): they count nothing in it",
			info->id);
		return -1;
	}
	frozen = map_is_frozen(args->map.fd);
	if (frozen)
		return map_err("map %u can't be drained: %s", info->id,
			       frozen < 0 ? strerror(-frozen) : "it is frozen");

	return check_fields(info);
}

/* The first line that has a text in it, of a file that may be compressed */
static bool file_says(const char *path, const char *text, char *line, int size)
{
	void *f = gzopen(path, "re");
	bool found = false;

	while (f && !found && gzgets(f, line, size))
		found = strstr(line, text);
	if (f)
		gzclose(f);
	if (found)
		line[strcspn(line, "\n")] = '\0';

	return found;
}

/* Which preemption this kernel has: RT, full, lazy, voluntary, none, or NULL */
static const char *preemption(void)
{
	static const char * const modes[] = {
		"full", "lazy", "voluntary", "none",
	};
	static const char * const configs[] = {
		"CONFIG_PREEMPT=y", "CONFIG_PREEMPT_LAZY=y",
		"CONFIG_PREEMPT_VOLUNTARY=y", "CONFIG_PREEMPT_NONE=y",
	};
	char line[4096], text[160];
	struct utsname uts;
	unsigned int i;

	if (uname(&uts))
		return NULL;
	if (strstr(uts.version, "PREEMPT_RT") ||
	    file_says("/sys/kernel/realtime", "1", line, sizeof(line)))
		return "RT";
	/* "none voluntary (full) lazy" */
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		snprintf(text, sizeof(text), "(%s)", modes[i]);
		if (file_says("/sys/kernel/debug/sched/preempt", text, line,
			      sizeof(line)))
			return modes[i];
	}
	if (!strstr(uts.version, "PREEMPT"))
		return "none";
	if (!strstr(uts.version, "PREEMPT_DYNAMIC"))
		return strstr(uts.version, "PREEMPT_LAZY") ? "lazy" : "full";

	/* Chosen at boot, else the default it was built with */
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		snprintf(text, sizeof(text), "preempt=%s", modes[i]);
		if (file_says("/proc/cmdline", text, line, sizeof(line)))
			return modes[i];
	}
	snprintf(text, sizeof(text), "/boot/config-%s", uts.release);
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		if (file_says("/proc/config.gz", configs[i], line, sizeof(line)) ||
		    file_says(text, configs[i], line, sizeof(line)))
			return modes[i];

	return NULL;
}

/* These run with softirqs off, and so without preemption but on PREEMPT_RT */
static bool runs_in_softirq(__u32 prog_id)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd, err;

	fd = bpf_prog_get_fd_by_id(prog_id);
	if (fd < 0)
		return false;
	err = bpf_obj_get_info_by_fd(fd, &info, &len);
	close(fd);

	return !err && (info.type == BPF_PROG_TYPE_SCHED_CLS ||
			info.type == BPF_PROG_TYPE_SCHED_ACT ||
			info.type == BPF_PROG_TYPE_XDP);
}

/* Can a thread, such as ours, come between the halves of a plain add of a program
 * to its CPU's value? Then @why tells.
 */
static bool can_be_cut(const struct map_finding *f, char *why, size_t size)
{
	const char *mode = preemption();

	if (mode && (!strcmp(mode, "none") || !strcmp(mode, "voluntary")))
		return false;
	if (mode && strcmp(mode, "RT") && runs_in_softirq(f->prog_id))
		return false;
	if (mode)
		snprintf(why, size,
			 ", and with this kernel's preemption (%s) a thread can run in the middle of it",
			 mode);
	else
		snprintf(why, size,
			 ", and whether a thread can run in the middle of it can't be told: neither debugfs nor the kernel's configuration tells its preemption");

	return true;
}

/* Is what was found no reason to refuse? Otherwise @why is what else to say */
static bool is_harmless(const struct map_drain *d, const struct map_finding *f,
			char *why, size_t size)
{
	*why = '\0';
	if (f->kind != MAP_FINDING_PLAIN)
		return false;
	if (d->args.since)
		return true;

	return map_is_percpu(&d->args.map.info) && !can_be_cut(f, why, size);
}

/* Reports */
static int check_findings(struct map_drain *d)
{
	const struct map_finding *f = d->audit.findings;
	char why[256], text[1024];
	unsigned int i;

	for (i = 0; i < d->audit.nr_findings; i++, f++) {
		if (is_harmless(d, f, why, sizeof(why)))
			continue;
		snprintf(text, sizeof(text), "%s: %s%s (program %u %s)",
			 f->where, f->what, why, f->prog_id, f->prog_name);
		if (!d->args.force)
			return map_err("can't drain map %u exactly: %s; %s"
				       ANYWAY, d->args.map.info.id, text,
				       f->kind == MAP_FINDING_PLAIN ?
				       "'since FILE' reads such counters exactly; " :
				       "");
		map_warn("map %u may not be drained exactly: %s",
			 d->args.map.info.id, text);
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
			map_warn("map %u may not be drained exactly: it is in a slot of map %u, and what its programs do is not looked at",
				 map_id, outer_id);
		return 0;
	}
	if (ret < 0)
		return map_err("can't tell whether map %u is in a slot of map %u: %s; "
			       ANYWAY, map_id, outer_id, strerror(-ret));
	if (ret) {
		map_err("map %u is in a slot of map %u, and what its programs do is not looked at; use 'bpftool map swap-drain', "
			ANYWAY, map_id, outer_id);
		return -1;
	}

	return 0;
}

static int audit_prog(const struct bpf_prog_info *info, void *ctx)
{
	int err = info->type == BPF_PROG_TYPE_EXT ?
			  map_audit_ext(ctx, info->id) :
			  map_audit_prog(ctx, info->id);

	return err == -ENOENT ? 0 : err;	/* it is gone */
}

static void say_line(const char *line)
{
	map_debug("%s", line);
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
	      map_users_each_prog(d->pins.users, info->id, audit_prog,
				  &d->audit);
	if (err)
		return map_err("can't tell what programs do with map %u: %s",
			       info->id, strerror(-err));
	if (check_not_inner(d) || take_counters(d))
		return -1;
	d->audit.inner = false;
	err = map_audit_finish(&d->audit);

	return err ? map_err("can't follow the programs that have map %u: %s",
			     info->id, strerror(-err)) : 0;
}

/* A program that moved values for a run that was killed, or that another process
 * holds while it looks at all programs, is gone in a moment
 */
static bool has_mover(const struct map_audit *a)
{
	static const char * const movers[] = {
		"move_each", "move_cpu", "move_iter", "move_pop",
	};
	unsigned int i, j;

	for (i = 0; i < a->nr_findings; i++)
		for (j = 0; j < ARRAY_SIZE(movers); j++)
			if (!strcmp(a->findings[i].prog_name, movers[j]))
				return true;

	return false;
}

int map_drain_audit(struct map_drain *d)
{
	const struct timespec pause = { .tv_nsec = MOVER_PAUSE_MS * 1000000L };
	const struct bpf_map_info *info = &d->args.map.info;
	int tries;

	if (drain_how(info->type) == DRAIN_BY_POP)
		return 0;

	for (tries = 0; tries < MOVER_TRIES; tries++) {
		if (audit(d))
			return -1;
		if (!has_mover(&d->audit))
			break;
		nanosleep(&pause, NULL);
		map_audit_free(&d->audit);
		memset(&d->audit, 0, sizeof(d->audit));
	}
	if (tries == MOVER_TRIES && audit(d))
		return -1;

	map_audit_each_line(&d->audit, say_line);
	if (!memchr(d->audit.bytes, MAP_BYTE_COUNTER, info->value_size) &&
	    !memchr(d->audit.bytes, MAP_BYTE_PLAIN, info->value_size) &&
	    !d->audit.nr_findings) {
		map_err("no program adds to values of map %u: name its counters with 'counters LIST'",
			info->id);
		return -1;
	}

	return check_findings(d);
}
