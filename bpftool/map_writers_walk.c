// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Follows the translated instructions of one program
 *
 * At each instruction that is jumped to stands what the registers and the stack
 * may hold there, whichever way it was reached; these grow until nothing changes.
 * Then each instruction is looked at once more, and the stores are reported. A
 * called function is followed anew for each place that calls it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map_writers_walk.h"

#define MAX_PLACES	1000		/* functions as called from a place */
#define MAX_STEPS	4000000		/* instructions, about a second */
#define MAX_STATES	(256u << 20)	/* bytes */
#define MANY_VISITS	60		/* then a loop's ranges are widened */

#ifndef BPF_LOAD_ACQ
#define BPF_LOAD_ACQ	0x100
#define BPF_STORE_REL	0x110
#endif
#define MODE_MEMSX	0x80
#define OFF_PERCPU	(-1)		/* the verifier's BPF_ADDR_PERCPU */

/* A function, as called from one place */
struct place {
	struct place *caller;
	unsigned int call;		/* the instruction that calls it */
	unsigned int start, end, depth;
	bool callback;
	struct state *saved;		/* of the caller behind the call */
	struct state *exit;
	struct state *at[];
};

struct walk {
	struct map_audit *a;
	struct map_audit_prog *p;
	struct place *places[MAX_PLACES];
	unsigned int nr_places;
	struct { struct place *place; unsigned int insn; } *todo;
	unsigned int nr_todo, max_todo;
	__u8 *joins;			/* instructions that are jumped to, functions */
	unsigned int steps;
	size_t bytes;
	bool report;			/* all is known: report stores */
	bool gave_up;
	int err;
	struct state *now;
	struct place *place;
};

enum { JOIN_JUMP = 1, JOIN_FUNC = 2 };

static void finding(struct walk *w, unsigned int i, enum map_finding_kind kind,
		    const char *what, const char *name)
{
	if (w->report)
		audit_finding(w->a, w->p, i, kind, what, name);
}

/* Nothing that was found until now counts: the whole program is a finding */
static void give_up(struct walk *w, unsigned int i, const char *why)
{
	if (w->gave_up)
		return;
	w->gave_up = true;
	audit_finding(w->a, w->p, i, MAP_FINDING_UNKNOWN, "%s", why);
}

static size_t state_size(unsigned int frames)
{
	return sizeof(struct state) + frames * sizeof(struct value[NR_SLOTS]);
}

static struct state *state_new(struct walk *w, unsigned int frames)
{
	struct state *st;

	w->bytes += state_size(frames);
	if (w->bytes > MAX_STATES) {
		give_up(w, 0, "the program is too large to follow");
		return NULL;
	}
	st = calloc(1, state_size(frames));
	if (!st)
		w->err = -ENOMEM;
	else
		st->nr_frames = frames;
	return st;
}

/* Is a pointer or map of this kind one into a value of MAP, or may be? */
static bool is_ours(const struct walk *w, const struct value *v, __u16 kind)
{
	return v->holds & kind &&
	       (v->region == audit_map_id(w->a) || v->region == REGION_ANY ||
		(v->region == REGION_INNER && w->a->inner));
}

/* The state at an instruction is also this one: it has to be followed from there */
static void flow(struct walk *w, struct place *pl, unsigned int insn,
		 const struct state *st)
{
	struct state **at, *old;
	void *more;

	if (w->report || w->gave_up || w->err)
		return;
	if (insn < pl->start || insn >= pl->end) {
		give_up(w, insn, "a jump leaves its function");
		return;
	}
	at = &pl->at[insn - pl->start];
	if (!*at) {
		*at = state_new(w, pl->depth + 1);
		if (!*at)
			return;
	}
	old = *at;
	if (!state_join(old, st, old->visits > MANY_VISITS) && old->visits)
		return;
	old->visits++;
	if (old->queued)
		return;
	if (w->nr_todo == w->max_todo) {
		w->max_todo = w->max_todo * 2 + 64;
		more = realloc(w->todo, w->max_todo * sizeof(*w->todo));
		if (!more) {
			w->err = -ENOMEM;
			return;
		}
		w->todo = more;
	}
	old->queued = true;
	w->todo[w->nr_todo].place = pl;
	w->todo[w->nr_todo++].insn = insn;
}

/* Values that are the same number carry the same mark */

static void for_copies(struct state *st, const struct value *like, __u32 copy)
{
	unsigned int i, j;

	for (i = 0; i < NR_REGS; i++) {
		if (st->reg[i].copy != copy)
			continue;
		if (like)
			st->reg[i] = *like;
		else
			st->reg[i].copy = 0;
	}
	for (i = 0; i < st->nr_frames; i++) {
		for (j = 0; j < NR_SLOTS; j++) {
			struct value *slot = &st->slot[i][j];
			__u8 dirty = slot->dirty;

			if (slot->copy != copy)
				continue;
			if (like)
				*slot = *like;
			else
				slot->copy = 0;
			slot->dirty = dirty;
		}
	}
}

static void mark_copy(struct state *st, struct value *v, unsigned int insn)
{
	if (v->copy || v->holds & HOLDS_POINTER || v->low == v->high)
		return;
	for_copies(st, NULL, insn + 1);
	v->copy = insn + 1;
}

/* Memory */

/* Slots of the stack that an access may touch; false: it is not on the stack */
static bool stack_range(const struct value *base, __s64 off, unsigned int size,
			__s64 *low, __s64 *high)
{
	__s64 most = NR_SLOTS * 8;

	if (__builtin_add_overflow(base->low, off, low) ||
	    __builtin_add_overflow(*low, most, low) || *low < 0)
		*low = 0;
	if (base->high == MOST || __builtin_add_overflow(base->high, off, high) ||
	    __builtin_add_overflow(*high, most + size - 1, high) || *high >= most)
		*high = most - 1;
	return *low <= *high;
}

static void store_slot(struct value *slot, const struct value *v, unsigned int first,
		       unsigned int size, bool sure)
{
	__u8 bytes = ((1u << size) - 1) << first;
	__u8 dirty = slot->dirty & ~(sure ? bytes : 0);
	struct value number = value_number(LEAST, MOST);

	if (v->holds & HOLDS_DATA)
		dirty |= bytes;
	if (size == 8 && sure) {
		*slot = *v;
	} else if (size == 8) {
		value_join(slot, v, false);
	} else {
		/* A pointer that is written over in part is none any more */
		number.holds |= v->holds & (HOLDS_DATA | HOLDS_SUM);
		number.from = v->from;
		number.to = v->to;
		if (sure)
			slot->holds &= ~HOLDS_POINTER;
		value_join(slot, &number, false);
	}
	if (!slot->holds)
		slot->holds = HOLDS_NUMBER;
	slot->dirty = dirty;
	if (!dirty)
		slot->holds &= ~(HOLDS_DATA | HOLDS_SUM);
}

static void store_stack(struct walk *w, const struct value *base, __s64 off,
			const struct value *v, unsigned int size, bool sure)
{
	struct state *st = w->now;
	unsigned int f, from, to;
	__s64 low, high, at;

	if (!stack_range(base, off, size, &low, &high))
		return;
	sure = sure && base->low == base->high && base->frame != ANY_FRAME &&
	       !(base->holds & HOLDS_POINTER & ~HOLDS_STACK);
	for (f = 0; f < st->nr_frames; f++) {
		if (base->frame != ANY_FRAME && base->frame != f)
			continue;
		for (at = low & ~7LL; at <= high; at += 8) {
			from = low > at ? low - at : 0;
			to = high < at + 7 ? high - at : 7;
			if (sure || from || to < 7)
				store_slot(&st->slot[f][at / 8], v, from,
					   to - from + 1, sure);
			else
				store_slot(&st->slot[f][at / 8], v, 0, 8, false);
		}
	}
}

/* Does memory on the stack hold what was read out of MAP? */
static bool stack_dirty(struct walk *w, const struct value *base, unsigned int size,
			struct value *sum)
{
	struct state *st = w->now;
	bool dirty = false;
	unsigned int f, i;
	__s64 low, high, at;

	if (!stack_range(base, 0, size, &low, &high))
		return false;
	for (f = 0; f < st->nr_frames; f++) {
		if (base->frame != ANY_FRAME && base->frame != f)
			continue;
		for (at = low & ~7LL; at <= high; at += 8) {
			for (i = 0; i < 8; i++)
				if (at + i >= low && at + i <= high &&
				    st->slot[f][at / 8].dirty & 1 << i)
					dirty = true;
			if (sum)
				value_join(sum, &st->slot[f][at / 8], false);
		}
	}
	return dirty;
}

static struct value data_of(struct walk *w, __u32 from, __u32 to)
{
	struct value v = value_number(LEAST, MOST);

	v.holds |= HOLDS_DATA;
	v.from = from;
	v.to = to;
	return v;
}

/* Bytes of MAP's values that an access may touch. Returns false if these are all
 * for want of better. The verifier has seen that it is within the value.
 */
static bool value_range(struct walk *w, const struct value *base, __s64 off,
			unsigned int size, struct map_store *range)
{
	__s64 most = (__s64)audit_value_size(w->a) - size, low, high;

	range->size = size;
	range->step = 1;
	range->from = 0;
	range->to = most > 0 ? most : 0;
	if (base->low == LEAST || base->high == MOST ||
	    __builtin_add_overflow(base->low, off, &low) ||
	    __builtin_add_overflow(base->high, off, &high) || low < 0 || low > most)
		return false;
	range->from = low;
	if (high > most)
		high = most - (most - low) % (base->step ?: 1);
	range->to = high;
	range->step = base->step && base->step < MOST >> 32 ? base->step : 1;
	return true;
}

static struct value load_stack(struct walk *w, const struct value *base, __s64 off,
			       unsigned int size, unsigned int insn)
{
	struct value sum = {}, at = *base, *slot;
	__s64 low, high;
	bool dirty;

	if (base->low == base->high && base->frame < w->now->nr_frames &&
	    stack_range(base, off, size, &low, &high) && size == 8 && !(low & 7)) {
		slot = &w->now->slot[base->frame][low / 8];
		mark_copy(w->now, slot, insn);
		sum = *slot;
	} else if (!__builtin_add_overflow(at.low, off, &at.low) &&
		   !__builtin_add_overflow(at.high, off, &at.high)) {
		dirty = stack_dirty(w, &at, size, &sum);
		if (!dirty)
			sum.holds &= ~(HOLDS_DATA | HOLDS_SUM);
		if (size < 8)
			sum.holds &= ~HOLDS_POINTER;
		sum.low = LEAST;
		sum.high = MOST;
		sum.step = 1;
		sum.copy = 0;
	} else {
		sum = data_of(w, 0, ~0U);
	}
	sum.dirty = 0;
	if (!(sum.holds & HOLDS_POINTER))
		sum.holds |= HOLDS_NUMBER;
	return sum;
}

/* What stands in the pointers of a per-CPU map, or of a map-in-map */
static struct value load_slot(struct walk *w, __u32 region)
{
	int type = audit_map_type(w->a, region);

	if (type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS)
		return value_pointer(REGION_INNER, HOLDS_MAP, 0);
	return value_pointer(region, HOLDS_VALUE, 0);
}

static struct value load(struct walk *w, const struct value *base, __s64 off,
			 unsigned int size, unsigned int insn)
{
	const __u16 plain = HOLDS_NUMBER | HOLDS_MAP | HOLDS_ELEM | HOLDS_FUNC;
	struct value sum = {}, v;
	struct map_store range;

	if (base->holds & HOLDS_STACK)
		sum = load_stack(w, base, off, size, insn);
	if (base->holds & HOLDS_SLOT) {
		v = load_slot(w, base->region);
		value_join(&sum, &v, false);
	}
	if (is_ours(w, base, HOLDS_VALUE)) {
		value_range(w, base, off, size, &range);
		v = data_of(w, range.from, range.to + size - 1);
		value_join(&sum, &v, false);
	}
	if (base->holds & (plain | HOLDS_VALUE) || !base->holds) {
		__u32 region = base->holds & HOLDS_VALUE ? base->region : REGION_KERNEL;

		v = audit_leaked(w->a, region) ? data_of(w, 0, ~0U) :
						  value_number(LEAST, MOST);
		value_join(&sum, &v, false);
	}
	if (size < 8) {
		sum.holds = (sum.holds & ~HOLDS_POINTER) | HOLDS_NUMBER;
		value_clip(&sum, size);
	}
	return sum;
}

static void store_ours(struct walk *w, const struct value *base, __s64 off,
		       struct map_store *s, unsigned int size, unsigned int insn)
{
	if (!w->report)
		return;
	if (w->p->ext && base->region == REGION_ANY) {
		finding(w, insn, MAP_FINDING_UNKNOWN,
			"%swrites through a pointer that the program it extends may have from the map",
			"");
		return;
	}
	s->insn = insn;
	s->unknown = !value_range(w, base, off, size, s);
	/* The verifier has no atomic that is not aligned */
	if (s->byte == MAP_BYTE_COUNTER && s->step % size) {
		s->from = (s->from + size - 1) / size * size;
		s->step = size;
	}
	if (base->region == REGION_ANY)
		s->how = "in a value that may be the map's";
	audit_store(w->a, w->p, s);
}

static void store(struct walk *w, const struct value *base, __s64 off,
		  const struct value *v, unsigned int size, struct map_store *s,
		  unsigned int insn)
{
	__u32 region = base->holds & HOLDS_VALUE ? base->region : REGION_KERNEL;

	if (base->holds & HOLDS_STACK)
		store_stack(w, base, off, v, size, s->byte != MAP_BYTE_COUNTER);
	if (is_ours(w, base, HOLDS_VALUE))
		store_ours(w, base, off, s, size, insn);
	if (is_ours(w, base, HOLDS_SLOT))
		finding(w, insn, MAP_FINDING_UNKNOWN, "%swrites to a map's pointers", "");
	if (base->holds && !(base->holds & ~(HOLDS_STACK | HOLDS_DATA | HOLDS_SUM)))
		return;
	if (is_ours(w, v, HOLDS_VALUE))
		finding(w, insn, MAP_FINDING_UNKNOWN,
			"%skeeps the address of a value in memory", "");
	if (v->holds & HOLDS_DATA && region != audit_map_id(w->a))
		audit_leak(w->a, region);
}

/* Instructions */

static unsigned int access_size(__u8 code)
{
	switch (BPF_SIZE(code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

static void plain_store(struct walk *w, unsigned int i, const struct value *v)
{
	const struct bpf_insn *insn = &w->p->insns[i];
	const struct value *base = &w->now->reg[insn->dst_reg];
	unsigned int size = access_size(insn->code);
	struct map_store s = { .byte = MAP_BYTE_OTHER, .how = "a plain store" };
	struct map_store to;

	value_range(w, base, insn->off, size, &to);
	if (v->holds & HOLDS_SUM && v->from < to.to + size && v->to >= to.from) {
		s.byte = MAP_BYTE_PLAIN;
		s.how = "not atomic";
	}
	store(w, base, insn->off, v, size, &s, i);
}

static void atomic(struct walk *w, unsigned int i)
{
	const struct bpf_insn *insn = &w->p->insns[i];
	struct value *reg = w->now->reg, *base = &reg[insn->dst_reg], old, new;
	struct map_store s = { .byte = MAP_BYTE_OTHER };
	unsigned int size = access_size(insn->code);

	if (insn->imm == BPF_LOAD_ACQ) {
		reg[insn->dst_reg] = load(w, &reg[insn->src_reg], insn->off, size, i);
		return;
	}
	new = reg[insn->src_reg];
	if (insn->imm == BPF_STORE_REL) {
		plain_store(w, i, &new);
		return;
	}
	if ((insn->imm & ~BPF_FETCH) == BPF_ADD) {
		s.byte = MAP_BYTE_COUNTER;
		s.how = "atomic";
	} else {
		s.how = "atomic, but no addition";
	}
	old = load(w, base, insn->off, size, i);
	if ((insn->imm & 0xf0) != (BPF_XCHG & 0xf0) &&
	    (insn->imm & 0xf0) != (BPF_CMPXCHG & 0xf0)) {
		new.low = LEAST;
		new.high = MOST;
		new.step = 1;
		new.copy = 0;
	}
	if (base->holds & HOLDS_STACK)
		value_join(&new, &old, false);
	store(w, base, insn->off, &new, size, &s, i);
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
		mark_copy(w->now, src, i);
		*dst = *src;
	} else if (!insn->off && !(src->holds & HOLDS_POINTER) && src->low >= 0 &&
		   src->high <= ~0U) {
		mark_copy(w->now, src, i);
		*dst = *src;
	} else {
		*dst = *src;
		dst->holds = (src->holds & (HOLDS_DATA | HOLDS_SUM)) | HOLDS_NUMBER;
		dst->copy = 0;
		if (src->holds & HOLDS_POINTER || insn->off) {
			dst->low = LEAST;
			dst->high = MOST;
			dst->step = 1;
		}
		if (!wide)
			value_clip(dst, 4);
	}
}

/* Behind the address of a hash's element or of an array the kernel's own
 * instructions add up where the value stands, or the pointer to it.
 */
static bool into_map(struct walk *w, struct value *dst, const struct value *src,
		     bool by_reg)
{
	const struct value *map = src->holds & HOLDS_MAP ? src : dst;
	int type;

	if (dst->holds & HOLDS_ELEM && !by_reg) {
		type = audit_map_type(w->a, dst->region);
	} else if (map->holds & HOLDS_MAP && by_reg) {
		type = audit_map_type(w->a, map->region);
	} else {
		return false;
	}
	if (type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
	    type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	    type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS)
		*dst = value_pointer(map->region, HOLDS_SLOT, 0);
	else
		*dst = value_pointer(map->region, HOLDS_VALUE, 0);
	return true;
}

static void arithmetic(struct walk *w, unsigned int i)
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
		finding(w, i, MAP_FINDING_UNKNOWN,
			"%sconstants are hidden (net.core.bpf_jit_harden)", "");
	src = by_reg ? w->now->reg[insn->src_reg] : value_number(insn->imm, insn->imm);
	if (op == BPF_END) {
		dst->holds = (dst->holds & (HOLDS_DATA | HOLDS_SUM)) | HOLDS_NUMBER;
		dst->low = LEAST;
		dst->high = MOST;
		dst->step = 1;
		dst->copy = 0;
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

static void load_imm64(struct walk *w, unsigned int i)
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
		/* An index among maps, which the kernel does not dump */
		*dst = value_pointer(REGION_ANY, HOLDS_MAP | HOLDS_VALUE, 0);
	}
}

/* Calls */

/* Where the function behind a call starts. Its distance is in off, cut to 16 bits;
 * imm is the function's number by then, if the program was compiled.
 */
static bool call_target(struct walk *w, unsigned int i, unsigned int *target)
{
	const struct bpf_insn *insn = &w->p->insns[i];
	const struct bpf_prog_info *info = w->p->info;
	const struct bpf_func_info *func;
	__s64 to = (__s64)i + 1 + insn->off;
	bool sure = w->p->nr_insns <= 0x7fff;

	if (info && info->nr_func_info > (__u32)insn->imm && insn->imm > 0) {
		func = (void *)(unsigned long)info->func_info +
		       insn->imm * info->func_info_rec_size;
		if ((__s16)((__s64)func->insn_off - i - 1) == insn->off) {
			to = func->insn_off;
			sure = true;
		}
	}
	if (!sure || to < 0 || to >= w->p->nr_insns)
		return false;
	*target = to;
	return true;
}

static struct place *find_place(struct walk *w, unsigned int call, unsigned int start,
				bool callback)
{
	unsigned int end = start + 1, n;
	struct place *pl;

	for (n = 0; n < w->nr_places; n++) {
		pl = w->places[n];
		if (pl->caller == w->place && pl->call == call && pl->start == start &&
		    pl->callback == callback)
			return pl;
	}
	if (w->report || w->gave_up)
		return NULL;
	if (w->nr_places == MAX_PLACES ||
	    (w->place && w->place->depth + 1 >= MAX_FRAMES)) {
		give_up(w, call, "its functions call each other too often to follow");
		return NULL;
	}
	while (end < w->p->nr_insns && !(w->joins[end] & JOIN_FUNC))
		end++;
	w->bytes += (end - start) * sizeof(*pl->at);
	pl = calloc(1, sizeof(*pl) + (end - start) * sizeof(*pl->at));
	if (!pl) {
		w->err = -ENOMEM;
		return NULL;
	}
	pl->caller = w->place;
	pl->call = call;
	pl->start = start;
	pl->end = end;
	pl->callback = callback;
	pl->depth = w->place ? w->place->depth + 1 : 0;
	w->places[w->nr_places++] = pl;
	return pl;
}

/* Joins into *@to, making it */
static bool save(struct walk *w, struct state **to, const struct state *from)
{
	bool first = !*to;

	if (first)
		*to = state_new(w, from->nr_frames);
	if (!*to)
		return false;
	(*to)->visits++;
	return state_join(*to, from, (*to)->visits > MANY_VISITS) || first;
}

static void enter(struct walk *w, struct place *pl, const struct value *args,
		  const struct state *frames)
{
	struct state *st = state_new(w, pl->depth + 1);

	if (!st)
		return;
	w->bytes -= state_size(pl->depth + 1);
	memcpy(&st->reg[1], args, 5 * sizeof(*args));
	st->reg[10] = value_pointer(REGION_KERNEL, HOLDS_STACK, 0);
	st->reg[10].frame = pl->depth;
	if (frames)
		memcpy(st->slot, frames->slot, pl->depth * sizeof(st->slot[0]));
	flow(w, pl, pl->start, st);
	free(st);
}

/* Goes on behind the call, or calls a callback again */
static void leave(struct walk *w, struct place *pl)
{
	struct state *st;
	unsigned int i;

	if (!pl->caller || !pl->exit || !pl->saved)
		return;
	st = state_new(w, pl->depth);
	if (!st)
		return;
	w->bytes -= state_size(pl->depth);
	memcpy(st->slot, pl->exit->slot, pl->depth * sizeof(st->slot[0]));
	memcpy(st->reg, pl->saved->reg, sizeof(st->reg));
	for (i = 0; i < NR_REGS; i++)
		st->reg[i].copy = 0;
	if (!pl->callback)
		st->reg[0] = pl->exit->reg[0];
	flow(w, pl->caller, pl->call + 1, st);
	if (pl->callback && pl->at[0])
		enter(w, pl, &pl->at[0]->reg[1], st);
	free(st);
}

static void clobber(struct state *st)
{
	unsigned int r;

	for (r = 0; r <= 5; r++)
		st->reg[r] = value_number(LEAST, MOST);
}

static void call_function(struct walk *w, unsigned int i)
{
	struct value args[5];
	struct place *pl;
	unsigned int to;

	if (!call_target(w, i, &to)) {
		give_up(w, i, "can't tell which function is called");
		return;
	}
	pl = find_place(w, i, to, false);
	if (!pl || w->report)
		return;
	memcpy(args, &w->now->reg[1], sizeof(args));
	enter(w, pl, args, w->now);
	clobber(w->now);
	if (save(w, &pl->saved, w->now))
		leave(w, pl);
}

/* A helper calls @func, any number of times, then returns */
static void call_back(struct walk *w, unsigned int i, const struct value *func,
		      const struct value *args)
{
	struct place *pl;

	if (func->low != func->high || func->low < 0 || func->low >= w->p->nr_insns) {
		give_up(w, i, "can't tell which function is called back");
		return;
	}
	pl = find_place(w, i, func->low, true);
	if (!pl || w->report)
		return;
	flow(w, w->place, i + 1, w->now);
	enter(w, pl, args, w->now);
	if (save(w, &pl->saved, w->now))
		leave(w, pl);
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && !strcmp(name + n - m, end);
}

/* Is what a pointer leads to computed from what was read out of MAP? */
static bool leads_to_data(struct walk *w, const struct value *v, unsigned int size)
{
	if (v->holds & HOLDS_STACK && stack_dirty(w, v, size, NULL))
		return true;
	if (is_ours(w, v, HOLDS_VALUE))
		return true;
	return v->holds & HOLDS_VALUE && audit_leaked(w->a, v->region);
}

static void call_update(struct walk *w, unsigned int i, const struct value *map,
			const struct value *key, const struct value *value)
{
	bool data;

	if (!is_ours(w, map, HOLDS_MAP)) {
		/* Its size is not asked for: up to the end of the stack */
		if (leads_to_data(w, value, NR_SLOTS * 8) ||
		    leads_to_data(w, key, NR_SLOTS * 8))
			audit_leak(w->a, map->region);
		return;
	}
	data = leads_to_data(w, value, audit_value_size(w->a));
	if (!w->report)
		return;
	w->p->updates = true;
	if (data)
		finding(w, i, MAP_FINDING_UPDATE,
			"%supdates an entry with a value that was read out of the map", "");
	else
		audit_store(w->a, w->p, &(struct map_store){ .insn = i,
			    .how = "an update with a value of the program's own" });
}

/* Memory that a helper writes: with @data what it may have read out of MAP */
static void helper_writes(struct walk *w, unsigned int i, const struct value *v,
			  const struct value *size, bool data)
{
	struct map_store s = { .byte = MAP_BYTE_OTHER, .how = "written by a helper" };
	unsigned int n = audit_value_size(w->a);
	struct value what = data ? data_of(w, 0, ~0U) : value_number(LEAST, MOST);
	struct value from = *v;

	if (size && size->low >= 0 && size->high < n)
		n = size->high;
	if (is_ours(w, v, HOLDS_VALUE) && n) {
		/* All bytes from there: as many stores of one byte */
		if (from.high != MOST && from.high + n - 1 > from.high)
			from.high += n - 1;
		from.step = 1;
		store_ours(w, &from, 0, &s, 1, i);
	}
	if (!data)
		return;
	if (v->holds & HOLDS_STACK) {
		from = *v;
		from.high = MOST;
		store_stack(w, &from, 0, &what, 1, false);
	}
	if (v->holds & HOLDS_VALUE && v->region != audit_map_id(w->a))
		audit_leak(w->a, v->region);
}

static void call_other(struct walk *w, unsigned int i, struct call *call)
{
	struct value args[6];
	bool data = false;
	unsigned int n;

	memcpy(args, w->now->reg, sizeof(args));
	for (n = 1; n <= call->nr_args; n++)
		if (is_ours(w, &args[n], HOLDS_POINTER) || args[n].holds & HOLDS_DATA ||
		    leads_to_data(w, &args[n], NR_SLOTS * 8))
			break;
	if (n <= call->nr_args)
		audit_call_args(w->a, call);
	for (n = 1; n <= call->nr_args; n++) {
		if (is_ours(w, &args[n], HOLDS_MAP | HOLDS_ELEM | HOLDS_SLOT))
			finding(w, i, MAP_FINDING_UNKNOWN, call->name ?
				"hands the map to %s(), which is not known" :
				"kernel.kptr_restrict hides what it calls%s",
				call->name ?: "");
		else if (is_ours(w, &args[n], HOLDS_VALUE) && !call->known)
			finding(w, i, MAP_FINDING_UNKNOWN, call->name ?
				"hands the address of a value to %s(), which is not known" :
				"kernel.kptr_restrict hides what it calls%s",
				call->name ?: "");
		data |= args[n].holds & HOLDS_DATA || leads_to_data(w, &args[n],
								    NR_SLOTS * 8);
	}
	for (n = 1; n <= call->nr_args; n++)
		if (call->writes & 1 << n)
			helper_writes(w, i, &args[n], n < 5 && call->sized & 1 << n ?
				      &args[n + 1] : NULL, data);
	clobber(w->now);
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

/* A helper is called with functions to call back, among all its arguments */
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
		call_other(w, i, call);	/* who knows what it does itself */
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
		clobber(w->now);
		call_back(w, i, &in[n], args);
	}
}

static void call_lookup(struct walk *w, unsigned int i, const char *name)
{
	struct value map = w->now->reg[1], *ret = &w->now->reg[0];
	int type = audit_map_type(w->a, map.region);

	clobber(w->now);
	if (!(map.holds & HOLDS_MAP))
		*ret = value_pointer(REGION_ANY, HOLDS_VALUE, 0);
	else if (!strncmp(name, "__", 2))
		*ret = value_pointer(map.region, HOLDS_ELEM, 0);
	else if (type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS)
		*ret = value_pointer(REGION_INNER, HOLDS_MAP, 0);
	else
		*ret = value_pointer(map.region, HOLDS_VALUE, 0);
}

/* Returns false where what follows was seen to already */
static bool call_helper(struct walk *w, unsigned int i)
{
	struct value *reg = w->now->reg, map = reg[1];
	struct call call = { .nr_args = 5 };
	const char *name;

	audit_call(w->a, w->p, i, &call);
	name = call.name ?: "";
	if (ends_in(name, "_lookup_elem") || ends_in(name, "_lookup_percpu_elem")) {
		call_lookup(w, i, name);
	} else if (ends_in(name, "_update_elem") || ends_in(name, "_push_elem")) {
		if (ends_in(name, "_push_elem"))
			call_update(w, i, &map, &reg[2], &reg[2]);
		else
			call_update(w, i, &map, &reg[2], &reg[3]);
		clobber(w->now);
	} else if (ends_in(name, "_delete_elem")) {
		if (w->report && is_ours(w, &map, HOLDS_MAP)) {
			w->p->deletes = true;
			finding(w, i, MAP_FINDING_DELETE, "%sdeletes an entry", "");
		}
		clobber(w->now);
	} else if (ends_in(name, "_pop_elem") || ends_in(name, "_peek_elem")) {
		helper_writes(w, i, &reg[2], NULL, is_ours(w, &map, HOLDS_MAP) ||
			      audit_leaked(w->a, map.region));
		clobber(w->now);
	} else if (has_callback(reg)) {
		call_callbacks(w, i, &call);
		return false;
	} else {
		call_other(w, i, &call);
		if (!strcmp(name, "bpf_ringbuf_reserve"))
			reg[0] = value_pointer(REGION_RINGBUF, HOLDS_VALUE, 0);
	}
	return true;
}

/* Jumps */

/* A pointer that compares as 0 is none */
static void null_pointer(struct value *v, const struct value *zero, __u8 code, bool taken)
{
	__u8 op = BPF_OP(code);

	if (v->holds & HOLDS_POINTER && !zero->low && !zero->high && zero->holds &&
	    !(zero->holds & HOLDS_POINTER) && BPF_CLASS(code) == BPF_JMP &&
	    ((op == BPF_JEQ && taken) || (op == BPF_JNE && !taken)))
		*v = value_number(0, 0);
}

static void jump(struct walk *w, unsigned int i, __s64 off)
{
	const struct bpf_insn *insn = &w->p->insns[i];
	struct value *reg = w->now->reg, dst, src, was, was_src;
	bool by_reg = BPF_SRC(insn->code) == BPF_X, taken;
	bool narrow = BPF_CLASS(insn->code) == BPF_JMP32;
	struct state *st = w->now;
	__s64 to = (__s64)i + 1 + off;

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
			for_copies(st, &dst, dst.copy);
		if (by_reg && src.copy && src.copy != dst.copy)
			for_copies(st, &src, src.copy);
		if (!taken)
			return;
		if (to < 0 || to >= w->p->nr_insns)
			give_up(w, i, "a jump leaves the program");
		else
			flow(w, w->place, to, st);
		/* As it was, for the other way */
		if (dst.copy)
			for_copies(st, &was, was.copy);
		if (by_reg && was_src.copy)
			for_copies(st, &was_src, was_src.copy);
	}
}

/* Returns false where the instructions do not go on with the next */
static bool jump_class(struct walk *w, unsigned int i)
{
	const struct bpf_insn *insn = &w->p->insns[i];
	bool wide = BPF_CLASS(insn->code) == BPF_JMP;
	struct state *st = w->now;
	__s64 to;

	switch (BPF_OP(insn->code)) {
	case BPF_CALL:
		if (insn->src_reg == BPF_PSEUDO_CALL) {
			call_function(w, i);
			return false;
		}
		return call_helper(w, i);
	case BPF_EXIT:
		if (!w->report && save(w, &w->place->exit, st))
			leave(w, w->place);
		return false;
	case BPF_JA:
		to = (__s64)i + 1 + (wide ? insn->off : insn->imm);
		if (to < 0 || to >= w->p->nr_insns)
			give_up(w, i, "a jump leaves the program");
		else
			flow(w, w->place, to, st);
		return false;
	case 0xe0:	/* BPF_JCOND: either way */
		to = (__s64)i + 1 + insn->off;
		if (to >= 0 && to < w->p->nr_insns)
			flow(w, w->place, to, st);
		return true;
	default:
		jump(w, i, insn->off);
		return true;
	}
}

static bool step(struct walk *w, unsigned int *i)
{
	const struct bpf_insn *insn = &w->p->insns[*i];
	struct value *reg = w->now->reg, v;
	bool on = true;

	if (insn->dst_reg >= NR_REGS || insn->src_reg >= NR_REGS) {
		give_up(w, *i, "can't tell what the instruction does");
		return false;
	}
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		arithmetic(w, *i);
		break;
	case BPF_LDX:
		v = load(w, &reg[insn->src_reg], insn->off, access_size(insn->code), *i);
		if (BPF_MODE(insn->code) & MODE_MEMSX && !(v.holds & HOLDS_POINTER)) {
			v.low = LEAST;
			v.high = MOST;
			v.step = 1;
		}
		reg[insn->dst_reg] = v;
		break;
	case BPF_ST:
		v = value_number(insn->imm, insn->imm);
		plain_store(w, *i, &v);
		break;
	case BPF_STX:
		mark_copy(w->now, &reg[insn->src_reg], *i);
		v = reg[insn->src_reg];
		if (BPF_MODE(insn->code) == BPF_ATOMIC ||
		    BPF_MODE(insn->code) == 0xe0)	/* of an arena */
			atomic(w, *i);
		else
			plain_store(w, *i, &v);
		break;
	case BPF_LD:
		if (insn->code == (BPF_LD | BPF_IMM | BPF_DW)) {
			load_imm64(w, *i);
			++*i;
		} else {
			clobber(w->now);
		}
		break;
	default:
		on = jump_class(w, *i);
	}
	++*i;
	return on;
}

/* Follows from an instruction up to where its way joins another */
static void follow(struct walk *w, struct place *pl, unsigned int i)
{
	unsigned int first = i;
	struct state *st = pl->at[i - pl->start];

	w->place = pl;
	memcpy(w->now, st, state_size(st->nr_frames));
	while (!w->gave_up && !w->err) {
		if (w->steps++ == MAX_STEPS) {
			give_up(w, i, "the program is too large to follow");
			return;
		}
		if (!step(w, &i))
			return;
		if (i >= pl->end) {
			if (!w->gave_up)
				give_up(w, first, "a function has no end");
			return;
		}
		if (w->joins[i] || (w->report && pl->at[i - pl->start])) {
			flow(w, pl, i, w->now);
			return;
		}
	}
}

static void find_joins(struct walk *w)
{
	const struct bpf_insn *insn;
	unsigned int i, to;
	__s64 at;

	w->joins[0] = JOIN_FUNC;
	for (i = 0; i < w->p->nr_insns; i++) {
		insn = &w->p->insns[i];
		at = -1;
		if (insn->code == (BPF_LD | BPF_IMM | BPF_DW)) {
			if (insn->src_reg == BPF_PSEUDO_FUNC) {
				at = (__s64)i + insn->imm + 1;
				if (at >= 0 && at < w->p->nr_insns)
					w->joins[at] |= JOIN_FUNC;
			}
			i++;
			continue;
		}
		if (BPF_CLASS(insn->code) != BPF_JMP && BPF_CLASS(insn->code) != BPF_JMP32)
			continue;
		if (BPF_OP(insn->code) == BPF_CALL) {
			if (insn->src_reg == BPF_PSEUDO_CALL && call_target(w, i, &to))
				w->joins[to] |= JOIN_FUNC;
			at = (__s64)i + 1;
			if (insn->src_reg != BPF_PSEUDO_CALL)
				continue;
		} else if (insn->code == (BPF_JMP32 | BPF_JA)) {
			at = (__s64)i + 1 + insn->imm;
		} else {
			at = (__s64)i + 1 + insn->off;
		}
		if (at >= 0 && at < w->p->nr_insns)
			w->joins[at] |= JOIN_JUMP;
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

static void start(struct walk *w)
{
	struct value args[5] = {};
	struct place *main;
	unsigned int i;

	args[0] = value_pointer(REGION_KERNEL, HOLDS_VALUE, 0);
	for (i = 0; w->p->ext && i < 5; i++) {
		if (!audit_arg_points(w->p, i))
			continue;
		args[i] = value_pointer(REGION_ANY, HOLDS_VALUE, 0);
		args[i].low = LEAST;
		args[i].high = MOST;
	}
	main = find_place(w, 0, 0, false);
	if (main)
		enter(w, main, args, NULL);
}

int map_walk(struct map_audit *a, struct map_audit_prog *p)
{
	struct walk *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (!w)
		return -ENOMEM;
	w->a = a;
	w->p = p;
	w->now = calloc(1, state_size(MAX_FRAMES));
	w->joins = calloc(1, p->nr_insns + 1);
	if (!w->now || !w->joins)
		goto free_walk;
	find_joins(w);
	start(w);
	while (w->nr_todo && !w->gave_up && !w->err) {
		w->nr_todo--;
		w->todo[w->nr_todo].place->at[w->todo[w->nr_todo].insn -
			w->todo[w->nr_todo].place->start]->queued = false;
		follow(w, w->todo[w->nr_todo].place, w->todo[w->nr_todo].insn);
	}
	if (!w->gave_up && !w->err)
		report(w);
	err = w->err;
free_walk:
	walk_free(w);
	return err;
}
