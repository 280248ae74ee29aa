// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Following a program: one instruction */

#include "map_ref.h"
#include "map_writers_insns.h"
#include "map_writers_memory.h"

#ifndef BPF_LOAD_ACQ
#define BPF_LOAD_ACQ	0x100
#define BPF_STORE_REL	0x110
#endif
#define OFF_PERCPU	(-1)		/* the verifier's BPF_ADDR_PERCPU */

void walk_plain_store(struct walk *w, unsigned int i, const struct value *v)
{
	const struct bpf_insn *insn = &w->p->insns[i];
	const struct value *base = &w->now->reg[insn->dst_reg];
	unsigned int size = walk_access_size(insn->code);
	struct map_store s = { .byte = MAP_BYTE_OTHER, .how = "a plain store" };
	struct map_store to;

	walk_range(w, base, insn->off, size, &to);
	if (v->holds & HOLDS_SUM && v->from < to.to + size && v->to >= to.from) {
		s.byte = MAP_BYTE_PLAIN;
		s.how = "not atomic";
		s.other_cpu = base->holds & HOLDS_OTHER_CPU;
		s.wide = v->from < to.from || v->to >= to.to + size;
	}
	walk_store(w, base, insn->off, v, size, &s, i);
}

void walk_atomic(struct walk *w, unsigned int i)
{
	const struct bpf_insn *insn = &w->p->insns[i];
	struct value *reg = w->now->reg, *base = &reg[insn->dst_reg], old, new;
	struct map_store s = { .byte = MAP_BYTE_OTHER };
	unsigned int size = walk_access_size(insn->code);

	if (insn->imm == BPF_LOAD_ACQ) {
		reg[insn->dst_reg] = walk_load(w, &reg[insn->src_reg], insn->off, size, i);
		return;
	}
	new = reg[insn->src_reg];
	if (insn->imm == BPF_STORE_REL) {
		walk_plain_store(w, i, &new);
		return;
	}
	if ((insn->imm & ~BPF_FETCH) == BPF_ADD) {
		s.byte = MAP_BYTE_COUNTER;
		s.how = "atomic";
	} else {
		s.how = "atomic, but no addition";
	}
	old = walk_load(w, base, insn->off, size, i);
	if ((insn->imm & 0xf0) != (BPF_XCHG & 0xf0) &&
	    (insn->imm & 0xf0) != (BPF_CMPXCHG & 0xf0))
		value_forget(&new);
	if (base->holds & HOLDS_STACK)
		value_join(&new, &old, false);
	walk_store(w, base, insn->off, &new, size, &s, i);
	if (insn->imm == BPF_CMPXCHG)
		reg[0] = old;
	else if (insn->imm & BPF_FETCH)
		reg[insn->src_reg] = old;
}

static void move(struct walk *w, unsigned int i)
{
	const struct bpf_insn *insn = &w->p->insns[i];
	struct value *dst = &w->now->reg[insn->dst_reg];
	struct value *src = &w->now->reg[insn->src_reg];
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;

	if (BPF_SRC(insn->code) == BPF_K) {
		*dst = value_number(insn->imm, insn->imm);
		if (!wide)
			*dst = value_number((__u32)insn->imm, (__u32)insn->imm);
	} else if (wide && (!insn->off || insn->off == OFF_PERCPU)) {
		walk_mark_copy(w->now, src, i);
		*dst = *src;
	} else if (!insn->off && !(src->holds & HOLDS_POINTER) && src->low >= 0 &&
		   src->high <= ~0U) {
		walk_mark_copy(w->now, src, i);
		*dst = *src;
	} else {
		*dst = *src;
		dst->holds = (src->holds & (HOLDS_DATA | HOLDS_SUM)) | HOLDS_NUMBER;
		dst->copy = 0;
		if (src->holds & HOLDS_POINTER || insn->off)
			value_forget(dst);
		if (!wide)
			value_clip(dst, 4);
	}
}

/* After the address of a hash's element or of an array, the kernel's own
 * instructions compute the address of the value, or of the pointer to it.
 */
static bool into_map(struct walk *w, struct value *dst, const struct value *src,
		     bool by_reg)
{
	const struct value *map = src->holds & HOLDS_MAP ? src : dst;
	int type;

	if (!(dst->holds & HOLDS_ELEM && !by_reg) && !(map->holds & HOLDS_MAP && by_reg))
		return false;
	type = audit_map(w->a, map->region)->type;
	if (map_is_percpu(type) || map_is_map_in_map(type))
		*dst = value_pointer(map->region, HOLDS_SLOT, 0);
	else
		*dst = value_pointer(map->region, HOLDS_VALUE, 0);
	return true;
}

void walk_alu(struct walk *w, unsigned int i)
{
	const struct bpf_insn *insn = &w->p->insns[i];
	struct value *dst = &w->now->reg[insn->dst_reg], src;
	bool by_reg = BPF_SRC(insn->code) == BPF_X;
	__u8 op = BPF_OP(insn->code);

	if (op == BPF_MOV) {
		move(w, i);
		return;
	}
	if (op == BPF_XOR && !by_reg && insn->dst_reg == NR_REGS - 1)
		walk_finding(w, i, MAP_FINDING_UNKNOWN,
			     "constants are hidden (net.core.bpf_jit_harden)");
	src = by_reg ? w->now->reg[insn->src_reg] : value_number(insn->imm, insn->imm);
	if (op == BPF_END) {
		dst->holds = (dst->holds & (HOLDS_DATA | HOLDS_SUM)) | HOLDS_NUMBER;
		value_forget(dst);
		if (insn->imm == 16 || insn->imm == 32)
			value_clip(dst, insn->imm / 8);
		return;
	}
	if (op == BPF_ADD && BPF_CLASS(insn->code) == BPF_ALU64 &&
	    into_map(w, dst, &src, by_reg))
		return;
	if (by_reg && insn->dst_reg == insn->src_reg &&
	    (op == BPF_XOR || op == BPF_SUB)) {
		*dst = value_number(0, 0);
		return;
	}
	value_alu(dst, &src, insn->code);
}

void walk_load_imm64(struct walk *w, unsigned int i)
{
	const struct bpf_insn *insn = &w->p->insns[i];
	struct value *dst = &w->now->reg[insn->dst_reg];
	__u32 high = i + 1 < w->p->nr_insns ? insn[1].imm : 0;
	__s64 n = (__u64)high << 32 | (__u32)insn->imm;

	switch (insn->src_reg) {
	case BPF_PSEUDO_MAP_FD:
		*dst = value_pointer(insn->imm, HOLDS_MAP, 0);
		break;
	case BPF_PSEUDO_MAP_VALUE:
		*dst = value_pointer(insn->imm, HOLDS_VALUE, high);
		break;
	case BPF_PSEUDO_FUNC:
		*dst = value_pointer(REGION_KERNEL, HOLDS_FUNC, (__s64)i + insn->imm + 1);
		break;
	case 0:
		*dst = value_number(n, n);
		break;
	case BPF_PSEUDO_BTF_ID:
		*dst = value_pointer(REGION_KERNEL, HOLDS_VALUE, 0);
		break;
	default:
		/* An index into a list of maps, which the kernel does not dump */
		*dst = value_pointer(REGION_ANY, HOLDS_MAP | HOLDS_VALUE, 0);
	}
}

/* A pointer that compares equal to 0 is not a pointer */
static void null_pointer(struct value *v, const struct value *zero, __u8 code, bool taken)
{
	__u8 op = BPF_OP(code);

	if (v->holds & HOLDS_POINTER && !zero->low && !zero->high && zero->holds &&
	    !(zero->holds & HOLDS_POINTER) && BPF_CLASS(code) == BPF_JMP &&
	    ((op == BPF_JEQ && taken) || (op == BPF_JNE && !taken)))
		*v = value_number(0, 0);
}

void walk_jump(struct walk *w, unsigned int i, __s64 off)
{
	const struct bpf_insn *insn = &w->p->insns[i];
	struct value *reg = w->now->reg, dst, src, was, was_src;
	bool by_reg = BPF_SRC(insn->code) == BPF_X, taken;
	bool narrow = BPF_CLASS(insn->code) == BPF_JMP32;
	struct state *st = w->now;

	was = reg[insn->dst_reg];
	was_src = by_reg ? reg[insn->src_reg] :
		  narrow ? value_number((__u32)insn->imm, (__u32)insn->imm) :
			   value_number(insn->imm, insn->imm);
	for (taken = true;; taken = false) {
		dst = was;
		src = was_src;
		if (!((was.holds | was_src.holds) & HOLDS_POINTER))
			value_refine(&dst, &src, insn->code, taken);
		null_pointer(&dst, &was_src, insn->code, taken);
		reg[insn->dst_reg] = dst;
		if (by_reg)
			reg[insn->src_reg] = src;
		if (dst.copy)
			walk_for_copies(st, &dst, dst.copy);
		if (by_reg && src.copy && src.copy != dst.copy)
			walk_for_copies(st, &src, src.copy);
		if (!taken)
			return;
		walk_flow(w, w->place, (__s64)i + 1 + off, st);
		/* Restore the state for the other way */
		if (dst.copy)
			walk_for_copies(st, &was, was.copy);
		if (by_reg && was_src.copy)
			walk_for_copies(st, &was_src, was_src.copy);
	}
}
