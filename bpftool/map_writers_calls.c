// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Following a program: the helpers that it calls */

#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>

#include "main.h"
#include "map_ref.h"
#include "map_writers_calls.h"
#include "map_writers_learn.h"
#include "map_writers_memory.h"

/* What a called function is, as far as the audit cares */
struct call {
	const char *name;	/* NULL: hidden */
	__u8 nr_args;
	__u8 writes;		/* bit n: may write to what argument n points to */
	__u8 sized;		/* bit n: and argument n + 1 is the size of that */
	bool known;		/* by its prototype */
};

/* Helpers whose arguments the audit knows. The kernel's BTF has them too, but
 * takes long to read, and does not say which ones a helper only reads.
 */
static const struct call usual[] = {
	{ "bpf_ktime_get_ns" },
	{ "bpf_ktime_get_boot_ns" },
	{ "bpf_ktime_get_coarse_ns" },
	{ "bpf_ktime_get_tai_ns" },
	{ "bpf_get_smp_processor_id" },
	{ "bpf_get_numa_node_id" },
	{ "bpf_get_current_pid_tgid" },
	{ "bpf_get_current_uid_gid" },
	{ "bpf_jiffies64" },
	{ "bpf_get_current_cgroup_id" },
	{ "bpf_get_current_task" },
	{ "bpf_get_current_task_btf" },
	{ "bpf_get_prandom_u32" },
	{ "bpf_user_rnd_u32" },		/* the same */
	{ "bpf_get_raw_cpu_id" },
	{ "bpf_tail_call",			3 },
	{ "bpf_perf_event_output",		5 },
	{ "bpf_ringbuf_output",			4 },
	{ "bpf_skb_event_output",		5 },
	{ "bpf_xdp_event_output",		5 },
	{ "bpf_event_output_data",		5 },
	{ "bpf_trace_printk",			5 },
	{ "bpf_perf_event_output_tp",		5 },
	{ "bpf_perf_event_output_raw_tp",	5 },
	{ "bpf_ringbuf_submit",			2, 1 << 1 },
	{ "bpf_ringbuf_discard",		2, 1 << 1 },
	{ "bpf_get_current_comm",		2, 1 << 1, 1 << 1 },
	{ "bpf_probe_read_user",		3, 1 << 1, 1 << 1 },
	{ "bpf_probe_read_kernel",		3, 1 << 1, 1 << 1 },
	{ "bpf_probe_read_user_str",		3, 1 << 1, 1 << 1 },
	{ "bpf_probe_read_kernel_str",		3, 1 << 1, 1 << 1 },
};

/* These write as much as the next argument says; the prototypes have no names */
static bool has_size(const char *name)
{
	static const char * const begin[] = {
		"bpf_probe_read", "bpf_skb_load_bytes", "bpf_xdp_load_bytes",
		"bpf_copy_from_user", "bpf_get_stack", "bpf_d_path",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(begin); i++)
		if (!strncmp(name, begin[i], strlen(begin[i])))
			return true;
	return false;
}

/* Each helper has a typedef for a pointer to a function with its real arguments */
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

/* Get the prototype lazily: it matters only if an argument does */
static void ask_proto(struct map_audit *a, struct call *call)
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
		t = btf__type_by_id(btf, btf__resolve_type(btf, p[i].type));
		if (!t || !btf_is_ptr(t))
			continue;
		t = btf__type_by_id(btf, t->type);
		if (t && btf_is_const(t))
			continue;
		call->writes |= 1 << (i + 1);
		if (has_size(call->name))
			call->sized |= 1 << (i + 1);
	}
}

/* Was the memory behind a pointer computed from what was read out of MAP? */
static bool leads_to_data(struct walk *w, const struct value *v, unsigned int size)
{
	if (v->holds & HOLDS_STACK && walk_stack_dirty(w, v, size, NULL))
		return true;
	if (walk_is_ours(w, v, HOLDS_VALUE))
		return true;
	return v->holds & HOLDS_VALUE && audit_leaked(w->a, v->region);
}

static const char *learned_name(const struct map_audit_state *st, __s32 imm)
{
	unsigned int i;

	for (i = 0; i < st->nr_calls; i++)
		if (st->calls[i].imm == imm)
			return st->calls[i].name;
	return NULL;
}

static const char *symbol_name(struct map_audit_state *st, __s32 imm)
{
	struct kernel_sym *sym;

	if (!st->has_symbols) {
		kernel_syms_load(&st->symbols);
		st->has_symbols = true;
	}
	sym = kernel_syms_search(&st->symbols, st->symbols.address_call_base + imm);
	return sym ? sym->name : NULL;
}

/* Arguments with which any helper is harmless: the first is not a map, not even
 * one that can no longer be followed, and none leads to MAP.
 */
static bool is_any_helper(struct walk *w)
{
	const struct value *reg = w->now->reg;
	unsigned int n;

	if (reg[1].holds & HOLDS_MAP || !reg[1].holds ||
	    (reg[1].holds & HOLDS_NUMBER && (reg[1].low < LEAST >> 31 ||
					     reg[1].high > MOST >> 31)))
		return false;
	for (n = 1; n <= 5; n++)
		if (reg[n].holds & (HOLDS_FUNC | HOLDS_DATA) ||
		    walk_is_ours(w, &reg[n], HOLDS_POINTER) ||
		    leads_to_data(w, &reg[n], NR_SLOTS * 8) ||
		    walk_stack_points(w, &reg[n], NR_SLOTS * 8))
			return false;
	return true;
}

/* Try what is cheap first */
static const char *call_name(struct walk *w, __s32 imm)
{
	const struct value *map = &w->now->reg[1];
	struct map_audit_state *st = w->a->state;
	const char *name = learned_name(st, imm);

	if (!name && map->holds & HOLDS_MAP) {
		audit_learn_map(w->a, audit_map(w->a, map->region)->type);
		name = learned_name(st, imm);
	}
	if (name || is_any_helper(w))
		return name;
	/* After an inlined lookup the map may be left in the register */
	while (!name && audit_learn_usual(w->a))
		name = learned_name(st, imm);
	return name ?: symbol_name(st, imm);
}

static struct call find_call(struct walk *w, unsigned int insn)
{
	const struct bpf_insn *in = &w->p->insns[insn];
	struct call call = { .nr_args = 5, .writes = 0x3e };
	unsigned int i;

	/* imm is 0 if the kernel hides it, 12 for a tail call, and may be the BTF
	 * ID of a kernel function
	 */
	if (!in->imm || in->src_reg)
		return call;
	call.name = in->imm == BPF_FUNC_tail_call ? "bpf_tail_call" :
		    call_name(w, in->imm);
	for (i = 0; call.name && i < ARRAY_SIZE(usual); i++) {
		if (strcmp(call.name, usual[i].name))
			continue;
		call = usual[i];
		call.known = true;
	}
	return call;
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && !strcmp(name + n - m, end);
}

static void call_update(struct walk *w, unsigned int i, const struct value *map,
			const struct value *key, const struct value *value)
{
	__u32 size = audit_map(w->a, map->region)->value_size;
	bool data;

	if (!walk_is_ours(w, map, HOLDS_MAP)) {
		/* The size of the key is not known: go up to the end of the stack */
		if (leads_to_data(w, value, size) ||
		    leads_to_data(w, key, NR_SLOTS * 8))
			audit_leak(w->a, map->region);
		if (walk_stack_points(w, value, size))
			walk_finding(w, i, MAP_FINDING_UNKNOWN,
				     "keeps the address of a value in another map");
		return;
	}
	data = leads_to_data(w, value, w->a->map->info.value_size);
	if (!w->report)
		return;
	if (data)
		walk_finding(w, i, MAP_FINDING_UPDATE,
			     "updates an entry with a value that was read out of the map");
	else
		audit_store(w->a, w->p, &(struct map_store){ .insn = i,
			    .how = "an update with a value of the program's own" });
}

/* Memory that a helper writes: with @data what it may have read out of MAP */
static void helper_writes(struct walk *w, unsigned int i, const struct value *v,
			  const struct value *size, bool data)
{
	struct map_store s = { .byte = MAP_BYTE_OTHER, .how = "written by a helper" };
	unsigned int n = w->a->map->info.value_size;
	struct value what = data ? walk_data(0, ~0U) : value_number(LEAST, MOST);
	struct value from = *v;

	if (size && size->low >= 0 && size->high < n)
		n = size->high;
	if (walk_is_ours(w, v, HOLDS_VALUE) && n) {
		/* All bytes from there, as one-byte stores */
		if (from.high != MOST && from.high + n - 1 > from.high)
			from.high += n - 1;
		from.step = 1;
		walk_store_ours(w, &from, 0, &s, 1, i);
	}
	if (!data)
		return;
	if (v->holds & HOLDS_STACK) {
		from = *v;
		from.high = MOST;
		walk_store_stack(w, &from, 0, &what, 1, false);
	}
	if (v->holds & HOLDS_VALUE && v->region != w->a->map->info.id)
		audit_leak(w->a, v->region);
}

static void handed_over(struct walk *w, unsigned int i, const char *what,
			const char *name)
{
	char text[256] = "kernel.kptr_restrict hides what it calls";

	if (name)
		snprintf(text, sizeof(text), "hands %s to %s(), which is not known",
			 what, name);
	walk_finding(w, i, MAP_FINDING_UNKNOWN, text);
}

static void call_other(struct walk *w, unsigned int i, struct call *call)
{
	struct value args[6];
	bool data = false;
	unsigned int n;

	memcpy(args, w->now->reg, sizeof(args));
	for (n = 1; n <= call->nr_args; n++)
		if (walk_is_ours(w, &args[n], HOLDS_POINTER) || args[n].holds & HOLDS_DATA ||
		    leads_to_data(w, &args[n], NR_SLOTS * 8))
			break;
	if (n <= call->nr_args && call->name && !call->known)
		ask_proto(w->a, call);
	for (n = 1; n <= call->nr_args; n++) {
		if (walk_is_ours(w, &args[n], HOLDS_MAP | HOLDS_ELEM | HOLDS_SLOT))
			handed_over(w, i, "the map", call->name);
		else if (walk_is_ours(w, &args[n], HOLDS_VALUE) && !call->known)
			handed_over(w, i, "the address of a value", call->name);
		data |= args[n].holds & HOLDS_DATA || leads_to_data(w, &args[n],
								    NR_SLOTS * 8);
	}
	for (n = 1; n <= call->nr_args; n++)
		if (call->writes & 1 << n)
			helper_writes(w, i, &args[n], n < 5 && call->sized & 1 << n ?
				      &args[n + 1] : NULL, data);
	walk_clobber(w->now);
	if (data) {
		w->now->reg[0].holds |= HOLDS_DATA;
		w->now->reg[0].to = ~0U;
	}
}

static bool has_callback(const struct value *reg)
{
	unsigned int n;

	for (n = 1; n <= 5; n++)
		if (reg[n].holds & HOLDS_FUNC)
			return true;
	return false;
}

/* A call of a helper that has callbacks among its arguments */
static void call_callbacks(struct walk *w, unsigned int i, struct call *call)
{
	struct value in[6], args[5], all = value_pointer(REGION_KERNEL, HOLDS_VALUE, 0);
	bool each = call->name && strstr(call->name, "for_each_");
	bool loop = call->name && !strcmp(call->name, "bpf_loop");
	unsigned int n, m;

	memcpy(in, w->now->reg, sizeof(in));
	for (n = 1; n <= 5; n++)
		if (!(in[n].holds & HOLDS_FUNC))
			value_join(&all, &in[n], false);
	if (!each && !loop)
		call_other(w, i, call);	/* it may do anything else as well */
	for (n = 1; n <= 5; n++) {
		if (!(in[n].holds & HOLDS_FUNC))
			continue;
		for (m = 0; m < 5; m++)
			args[m] = all;
		if (each && n == 2) {
			args[0] = in[1];
			args[1] = value_pointer(REGION_KERNEL, HOLDS_VALUE, 0);
			args[2] = value_pointer(in[1].region, HOLDS_VALUE, 0);
			args[3] = in[3];
		} else if (loop && n == 2) {
			args[0] = value_number(0, MOST);
			args[1] = in[3];
		}
		walk_clobber(w->now);
		walk_call_back(w, i, &in[n], args);
	}
}

static void call_lookup(struct walk *w, const char *name)
{
	struct value map = w->now->reg[1], *ret = &w->now->reg[0];

	walk_clobber(w->now);
	if (!(map.holds & HOLDS_MAP))
		*ret = value_pointer(REGION_ANY, HOLDS_VALUE, 0);
	else if (!strncmp(name, "__", 2))
		*ret = value_pointer(map.region, HOLDS_ELEM, 0);
	else if (map_is_map_in_map(audit_map(w->a, map.region)->type))
		*ret = value_pointer(REGION_INNER, HOLDS_MAP, 0);
	else
		*ret = value_pointer(map.region, HOLDS_VALUE, 0);
	if (ends_in(name, "_percpu_elem"))
		ret->holds |= HOLDS_OTHER_CPU;
}

/* Returns false if what follows was already dealt with */
bool walk_call_helper(struct walk *w, unsigned int i)
{
	struct value *reg = w->now->reg, map = reg[1];
	struct call call = find_call(w, i);
	const char *name = call.name ?: "";
	bool push = ends_in(name, "_push_elem");

	if (ends_in(name, "_lookup_elem") || ends_in(name, "_lookup_percpu_elem")) {
		call_lookup(w, name);
	} else if (push || ends_in(name, "_update_elem")) {
		call_update(w, i, &map, &reg[2], &reg[push ? 2 : 3]);
		walk_clobber(w->now);
	} else if (ends_in(name, "_delete_elem")) {
		if (walk_is_ours(w, &map, HOLDS_MAP))
			walk_finding(w, i, MAP_FINDING_DELETE, "deletes an entry");
		walk_clobber(w->now);
	} else if (ends_in(name, "_pop_elem") || ends_in(name, "_peek_elem")) {
		helper_writes(w, i, &reg[2], NULL, walk_is_ours(w, &map, HOLDS_MAP) ||
			      audit_leaked(w->a, map.region));
		walk_clobber(w->now);
	} else if (!has_callback(reg)) {
		call_other(w, i, &call);
		if (!strcmp(name, "bpf_ringbuf_reserve"))
			reg[0] = value_pointer(REGION_RINGBUF, HOLDS_VALUE, 0);
	} else {
		call_callbacks(w, i, &call);
		return false;
	}
	return true;
}
