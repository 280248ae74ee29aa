// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Following a program: the content of memory, and stores */

#include "map_ref.h"
#include "map_writers_memory.h"

/* Copies of the same number carry the same mark */
void walk_for_copies(struct state *st, const struct value *like, __u32 copy)
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

void walk_mark_copy(struct state *st, struct value *v, unsigned int insn)
{
	if (v->copy || v->holds & HOLDS_POINTER || v->low == v->high)
		return;
	walk_for_copies(st, NULL, insn + 1);
	v->copy = insn + 1;
}

/* Is a pointer or map of this kind one into a value of MAP, or may be? */
bool walk_is_ours(const struct walk *w, const struct value *v, __u16 kind)
{
	return v->holds & kind &&
	       (v->region == w->a->map->info.id || v->region == REGION_ANY);
}

unsigned int walk_access_size(__u8 code)
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
		/* A pointer that is partly overwritten is not a pointer any longer */
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

void walk_store_stack(struct walk *w, const struct value *base, __s64 off,
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

/* Does memory on the stack hold anything read out of MAP? */
bool walk_stack_dirty(struct walk *w, const struct value *base, unsigned int size,
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

bool walk_stack_points(struct walk *w, const struct value *base, unsigned int size)
{
	struct value sum = {};

	if (base->holds & HOLDS_STACK)
		walk_stack_dirty(w, base, size, &sum);
	return walk_is_ours(w, &sum, HOLDS_VALUE);
}

struct value walk_data(__u32 from, __u32 to)
{
	struct value v = value_number(LEAST, MOST);

	v.holds |= HOLDS_DATA;
	v.from = from;
	v.to = to;
	return v;
}

/* Bytes of MAP's values that an access may touch. Returns false if they are not
 * known, with all bytes as the range. The verifier has checked that the access is
 * within the value.
 */
bool walk_range(struct walk *w, const struct value *base, __s64 off,
		unsigned int size, struct map_store *range)
{
	__s64 most = (__s64)w->a->map->info.value_size - size, low, high;

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
		walk_mark_copy(w->now, slot, insn);
		sum = *slot;
	} else if (!__builtin_add_overflow(at.low, off, &at.low) &&
		   !__builtin_add_overflow(at.high, off, &at.high)) {
		dirty = walk_stack_dirty(w, &at, size, &sum);
		if (!dirty)
			sum.holds &= ~(HOLDS_DATA | HOLDS_SUM);
		if (size < 8)
			sum.holds &= ~HOLDS_POINTER;
		value_forget(&sum);
	} else {
		sum = walk_data(0, ~0U);
	}
	sum.dirty = 0;
	if (!(sum.holds & HOLDS_POINTER))
		sum.holds |= HOLDS_NUMBER;
	return sum;
}

/* The content of the pointers of a per-CPU map, or of a map-in-map */
static struct value load_slot(struct walk *w, __u32 region)
{
	if (map_is_map_in_map(audit_map(w->a, region)->type))
		return value_pointer(REGION_INNER, HOLDS_MAP, 0);
	return value_pointer(region, HOLDS_VALUE, 0);
}

struct value walk_load(struct walk *w, const struct value *base, __s64 off,
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
	if (walk_is_ours(w, base, HOLDS_VALUE)) {
		walk_range(w, base, off, size, &range);
		v = walk_data(range.from, range.to + size - 1);
		value_join(&sum, &v, false);
	}
	if (base->holds & (plain | HOLDS_VALUE) || !base->holds) {
		__u32 region = base->holds & HOLDS_VALUE ? base->region : REGION_KERNEL;

		v = audit_leaked(w->a, region) ? walk_data(0, ~0U) :
						  value_number(LEAST, MOST);
		value_join(&sum, &v, false);
	}
	if (size < 8) {
		sum.holds = (sum.holds & ~HOLDS_POINTER) | HOLDS_NUMBER;
		value_clip(&sum, size);
	}
	return sum;
}

void walk_store_ours(struct walk *w, const struct value *base, __s64 off,
		     struct map_store *s, unsigned int size, unsigned int insn)
{
	if (!w->report)
		return;
	if (w->p->ext && base->region == REGION_ANY) {
		walk_finding(w, insn, MAP_FINDING_UNKNOWN,
			     "writes through a pointer that the program it extends may have from the map");
		return;
	}
	s->insn = insn;
	s->unknown = !walk_range(w, base, off, size, s);
	/* The verifier rejects unaligned atomics */
	if (s->byte == MAP_BYTE_COUNTER && s->step % size) {
		s->from = (s->from + size - 1) / size * size;
		s->step = size;
	}
	if (base->region == REGION_ANY)
		s->how = "in a value that may be the map's";
	audit_store(w->a, w->p, s);
}

void walk_store(struct walk *w, const struct value *base, __s64 off,
		const struct value *v, unsigned int size, struct map_store *s,
		  unsigned int insn)
{
	__u32 region = base->holds & HOLDS_VALUE ? base->region : REGION_KERNEL;

	if (base->holds & HOLDS_STACK)
		walk_store_stack(w, base, off, v, size, s->byte != MAP_BYTE_COUNTER);
	if (walk_is_ours(w, base, HOLDS_VALUE))
		walk_store_ours(w, base, off, s, size, insn);
	if (walk_is_ours(w, base, HOLDS_SLOT))
		walk_finding(w, insn, MAP_FINDING_UNKNOWN, "writes to a map's pointers");
	if (base->holds && !(base->holds & ~(HOLDS_STACK | HOLDS_DATA | HOLDS_SUM)))
		return;
	if (walk_is_ours(w, v, HOLDS_VALUE))
		walk_finding(w, insn, MAP_FINDING_UNKNOWN,
			     "keeps the address of a value in memory");
	if (v->holds & HOLDS_DATA && region != w->a->map->info.id)
		audit_leak(w->a, region);
}
