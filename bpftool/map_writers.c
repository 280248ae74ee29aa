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

#define NR_KNOWN_MAPS	64

struct map_audit_state {
	struct dump_data symbols;
	bool has_symbols, asked_btf;
	struct btf *kernel_btf;		/* for the prototypes of helpers */
	__u32 leaks[NR_KNOWN_MAPS];	/* regions that hold what was read out */
	unsigned int nr_leaks;
	struct { __u32 id; int type; } maps[NR_KNOWN_MAPS];
	unsigned int nr_maps;
	bool no_memory;
};

__u32 audit_map_id(const struct map_audit *a)
{
	return a->map->info.id;
}

__u32 audit_value_size(const struct map_audit *a)
{
	return a->map->info.value_size;
}

/* The type of a map that a program has; of one that can't be told, as MAP's */
int audit_map_type(struct map_audit *a, __u32 id)
{
	struct map_audit_state *st = a->state;
	struct map_ref map = { .fd = -1 };
	unsigned int i;
	int type;

	if (id == audit_map_id(a) || id == REGION_ANY || id >= REGION_INNER)
		return a->map->info.type;
	for (i = 0; i < st->nr_maps; i++)
		if (st->maps[i].id == id)
			return st->maps[i].type;
	type = map_ref_open(&map, id, BPF_F_RDONLY) ? BPF_MAP_TYPE_UNSPEC : (int)map.info.type;
	map_ref_close(&map);
	if (st->nr_maps < NR_KNOWN_MAPS) {
		st->maps[st->nr_maps].id = id;
		st->maps[st->nr_maps++].type = type;
	}
	return type;
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

/* Calls */

/* Helpers without arguments, so that what is left in the registers of arguments
 * says nothing. The kernel's BTF tells that too, but takes long to read.
 */
static const char * const no_args[] = {
	"bpf_ktime_get_ns", "bpf_ktime_get_boot_ns", "bpf_ktime_get_coarse_ns",
	"bpf_ktime_get_tai_ns", "bpf_get_smp_processor_id", "bpf_get_numa_node_id",
	"bpf_get_current_pid_tgid", "bpf_get_current_uid_gid", "bpf_jiffies64",
	"bpf_get_current_cgroup_id", "bpf_get_current_task",
	"bpf_get_current_task_btf", "bpf_user_rnd_u32", "bpf_get_raw_cpu_id",
};

/* Take a pointer that is not to const, and only read */
static const char * const only_read[] = {
	"bpf_perf_event_output", "bpf_ringbuf_output", "bpf_skb_event_output",
	"bpf_xdp_event_output", "bpf_event_output_data", "bpf_trace_printk",
	"bpf_perf_event_output_tp", "bpf_perf_event_output_raw_tp",
};

static bool is_among(const char *name, const char * const *list, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(name, list[i]))
			return true;
	return false;
}

static bool is_size(const char *name)
{
	static const char * const names[] = {
		"size", "len", "sz", "plen", "buf_len", "str_size", "optlen",
	};

	return is_among(name, names, ARRAY_SIZE(names));
}

/* Each helper has a typedef of a pointer to a function with its real arguments */
static const struct btf_type *helper_proto(struct map_audit *a, const char *name)
{
	struct map_audit_state *st = a->state;
	const struct btf_type *t;
	char type[128];
	int id;

	if (!st->asked_btf) {
		st->asked_btf = true;
		st->kernel_btf = btf__load_vmlinux_btf();
	}
	if (!st->kernel_btf)
		return NULL;
	snprintf(type, sizeof(type), "btf_%s", name);
	id = btf__find_by_name_kind(st->kernel_btf, type, BTF_KIND_TYPEDEF);
	if (id < 0)
		return NULL;
	t = btf__type_by_id(st->kernel_btf, btf__type_by_id(st->kernel_btf, id)->type);
	if (t && btf_is_ptr(t))
		t = btf__type_by_id(st->kernel_btf, t->type);
	return t && btf_is_func_proto(t) ? t : NULL;
}

static void call_proto(struct map_audit *a, struct call *call)
{
	const struct btf_type *proto = helper_proto(a, call->name), *t;
	const struct btf *btf = a->state->kernel_btf;
	const struct btf_param *p;
	unsigned int i, nr;

	if (!proto)
		return;
	nr = btf_vlen(proto);
	if (nr > 5)
		return;
	call->known = strcmp(call->name, "bpf_dynptr_from_mem");
	call->nr_args = nr;
	call->writes = 0;
	call->sized = 0;
	p = btf_params(proto);
	for (i = 0; i < nr; i++) {
		t = btf__type_by_id(btf, p[i].type);
		while (t && btf_is_typedef(t))
			t = btf__type_by_id(btf, t->type);
		if (!t || !btf_is_ptr(t))
			continue;
		t = btf__type_by_id(btf, t->type);
		if (t && btf_is_const(t))
			continue;
		call->writes |= 1 << (i + 1);
		if (i + 1 < nr && is_size(btf__name_by_offset(btf, p[i + 1].name_off)))
			call->sized |= 1 << (i + 1);
	}
}

void audit_call(struct map_audit *a, const struct map_audit_prog *p,
		unsigned int insn, struct call *call)
{
	struct map_audit_state *st = a->state;
	const struct bpf_insn *in = &p->insns[insn];
	struct kernel_sym *sym;

	call->name = NULL;
	call->nr_args = 5;
	call->writes = 0x3e;
	call->sized = 0;
	call->known = false;
	/* imm is 0 where the kernel hides it, 12 for a tail call, and of a kernel
	 * function it may be its BTF id
	 */
	if (!in->imm || in->src_reg)
		return;
	if (in->imm == BPF_FUNC_tail_call) {
		call->name = "bpf_tail_call";
		call->writes = 0;
		call->known = true;
		call->nr_args = 3;
		return;
	}
	if (!st->has_symbols) {
		kernel_syms_load(&st->symbols);
		st->has_symbols = true;
	}
	sym = kernel_syms_search(&st->symbols, st->symbols.address_call_base + in->imm);
	if (!sym)
		return;
	call->name = sym->name;
	if (is_among(call->name, no_args, ARRAY_SIZE(no_args))) {
		call->nr_args = 0;
		call->known = true;
	}
	if (is_among(call->name, only_read, ARRAY_SIZE(only_read))) {
		call->writes = 0;
		call->known = true;
	}
}

/* What a helper takes matters only where it gets something that does */
void audit_call_args(struct map_audit *a, struct call *call)
{
	if (call->name && !call->known)
		call_proto(a, call);
}

/* What is reported */

static char *text_of(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : text;
}

/* "flows.bpf.c:42: c->packets += 1", or which instruction */
static char *where_of(const struct map_audit_prog *p, unsigned int insn)
{
	const struct bpf_line_info *line = NULL;
	const char *file, *text, *slash;

	if (p->linfo)
		line = bpf_prog_linfo__lfind(p->linfo, insn, 0);
	if (!line || !p->btf)
		return text_of("instruction %u", insn);
	file = btf__name_by_offset(p->btf, line->file_name_off) ?: "";
	text = btf__name_by_offset(p->btf, line->line_off) ?: "";
	slash = strrchr(file, '/');
	while (*text == ' ' || *text == '\t')
		text++;
	return text_of("%s:%u: %s", slash ? slash + 1 : file,
		       BPF_LINE_INFO_LINE_NUM(line->line_col), text);
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
	for (i = 0; i < a->nr_progs; i++) {
		struct map_audit_prog *p = a->progs[i];

		p->nr_stores = 0;
		p->plain = false;
		p->updates = false;
		p->deletes = false;
	}
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
	a->has_progs = true;
	progs[a->nr_progs++] = p;
	return p;
}

int map_audit_insns(struct map_audit *a, const struct bpf_insn *insns,
		    unsigned int nr, bool ext)
{
	struct map_audit_prog *p = add_prog(a, ext);

	if (!p)
		return -ENOMEM;
	p->insns = malloc((nr + !nr) * sizeof(*insns));
	if (!p->insns)
		return -ENOMEM;
	memcpy(p->insns, insns, nr * sizeof(*insns));
	p->nr_insns = nr;
	return 0;
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

static int load_prog(struct map_audit *a, __u32 id, bool ext)
{
	struct map_audit_prog *p;
	int fd, err;

	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	p = add_prog(a, ext);
	err = p ? read_prog(p, fd) : -ENOMEM;
	close(fd);
	return err;
}

int map_audit_prog(struct map_audit *a, __u32 prog_id)
{
	return load_prog(a, prog_id, false);
}

int map_audit_ext(struct map_audit *a, __u32 prog_id)
{
	return load_prog(a, prog_id, true);
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
	t = btf__type_by_id(p->btf, btf_params(t)[arg].type);
	while (t && (btf_is_mod(t) || btf_is_typedef(t)))
		t = btf__type_by_id(p->btf, t->type);
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
	return a->bytes && a->state ? 0 : -ENOMEM;
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

const struct map_finding *map_audit_find(const struct map_audit *a,
					 enum map_finding_kind kind)
{
	unsigned int i;

	for (i = 0; i < a->nr_findings; i++)
		if (a->findings[i].kind == kind)
			return &a->findings[i];
	return NULL;
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

void map_audit_each_line(const struct map_audit *a, void (*say)(const char *line))
{
	unsigned int i, j;

	for (i = 0; i < a->nr_progs; i++) {
		const struct map_audit_prog *p = a->progs[i];

		for (j = 0; j < p->nr_stores; j++) {
			char *where = where_of(p, p->stores[j].insn), *line;

			line = text_of("program %u (%s): %s: %s", p->id, p->name,
				       where ?: "", p->stores[j].how);
			if (line)
				say(line);
			free(line);
			free(where);
		}
		if (!p->nr_stores)
			continue;
	}
	for (i = 0; i < a->nr_findings; i++) {
		const struct map_finding *f = &a->findings[i];
		char *line = text_of("program %u (%s): %s: %s", f->prog_id,
				     f->prog_name, f->where, f->what);

		if (line)
			say(line);
		free(line);
	}
}
