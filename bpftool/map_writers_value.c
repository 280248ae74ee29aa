// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What a register or stack slot of a BPF program may hold
 *
 * Numbers and offsets are a range with a step: the index into an array of u32
 * that was checked against 26 is 0 to 100 in steps of 4. What no rule here knows
 * can be any number, which is always right.
 */

#include <string.h>

#include <linux/bpf.h>

#include "map_writers_value.h"

static __u64 common_step(__u64 a, __u64 b)
{
	while (b) {
		__u64 rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static void set_range(struct value *v, __s64 low, __s64 high, __u64 step)
{
	v->low = low;
	v->high = high;
	v->step = low == high ? 0 : step ? step : 1;
	v->copy = 0;
}

void value_forget(struct value *v)
{
	set_range(v, LEAST, MOST, 1);
}

struct value value_number(__s64 low, __s64 high)
{
	struct value v = { .holds = HOLDS_NUMBER };

	set_range(&v, low, high, 1);
	return v;
}

struct value value_pointer(enum region region, __u16 holds, __s64 offset)
{
	struct value v = { .holds = holds, .region = region };

	set_range(&v, offset, offset, 0);
	return v;
}

static bool is_null(const struct value *v)
{
	return v->holds == HOLDS_NUMBER && !v->low && !v->high;
}

/* Neither @to nor @from is unset or a null pointer */
static void join_range(struct value *to, const struct value *from, bool widen)
{
	__s64 low = to->low, high = to->high;
	__u64 step, apart;

	if ((to->holds ^ from->holds) & (HOLDS_POINTER | HOLDS_NUMBER)) {
		value_forget(to);
		return;
	}
	apart = to->low < from->low ? (__u64)from->low - to->low :
				      (__u64)to->low - from->low;
	step = common_step(common_step(to->step, from->step), apart);
	if (from->low < low)
		low = widen ? LEAST : from->low;
	if (from->high > high)
		high = widen ? MOST : from->high;
	/* Counted from another end, only a step that is a power of two stays */
	if (low == LEAST && to->low != LEAST)
		step = common_step(step & -step, to->low);
	if (low == to->low && high == to->high && step == to->step)
		return;
	set_range(to, low, high, step);
}

static void join_pointer(struct value *to, const struct value *from)
{
	const __u16 regions = HOLDS_POINTER & ~(HOLDS_STACK | HOLDS_FUNC);

	if (!(to->holds & regions))
		to->region = from->region;
	else if (from->holds & regions && to->region != from->region)
		to->region = REGION_ANY;
	if (!(to->holds & HOLDS_STACK))
		to->frame = from->frame;
	else if (from->holds & HOLDS_STACK && to->frame != from->frame)
		to->frame = ANY_FRAME;
}

static void join_data(struct value *to, const struct value *from, bool widen)
{
	if (!(from->holds & HOLDS_DATA))
		return;
	if (!(to->holds & HOLDS_DATA)) {
		to->from = from->from;
		to->to = from->to;
		return;
	}
	if (from->from < to->from)
		to->from = widen ? 0 : from->from;
	if (from->to > to->to)
		to->to = widen ? ~0U : from->to;
}

/* Returns whether @to has changed. With @widen a bound that still moves goes to
 * its limit at once, so that loops come to an end.
 */
bool value_join(struct value *to, const struct value *from, bool widen)
{
	struct value old = *to;

	if (!from->holds)
		return false;
	if (!to->holds) {
		*to = *from;
		return true;
	}
	if (to->copy != from->copy)
		to->copy = 0;
	join_data(to, from, widen);
	/* A pointer that may be null is only used as one where it is not */
	if (is_null(to) && from->holds & HOLDS_POINTER) {
		*to = *from;
	} else if (!(is_null(from) && to->holds & HOLDS_POINTER)) {
		join_pointer(to, from);
		join_range(to, from, widen);
		to->holds |= from->holds;
	}
	to->dirty |= from->dirty;
	return memcmp(&old, to, sizeof(old));
}

bool state_join(struct state *to, const struct state *from, bool widen)
{
	bool changed = false;
	unsigned int i, j;

	for (i = 0; i < NR_REGS; i++)
		changed |= value_join(&to->reg[i], &from->reg[i], widen);
	for (i = 0; i < to->nr_frames && i < from->nr_frames; i++)
		for (j = 0; j < NR_SLOTS; j++)
			changed |= value_join(&to->slot[i][j], &from->slot[i][j],
					      widen);
	return changed;
}

static void add_ranges(struct value *dst, const struct value *src, bool minus)
{
	__u64 step = common_step(dst->step, src->step);
	__s64 low = 0, high = 0;
	bool over;

	if (minus)
		over = __builtin_sub_overflow(dst->low, src->high, &low) ||
		       __builtin_sub_overflow(dst->high, src->low, &high);
	else
		over = __builtin_add_overflow(dst->low, src->low, &low) ||
		       __builtin_add_overflow(dst->high, src->high, &high);
	if (over)
		value_forget(dst);
	else
		set_range(dst, low, high, step);
}

static void multiply(struct value *dst, __u64 by)
{
	__u64 step = dst->step, unit = by & -by;
	__s64 low, high;

	if (by <= MOST && !__builtin_mul_overflow(dst->low, (__s64)by, &low) &&
	    !__builtin_mul_overflow(dst->high, (__s64)by, &high) &&
	    !__builtin_mul_overflow(step, by, &step)) {
		set_range(dst, low, high, step);
		return;
	}
	/* It may wrap, but stays a multiple of a power of two */
	value_forget(dst);
	if (by)
		dst->step = unit;
}

static void shift_right(struct value *dst, unsigned int by)
{
	__u64 unit = 1ULL << by;
	bool whole = !(dst->step % unit) && !(dst->low % (__s64)unit);

	if (!by)
		return;
	if (dst->low < 0)
		set_range(dst, 0, ~0ULL >> by, 1);
	else
		set_range(dst, dst->low >> by, dst->high >> by,
			  whole ? dst->step >> by : 1);
}

static void mask(struct value *dst, const struct value *src)
{
	__s64 most = MOST;
	__u64 step = 1;

	if (dst->low >= 0)
		most = dst->high;
	if (src->low >= 0 && src->high < most)
		most = src->high;
	if (dst->low < 0 && src->low < 0) {
		value_forget(dst);
		return;
	}
	if (src->low == src->high)
		step = src->low & -src->low;
	set_range(dst, 0, most, step);
}

/* The smallest power of two, minus one, that covers both, if neither is negative */
static void merge_bits(struct value *dst, const struct value *src)
{
	__u64 most = dst->high > src->high ? dst->high : src->high;
	unsigned int i;

	if (dst->low < 0 || src->low < 0) {
		value_forget(dst);
		return;
	}
	for (i = 1; i < 64; i <<= 1)
		most |= most >> i;
	set_range(dst, 0, most, 1);
}

static bool is_const(const struct value *v)
{
	return v->low == v->high;
}

static void divide(struct value *dst, const struct value *src, bool rest)
{
	if (!is_const(src) || src->low <= 0 || dst->low < 0)
		value_forget(dst);
	else if (rest)
		set_range(dst, 0, src->low - 1, 1);
	else
		set_range(dst, dst->low / src->low, dst->high / src->low, 1);
}

static void exclusive_or(struct value *dst, const struct value *src)
{
	if (is_const(dst) && is_const(src))
		set_range(dst, dst->low ^ src->low, dst->low ^ src->low, 0);
	else
		merge_bits(dst, src);
}

/* Only shifts by a constant; the kernel rejects greater ones */
static void shift(struct value *dst, const struct value *src, __u8 op, bool wide)
{
	__s64 by = src->low;

	if (!is_const(src) || by < 0 || by > 63 || (!wide && by > 31))
		value_forget(dst);
	else if (op == BPF_LSH)
		multiply(dst, 1ULL << by);
	else if (op == BPF_RSH && by < 63)
		shift_right(dst, by);
	else if (op == BPF_ARSH && wide)
		set_range(dst, dst->low >> by, dst->high >> by, 1);
	else
		value_forget(dst);
}

static void compute(struct value *dst, const struct value *src, __u8 op, bool wide)
{
	struct value zero = value_number(0, 0);

	switch (op) {
	case BPF_ADD:
	case BPF_SUB:
		add_ranges(dst, src, op == BPF_SUB);
		break;
	case BPF_MUL:
		if (is_const(src) && src->low >= 0)
			multiply(dst, src->low);
		else
			value_forget(dst);
		break;
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH:
		shift(dst, src, op, wide);
		break;
	case BPF_AND:
		mask(dst, src);
		break;
	case BPF_OR:
		merge_bits(dst, src);
		break;
	case BPF_XOR:
		exclusive_or(dst, src);
		break;
	case BPF_DIV:
	case BPF_MOD:
		divide(dst, src, op == BPF_MOD);
		break;
	case BPF_NEG:
		add_ranges(&zero, dst, true);
		set_range(dst, zero.low, zero.high, zero.step);
		break;
	default:
		value_forget(dst);
	}
}

/* Truncate to fewer than 8 bytes, unless it certainly is a number of that size */
void value_clip(struct value *v, unsigned int size)
{
	__s64 most = (1LL << (size * 8)) - 1;

	if (v->low < 0 || v->high > most)
		set_range(v, 0, most, 1);
}

/* An addition or subtraction moves a pointer's offset, anything else makes it unknown */
static void pointer_alu(struct value *dst, const struct value *src, __u8 op)
{
	bool left = dst->holds & HOLDS_POINTER, right = src->holds & HOLDS_POINTER;
	struct value sum = left ? *dst : *src;
	const struct value *other = left ? src : dst;

	if ((left && right) || !(op == BPF_ADD || (op == BPF_SUB && left))) {
		value_join(&sum, other, false);
		value_forget(&sum);
		sum.holds |= HOLDS_NUMBER;
	} else {
		add_ranges(&sum, other, op == BPF_SUB);
		join_data(&sum, other, false);
		sum.holds |= other->holds & (HOLDS_DATA | HOLDS_SUM);
	}
	*dst = sum;
}

void value_alu(struct value *dst, const struct value *src, __u8 code)
{
	bool wide = BPF_CLASS(code) == BPF_ALU64;
	const __u16 flags = HOLDS_DATA | HOLDS_SUM;
	__u8 op = BPF_OP(code);
	struct value right = *src;
	__u16 data;

	if ((op == BPF_XOR || op == BPF_SUB) && dst->copy &&
	    dst->copy == src->copy && wide) {
		*dst = value_number(0, 0);
		return;
	}
	/* The difference of two pointers is a number */
	if (wide && (dst->holds | src->holds) & HOLDS_POINTER &&
	    !(op == BPF_SUB && dst->holds & src->holds & HOLDS_POINTER &&
	      !((dst->holds | src->holds) & HOLDS_NUMBER))) {
		pointer_alu(dst, src, op);
		return;
	}
	if (dst->holds & HOLDS_POINTER)
		value_forget(dst);
	if (right.holds & HOLDS_POINTER)
		value_forget(&right);
	data = (dst->holds | right.holds) & flags;
	if (data & HOLDS_DATA && (op == BPF_ADD || op == BPF_SUB ||
				  op == BPF_MUL || op == BPF_NEG))
		data |= HOLDS_SUM;
	join_data(dst, &right, false);
	dst->holds = HOLDS_NUMBER | data;
	dst->copy = 0;
	if (!wide) {
		value_clip(dst, 4);
		if (op != BPF_ADD && op != BPF_SUB)
			value_clip(&right, 4);
	}
	compute(dst, &right, op, wide);
	if (!wide)
		value_clip(dst, 4);
}

static void keep_below(struct value *v, __s64 most)
{
	if (v->high > most && v->low <= most) {
		v->high = most;
		if (v->step)
			v->high -= ((__u64)most - v->low) % v->step;
		if (v->low == v->high)
			v->step = 0;
	}
}

static void keep_above(struct value *v, __s64 least)
{
	__u64 off;

	if (v->low >= least || v->high < least)
		return;
	off = v->step ? ((__u64)least - v->low) % v->step : 0;
	off = off ? v->step - off : 0;
	if ((__u64)v->high - least < off)
		return;
	v->low = least + off;
	if (v->low == v->high)
		v->step = 0;
}

static void less(struct value *low, struct value *high, bool or_equal, bool is_signed)
{
	/* A number below an unsigned one that is not negative is not negative either */
	if (!is_signed) {
		if (high->low < 0)
			return;
		keep_above(low, 0);
		if (low->low < 0)
			return;
	}
	if (or_equal || high->high != LEAST)
		keep_below(low, high->high - !or_equal);
	if (or_equal || low->low != MOST)
		keep_above(high, low->low + !or_equal);
}

static void equal(struct value *a, struct value *b)
{
	keep_below(a, b->high);
	keep_above(a, b->low);
	keep_below(b, a->high);
	keep_above(b, a->low);
}

static void differ(struct value *a, const struct value *b)
{
	if (!is_const(b) || is_const(a))
		return;
	if (a->low == b->low)
		keep_above(a, a->low + 1);
	else if (a->high == b->low)
		keep_below(a, a->high - 1);
}

/* A jump that can't be taken is followed anyway, with what was known */
void value_refine(struct value *dst, struct value *src, __u8 code, bool taken)
{
	__u8 op = BPF_OP(code);
	bool below = op == BPF_JLT || op == BPF_JSLT || op == BPF_JLE || op == BPF_JSLE;
	bool above = op == BPF_JGT || op == BPF_JSGT || op == BPF_JGE || op == BPF_JSGE;
	bool strict = op == BPF_JLT || op == BPF_JSLT || op == BPF_JGT || op == BPF_JSGT;
	bool is_signed = op == BPF_JSLT || op == BPF_JSLE || op == BPF_JSGT ||
			 op == BPF_JSGE;
	__s64 most = is_signed ? MOST >> 32 : ~0U;

	if (BPF_CLASS(code) == BPF_JMP32 &&
	    (dst->low < 0 || dst->high > most || src->low < 0 || src->high > most))
		return;
	/* What is not less is greater or equal, and the other way round */
	if (below || above) {
		if (below == taken)
			less(dst, src, strict != taken, is_signed);
		else
			less(src, dst, strict != taken, is_signed);
	} else if ((op == BPF_JEQ && taken) || (op == BPF_JNE && !taken)) {
		equal(dst, src);
	} else if (op == BPF_JEQ || op == BPF_JNE) {
		differ(dst, src);
	}
}
