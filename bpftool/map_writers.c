// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The audit of a map's writers: the programs, the classes of bytes, the findings */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "main.h"
#include "map_ref.h"
#include "map_writers_walk.h"
#include "xlated_dumper.h"

__u32 audit_map_id(const struct map_audit *a)
{
	return a->map->info.id;
}

__u32 audit_value_size(const struct map_audit *a)
{
	return a->map->info.value_size;
}

const struct known_map *audit_map(struct map_audit *a, __u32 id)
{
	struct map_audit_state *st = a->state;
	struct map_ref map = { .fd = -1 };
	struct known_map *known;
	unsigned int i;

	if (id == REGION_ANY || id >= REGION_INNER)
		return &st->maps[0];
	for (i = 0; i < st->nr_maps; i++)
		if (st->maps[i].id == id)
			return &st->maps[i];
	if (i < NR_KNOWN_MAPS)
		st->nr_maps++;
	else
		i--;
	known = &st->maps[i];
	known->id = id;
	known->type = BPF_MAP_TYPE_UNSPEC;
	known->value_size = NR_SLOTS * 8;
	if (!map_ref_open(&map, id, BPF_F_RDONLY)) {
		known->type = map.info.type;
		known->value_size = map.info.value_size;
	}
	map_ref_close(&map);
	return known;
}

bool audit_leaked(const struct map_audit *a, __u32 region)
{
	const struct map_audit_state *st = a->state;
	unsigned int i;

	for (i = 0; i < st->nr_leaks; i++)
		if (st->leaks[i] == region || region == REGION_ANY ||
		    st->leaks[i] == REGION_ANY)
			return true;
	return false;
}

void audit_leak(struct map_audit *a, __u32 region)
{
	struct map_audit_state *st = a->state;
	unsigned int i;

	for (i = 0; i < st->nr_leaks; i++)
		if (st->leaks[i] == region || st->leaks[i] == REGION_ANY)
			return;
	if (st->nr_leaks == NR_KNOWN_MAPS)
		st->leaks[NR_KNOWN_MAPS - 1] = REGION_ANY;
	else
		st->leaks[st->nr_leaks++] = region;
}

/* What is reported */

/* "flows.bpf.c:42: c->packets += 1", or which instruction */
static char *where_of(const struct map_audit_prog *p, unsigned int insn)
{
	const struct bpf_line_info *line = NULL;
	const char *file, *text, *slash;
	char *where;
	int n;

	if (p->linfo)
		line = bpf_prog_linfo__lfind(p->linfo, insn, 0);
	if (line && p->btf) {
		file = btf__name_by_offset(p->btf, line->file_name_off) ?: "";
		text = btf__name_by_offset(p->btf, line->line_off) ?: "";
		slash = strrchr(file, '/');
		n = asprintf(&where, "%s:%u: %s", slash ? slash + 1 : file,
			     BPF_LINE_INFO_LINE_NUM(line->line_col),
			     text + strspn(text, " \t"));
	} else {
		n = asprintf(&where, "instruction %u", insn);
	}
	return n < 0 ? NULL : where;
}

void audit_finding(struct map_audit *a, struct map_audit_prog *p, unsigned int insn,
		   enum map_finding_kind kind, const char *fmt, ...)
{
	struct map_finding *f;
	unsigned int i;
	va_list ap;

	for (i = 0; i < a->nr_findings; i++) {
		f = &a->findings[i];
		if (f->prog_id == p->id && f->prog_name == p->name &&
		    f->insn == insn && f->kind == kind)
			return;
	}
	f = realloc(a->findings, (a->nr_findings + 1) * sizeof(*f));
	if (!f) {
		a->state->no_memory = true;
		return;
	}
	a->findings = f;
	f += a->nr_findings;
	f->kind = kind;
	f->prog_id = p->id;
	f->prog_name = p->name;
	f->insn = insn;
	f->where = where_of(p, insn);
	va_start(ap, fmt);
	if (vasprintf(&f->what, fmt, ap) < 0)
		f->what = NULL;
	va_end(ap);
	a->nr_findings++;
	if (!f->where || !f->what)
		a->state->no_memory = true;
}

static bool covers(const struct map_store *s, const struct map_store *other)
{
	return s->insn == other->insn && s->byte == other->byte && s->size == other->size &&
	       s->unknown == other->unknown && s->step == other->step &&
	       s->from == other->from && s->to == other->to;
}

void audit_store(struct map_audit *a, struct map_audit_prog *p,
		 const struct map_store *store)
{
	struct map_store *s;
	unsigned int i;

	for (i = 0; i < p->nr_stores; i++)
		if (covers(&p->stores[i], store))
			return;
	s = realloc(p->stores, (p->nr_stores + 1) * sizeof(*s));
	if (!s) {
		a->state->no_memory = true;
		return;
	}
	p->stores = s;
	s[p->nr_stores++] = *store;
}

static void forget(struct map_audit *a)
{
	unsigned int i;

	for (i = 0; i < a->nr_findings; i++) {
		free(a->findings[i].where);
		free(a->findings[i].what);
	}
	a->nr_findings = 0;
	for (i = 0; i < a->nr_progs; i++)
		a->progs[i]->nr_stores = 0;
}

/* Programs */

static struct map_audit_prog *add_prog(struct map_audit *a, bool ext)
{
	struct map_audit_prog **progs, *p;

	progs = realloc(a->progs, (a->nr_progs + 1) * sizeof(*progs));
	if (!progs)
		return NULL;
	a->progs = progs;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->ext = ext;
	progs[a->nr_progs++] = p;
	return p;
}

static void *array_of(__u32 nr, __u32 size)
{
	return calloc(nr + 1, size + 1);
}

/* Instructions, line and function info of an open program */
static int read_prog(struct map_audit_prog *p, int fd)
{
	struct bpf_prog_info *info = calloc(1, sizeof(*info)), first = {};
	__u32 len = sizeof(first);

	if (!info)
		return -ENOMEM;
	p->info = info;
	if (bpf_obj_get_info_by_fd(fd, &first, &len))
		return -errno;
	info->xlated_prog_len = first.xlated_prog_len;
	info->nr_func_info = first.nr_func_info;
	info->func_info_rec_size = first.func_info_rec_size;
	info->nr_line_info = first.nr_line_info;
	info->line_info_rec_size = first.line_info_rec_size;
	p->insns = array_of(1, first.xlated_prog_len);
	info->xlated_prog_insns = ptr_to_u64(p->insns);
	info->func_info = ptr_to_u64(array_of(first.nr_func_info,
					      first.func_info_rec_size));
	info->line_info = ptr_to_u64(array_of(first.nr_line_info,
					      first.line_info_rec_size));
	if (!p->insns || !info->func_info || !info->line_info)
		return -ENOMEM;
	len = sizeof(*info);
	if (bpf_obj_get_info_by_fd(fd, info, &len))
		return -errno;
	/* Hidden from who may not see kernel addresses, for a program with
	 * blinded constants: no instruction at all is a finding
	 */
	p->nr_insns = info->xlated_prog_insns ?
		      info->xlated_prog_len / sizeof(*p->insns) : 0;
	p->id = info->id;
	snprintf(p->name, sizeof(p->name), "%s", info->name);
	if (info->btf_id)
		p->btf = btf__load_from_kernel_by_id(info->btf_id);
	if (p->btf && info->nr_line_info)
		p->linfo = bpf_prog_linfo__new(info);
	return 0;
}

int map_audit_prog(struct map_audit *a, __u32 prog_id, bool ext)
{
	struct map_audit_prog *p;
	int fd, err;

	fd = bpf_prog_get_fd_by_id(prog_id);
	if (fd < 0)
		return -errno;
	p = add_prog(a, ext);
	err = p ? read_prog(p, fd) : -ENOMEM;
	close(fd);
	return err;
}

bool audit_arg_points(const struct map_audit_prog *p, unsigned int arg)
{
	const struct bpf_func_info *func;
	const struct btf_type *t = NULL;

	if (!p->info || !p->btf || !p->info->nr_func_info)
		return true;
	func = u64_to_ptr(p->info->func_info);
	t = btf__type_by_id(p->btf, func->type_id);
	if (t && btf_is_func(t))
		t = btf__type_by_id(p->btf, t->type);
	if (!t || !btf_is_func_proto(t))
		return true;
	if (arg >= btf_vlen(t))
		return false;
	t = btf__type_by_id(p->btf, btf__resolve_type(p->btf, btf_params(t)[arg].type));
	if (t && !btf_is_ptr(t))
		return false;
	/* Contexts, the usual argument of what is extended */
	t = t ? btf__type_by_id(p->btf, t->type) : NULL;
	return !t || !btf_is_struct(t) ||
	       (strcmp(btf__name_by_offset(p->btf, t->name_off), "__sk_buff") &&
		strcmp(btf__name_by_offset(p->btf, t->name_off), "xdp_md"));
}

int map_audit_init(struct map_audit *a, const struct map_ref *map)
{
	memset(a, 0, sizeof(*a));
	a->map = map;
	a->inner = true;
	a->bytes = calloc(1, map->info.value_size + 1);
	a->state = calloc(1, sizeof(*a->state));
	if (!a->bytes || !a->state)
		return -ENOMEM;
	a->state->maps[0].id = map->info.id;
	a->state->maps[0].type = map->info.type;
	a->state->maps[0].value_size = map->info.value_size;
	a->state->nr_maps = 1;
	return 0;
}

void map_audit_free(struct map_audit *a)
{
	unsigned int i;

	forget(a);
	for (i = 0; i < a->nr_progs; i++) {
		struct map_audit_prog *p = a->progs[i];

		if (p->info) {
			free(u64_to_ptr(p->info->func_info));
			free(u64_to_ptr(p->info->line_info));
		}
		bpf_prog_linfo__free(p->linfo);
		btf__free(p->btf);
		free(p->info);
		free(p->insns);
		free(p->stores);
		free(p);
	}
	if (a->state) {
		if (a->state->has_symbols)
			kernel_syms_destroy(&a->state->symbols);
		btf__free(a->state->kernel_btf);
	}
	free(a->state);
	free(a->progs);
	free(a->findings);
	free(a->bytes);
	free(a->list);
	memset(a, 0, sizeof(*a));
}

int map_audit_finish(struct map_audit *a)
{
	unsigned int i, leaks;
	int err;

	/* Again, until no program has put more of MAP where others may read it */
	do {
		leaks = a->state->nr_leaks;
		forget(a);
		for (i = 0; i < a->nr_progs; i++) {
			if (!a->progs[i]->nr_insns) {
				audit_finding(a, a->progs[i], 0, MAP_FINDING_UNKNOWN,
					      "the kernel hides its instructions");
				continue;
			}
			err = map_walk(a, a->progs[i]);
			if (err)
				return err;
		}
	} while (leaks != a->state->nr_leaks);
	err = audit_classify(a);
	return err ?: a->state->no_memory ? -ENOMEM : 0;
}

/* What is found says more than the store by itself */
static bool is_found(const struct map_audit *a, const struct map_audit_prog *p,
		     unsigned int insn)
{
	unsigned int i;

	for (i = 0; i < a->nr_findings; i++)
		if (a->findings[i].prog_name == p->name && a->findings[i].insn == insn)
			return true;
	return false;
}

void map_audit_each_line(const struct map_audit *a, void (*say)(const char *fmt, ...))
{
	const struct map_finding *f = a->findings;
	const struct map_audit_prog *p;
	unsigned int i, j;
	char *where;

	for (i = 0; i < a->nr_progs; i++) {
		p = a->progs[i];
		for (j = 0; j < p->nr_stores; j++) {
			if (is_found(a, p, p->stores[j].insn))
				continue;
			where = where_of(p, p->stores[j].insn);
			say("program %u (%s): %s: %s", p->id, p->name,
			    where ?: "", p->stores[j].how);
			free(where);
		}
		if (!p->nr_stores)
			say("program %u (%s): stores nothing in a value",
			    p->id, p->name);
	}
	for (i = 0; i < a->nr_findings; i++, f++)
		say("program %u (%s): %s: %s", f->prog_id, f->prog_name,
		    f->where, f->what);
}
