// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The audit of a map's writers: the maps, leaks, stores and findings so far */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "main.h"
#include "map_ref.h"
#include "map_writers_state.h"
#include "map_writers_value.h"

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

char *audit_where(const struct map_audit_prog *p, unsigned int insn)
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
		if (f->prog_name == p->name && f->insn == insn && f->kind == kind)
			return;
	}
	f = map_grow(a->findings, a->nr_findings, sizeof(*f));
	if (!f) {
		a->state->no_memory = true;
		return;
	}
	a->findings = f;
	f += a->nr_findings;
	f->kind = kind;
	f->prog_id = p->id;
	f->prog_type = p->info ? p->info->type : BPF_PROG_TYPE_UNSPEC;
	f->prog_name = p->name;
	f->insn = insn;
	f->where = audit_where(p, insn);
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
	       s->other_cpu == other->other_cpu && s->wide == other->wide &&
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
	s = map_grow(p->stores, p->nr_stores, sizeof(*s));
	if (!s) {
		a->state->no_memory = true;
		return;
	}
	p->stores = s;
	s[p->nr_stores++] = *store;
}

void audit_forget(struct map_audit *a)
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
