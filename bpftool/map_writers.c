// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The audit of a map's writers: its programs */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "main.h"
#include "map_ref.h"
#include "map_writers_bytes.h"
#include "map_writers_state.h"
#include "map_writers_walk.h"
#include "xlated_dumper.h"

static struct map_audit_prog *add_prog(struct map_audit *a, bool ext)
{
	struct map_audit_prog **progs, *p;

	progs = map_grow(a->progs, a->nr_progs, sizeof(*progs));
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
	/* Without the right to see kernel addresses, instructions with blinded
	 * constants are hidden. No instructions are a finding.
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

bool map_audit_has_prog(const struct map_audit *a, __u32 prog_id)
{
	unsigned int i;

	for (i = 0; i < a->nr_progs; i++)
		if (a->progs[i]->id == prog_id)
			return true;
	return false;
}

int map_audit_init(struct map_audit *a, const struct map_ref *map)
{
	memset(a, 0, sizeof(*a));
	a->map = map;
	a->split = -1;
	a->bytes = calloc(1, map->info.value_size + 1);
	a->sizes = calloc(1, map->info.value_size + 1);
	a->state = calloc(1, sizeof(*a->state));
	if (!a->bytes || !a->sizes || !a->state)
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

	audit_forget(a);
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
	free(a->sizes);
	free(a->list);
	memset(a, 0, sizeof(*a));
}

int map_audit_finish(struct map_audit *a)
{
	unsigned int i, leaks;
	int err;

	/* Repeat until no program stores more of MAP where others may read it */
	do {
		leaks = a->state->nr_leaks;
		audit_forget(a);
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

/* A finding says more than the store by itself */
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
			where = audit_where(p, p->stores[j].insn);
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
