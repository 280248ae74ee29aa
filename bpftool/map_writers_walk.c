// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Follows the translated instructions of one program
 *
 * Each jump target has a state: what the registers and the stack may hold there,
 * whichever way it was reached. The states grow until nothing changes. Then each
 * instruction is looked at once more, and the stores are reported. A called
 * function is followed anew for each place that calls it.
 *
 * The verifier guarantees that an access is within the value, that an atomic is
 * aligned, and that what was loaded from memory other than the stack is not an
 * address in a value. Not seen are user space, and ranges that depend on another
 * variable, such as a pointer that a loop moves on while it counts something else:
 * its offset is unknown, and so mostly a finding. A value that is read, changed
 * only by an OR or a shift and stored is not an addition: such bytes are left alone.
 * Blinded constants (net.core.bpf_jit_harden) and hidden calls (kernel.kptr_restrict,
 * without CAP_SYSLOG) are findings.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "main.h"
#include "map_writers_calls.h"
#include "map_writers_insns.h"
#include "map_writers_memory.h"
#include "map_writers_walk.h"

#define MAX_STEPS	4000000		/* instructions, about a second */
#define MODE_MEMSX	0x80

/* By a register, as from a jump table since 6.19 */
static bool is_computed(const struct bpf_insn *insn)
{
	return BPF_SRC(insn->code) == BPF_X &&
	       (BPF_OP(insn->code) == BPF_JA || BPF_OP(insn->code) == BPF_CALL);
}

/* Returns false if the next instruction does not follow */
static bool jump_class(struct walk *w, unsigned int i)
{
	const struct bpf_insn *insn = &w->p->insns[i];
	bool wide = BPF_CLASS(insn->code) == BPF_JMP;

	if (is_computed(insn)) {
		walk_give_up(w, i, "a jump or call whose target is computed");
		return false;
	}
	switch (BPF_OP(insn->code)) {
	case BPF_CALL:
		if (insn->src_reg == BPF_PSEUDO_CALL) {
			walk_call(w, i);
			return false;
		}
		return walk_call_helper(w, i);
	case BPF_EXIT:
		walk_exit(w);
		return false;
	case BPF_JA:
		walk_flow(w, w->place, (__s64)i + 1 + (wide ? insn->off : insn->imm),
			  w->now);
		return false;
	case 0xe0:	/* BPF_JCOND: either way */
		walk_flow(w, w->place, (__s64)i + 1 + insn->off, w->now);
		return true;
	default:
		walk_jump(w, i, insn->off);
		return true;
	}
}

static bool step(struct walk *w, unsigned int *i)
{
	const struct bpf_insn *insn = &w->p->insns[*i];
	struct value *reg = w->now->reg, v;
	bool on = true;

	if (insn->dst_reg >= NR_REGS || insn->src_reg >= NR_REGS) {
		walk_give_up(w, *i, "can't tell what the instruction does");
		return false;
	}
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		walk_alu(w, *i);
		break;
	case BPF_LDX:
		v = walk_load(w, &reg[insn->src_reg], insn->off, walk_access_size(insn->code), *i);
		if (BPF_MODE(insn->code) & MODE_MEMSX && !(v.holds & HOLDS_POINTER))
			value_forget(&v);
		reg[insn->dst_reg] = v;
		break;
	case BPF_ST:
		v = value_number(insn->imm, insn->imm);
		walk_plain_store(w, *i, &v);
		break;
	case BPF_STX:
		walk_mark_copy(w->now, &reg[insn->src_reg], *i);
		v = reg[insn->src_reg];
		if (BPF_MODE(insn->code) == BPF_ATOMIC ||
		    BPF_MODE(insn->code) == 0xe0)	/* of an arena */
			walk_atomic(w, *i);
		else
			walk_plain_store(w, *i, &v);
		break;
	case BPF_LD:
		if (insn->code == (BPF_LD | BPF_IMM | BPF_DW)) {
			walk_load_imm64(w, *i);
			++*i;
		} else {
			walk_clobber(w->now);
		}
		break;
	default:
		on = jump_class(w, *i);
	}
	++*i;
	return on;
}

/* Follow from an instruction up to where its path joins another */
static void follow(struct walk *w, struct place *pl, unsigned int i)
{
	unsigned int first = i;
	struct state *st = pl->at[i - pl->start];

	st->queued = false;
	w->place = pl;
	memcpy(w->now, st, walk_state_size(st->nr_frames));
	while (!w->gave_up && !w->err) {
		if (w->steps++ == MAX_STEPS) {
			walk_give_up(w, i, TOO_LARGE);
			return;
		}
		if (!step(w, &i))
			return;
		if (i >= pl->end) {
			if (!w->gave_up)
				walk_give_up(w, first, "a function has no end");
			return;
		}
		if (w->joins[i] || (w->report && pl->at[i - pl->start])) {
			walk_flow(w, pl, i, w->now);
			return;
		}
	}
}

static void join(struct walk *w, __s64 at, __u8 kind)
{
	if (at >= 0 && at < w->p->nr_insns)
		w->joins[at] |= kind;
}

static void find_joins(struct walk *w)
{
	const struct bpf_insn *insn;
	unsigned int to;
	__s64 i;

	join(w, 0, JOIN_FUNC);
	for (i = 0; i < w->p->nr_insns; i++) {
		insn = &w->p->insns[i];
		if (insn->code == (BPF_LD | BPF_IMM | BPF_DW)) {
			if (insn->src_reg == BPF_PSEUDO_FUNC)
				join(w, i + insn->imm + 1, JOIN_FUNC);
			i++;
		} else if (BPF_CLASS(insn->code) != BPF_JMP &&
			   BPF_CLASS(insn->code) != BPF_JMP32) {
			continue;
		} else if (BPF_OP(insn->code) == BPF_CALL) {
			if (insn->src_reg != BPF_PSEUDO_CALL)
				continue;
			if (walk_call_target(w, i, &to))
				join(w, to, JOIN_FUNC);
			join(w, i + 1, JOIN_JUMP);
		} else if (insn->code == (BPF_JMP32 | BPF_JA)) {
			join(w, i + 1 + insn->imm, JOIN_JUMP);
		} else {
			join(w, i + 1 + insn->off, JOIN_JUMP);
		}
	}
}

static void report(struct walk *w)
{
	unsigned int n, i;

	w->report = true;
	w->steps = 0;
	for (n = 0; n < w->nr_places; n++)
		for (i = w->places[n]->start; i < w->places[n]->end; i++)
			if (w->places[n]->at[i - w->places[n]->start])
				follow(w, w->places[n], i);
}

static void walk_free(struct walk *w)
{
	unsigned int n, i;

	for (n = 0; n < w->nr_places; n++) {
		struct place *pl = w->places[n];

		for (i = 0; i < pl->end - pl->start; i++)
			free(pl->at[i]);
		free(pl->saved);
		free(pl->exit);
		free(pl);
	}
	free(w->todo);
	free(w->joins);
	free(w->now);
	free(w);
}

/* May an argument, counted from 0, of an EXT program be a pointer of its caller's? */
static bool arg_points(const struct map_audit_prog *p, unsigned int arg)
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

static void start(struct walk *w)
{
	struct value args[5] = {};
	unsigned int i;

	args[0] = value_pointer(REGION_KERNEL, HOLDS_VALUE, 0);
	for (i = 0; w->p->ext && i < 5; i++) {
		if (!arg_points(w->p, i))
			continue;
		args[i] = value_pointer(REGION_ANY, HOLDS_VALUE, 0);
		value_forget(&args[i]);
	}
	walk_begin(w, args);
}

int map_walk(struct map_audit *a, struct map_audit_prog *p)
{
	struct walk *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (!w)
		return -ENOMEM;
	w->a = a;
	w->p = p;
	w->now = calloc(1, walk_state_size(MAX_FRAMES));
	w->joins = calloc(1, p->nr_insns + 1);
	if (!w->now || !w->joins)
		goto free_walk;
	find_joins(w);
	start(w);
	while (w->nr_todo && !w->gave_up && !w->err) {
		w->nr_todo--;
		follow(w, w->todo[w->nr_todo].place, w->todo[w->nr_todo].insn);
	}
	if (!w->gave_up && !w->err)
		report(w);
	err = w->err;
free_walk:
	walk_free(w);
	return err;
}
