// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The audit of a map's writers: from stores to the class of each byte */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "map_ref.h"
#include "map_writers_bytes.h"
#include "map_writers_state.h"

/* Stores that a byte has seen */
enum {
	SEEN_COUNTER	= 1 << 0,
	SEEN_PLAIN	= 1 << 1,
	SEEN_OTHER	= 1 << 2,
	SEEN_4		= 1 << 3,	/* an addition of 4 bytes */
	SEEN_8		= 1 << 4,
};

/* Types */

/* For each byte, the size of its integer */
struct leaves {
	struct btf *btf;
	__u8 *size;		/* if that is in an array */
	__u8 *of;		/* wherever it is; or with SPLIT */
	__u32 nr;
	bool any_split;
};

#define SPLIT	0x80		/* no aligned word of 4 or 8 bytes holds it */

const struct btf_type *audit_type(const struct btf *btf, __u32 id)
{
	return btf__type_by_id(btf, btf__resolve_type(btf, id));
}

static void fill_integer(struct leaves *l, __u64 at, __u32 size, bool in_array)
{
	bool split = size > 8 || (size == 8 && at % 8);
	__u32 i;

	if (in_array && !(at % size))
		memset(l->size + at, size, size);
	for (i = 0; i < size; i++)
		if ((l->of[at + i] & ~SPLIT) < size)
			l->of[at + i] = size | (split ? SPLIT : 0);
	l->any_split |= split;
}

static void fill_leaves(struct leaves *l, __u32 id, __u64 at, bool in_array, int deep)
{
	const struct btf_type *t = audit_type(l->btf, id);
	__s64 size = btf__resolve_size(l->btf, id);
	__u32 i;

	if (!t || deep > AUDIT_DEEP || size <= 0 || at + size > l->nr)
		return;
	if (btf_is_array(t)) {
		size = btf__resolve_size(l->btf, btf_array(t)->type);
		for (i = 0; size > 0 && i < btf_array(t)->nelems; i++)
			fill_leaves(l, btf_array(t)->type, at + i * size, true, deep + 1);
	} else if (btf_is_composite(t)) {
		for (i = 0; i < btf_vlen(t); i++)
			fill_leaves(l, btf_members(t)[i].type,
				    at + btf_member_bit_offset(t, i) / 8,
				    in_array && !btf_is_union(t), deep + 1);
	} else if (btf_is_datasec(t)) {
		for (i = 0; i < btf_vlen(t); i++)
			fill_leaves(l, btf_var_secinfos(t)[i].type,
				    at + btf_var_secinfos(t)[i].offset, false, deep + 1);
	} else if (btf_is_int(t)) {
		fill_integer(l, at, size, in_array);
	}
}

struct btf *audit_value_btf(const struct map_audit *a)
{
	const struct bpf_map_info *info = &a->map->info;

	if (!info->btf_id || !info->btf_value_type_id)
		return NULL;
	return btf__load_from_kernel_by_id(info->btf_id);
}

/* Classes */

struct classes {
	struct map_audit *a;
	struct leaves leaves;
	__u8 *seen;
};

static bool is_variable(const struct map_store *s)
{
	return s->unknown || s->from != s->to;
}

static bool may_start(const struct leaves *l, const struct map_store *s, __u64 at)
{
	return l->size[at] == s->size && !(at % s->size);
}

/* For an addition, a variable index into an array of integers is taken to end
 * with the array: what follows is something else.
 */
static bool stays_in_array(const struct classes *c, const struct map_store *s)
{
	const struct leaves *l = &c->leaves;
	__u64 at;

	if (!l->size || s->byte == MAP_BYTE_OTHER || !is_variable(s))
		return false;
	if (!s->unknown)
		return l->size[s->from];
	for (at = s->from; at <= s->to && !l->any_split; at += s->step ?: 1)
		if (may_start(l, s, at))
			return true;
	return false;
}

/* Bytes that a store may touch */
static void see(struct classes *c, const struct map_store *s, __u8 seen)
{
	bool in_array = stays_in_array(c, s);
	__u64 at;
	__u32 i;

	if (s->unknown && c->leaves.size && !in_array)
		return;
	for (at = s->from; at <= s->to; at += s->step ?: 1) {
		if (in_array && !may_start(&c->leaves, s, at))
			continue;
		for (i = 0; i < s->size && at + i < c->leaves.nr; i++)
			c->seen[at + i] |= seen;
	}
}

static bool meets(struct classes *c, const struct map_store *s, __u8 seen)
{
	__u64 at;
	__u32 i;

	for (at = s->from; at <= s->to; at += s->step ?: 1)
		for (i = 0; i < s->size && at + i < c->leaves.nr; i++)
			if (c->seen[at + i] & seen)
				return true;
	return false;
}

static void each_store(struct classes *c, void (*fn)(struct classes *c,
						     struct map_audit_prog *p,
						     const struct map_store *s))
{
	unsigned int i, j;

	for (i = 0; i < c->a->nr_progs; i++)
		for (j = 0; j < c->a->progs[i]->nr_stores; j++)
			if (c->a->progs[i]->stores[j].size)
				fn(c, c->a->progs[i], &c->a->progs[i]->stores[j]);
}

static void collect(struct classes *c, struct map_audit_prog *p,
		    const struct map_store *s)
{
	if (s->byte == MAP_BYTE_OTHER)
		see(c, s, s->unknown ? 0 : SEEN_OTHER);
	else
		see(c, s, s->byte == MAP_BYTE_PLAIN ? SEEN_PLAIN : SEEN_COUNTER);
}

static void found_other(struct classes *c, struct map_audit_prog *p,
			const struct map_store *s)
{
	audit_finding(c->a, p, s->insn, MAP_FINDING_CONFLICT, s->unknown ?
		      "%s, at an unknown offset: it may be a counter" :
		      "%s, to a counter", s->how);
}

static void found_plain(struct classes *c, struct map_audit_prog *p,
			const struct map_store *s)
{
	if (s->other_cpu)
		audit_finding(c->a, p, s->insn, MAP_FINDING_OTHER_CPU,
			      "a plain add, %s, and the value may be another CPU's", s->how);
	else
		audit_finding(c->a, p, s->insn, MAP_FINDING_PLAIN, "a plain add, %s",
			      s->how);
}

static void judge(struct classes *c, struct map_audit_prog *p,
		  const struct map_store *s)
{
	if (s->byte == MAP_BYTE_OTHER) {
		if (meets(c, s, SEEN_COUNTER | SEEN_PLAIN))
			found_other(c, p, s);
	} else if (s->unknown && (!stays_in_array(c, s) || meets(c, s, SEEN_OTHER))) {
		audit_finding(c->a, p, s->insn, MAP_FINDING_CONFLICT,
			      "adds at an unknown offset");
	}
	if (s->byte == MAP_BYTE_PLAIN)
		found_plain(c, p, s);
}

enum meets_list { MEETS_NONE, MEETS_WHOLE, MEETS_PART };

/* Does a store meet bytes that the user named, and maybe others in the same word? */
static enum meets_list meets_list(const struct classes *c, const struct map_store *s)
{
	bool in_array = stays_in_array(c, s);
	enum meets_list ret = MEETS_NONE;
	__u32 i, named;
	__u64 at;

	for (at = s->from; at <= s->to; at += s->step ?: 1) {
		if (in_array && !may_start(&c->leaves, s, at))
			continue;
		for (i = 0, named = 0; i < s->size && at + i < c->leaves.nr; i++)
			named += !!c->a->list[at + i];
		if (named && named < s->size)
			return MEETS_PART;
		if (named)
			ret = MEETS_WHOLE;
	}
	return ret;
}

/* If the user named the counters, only stores to them count */
static void judge_list(struct classes *c, struct map_audit_prog *p,
		       const struct map_store *s)
{
	enum meets_list how = meets_list(c, s);

	if (how == MEETS_NONE)
		return;
	if (s->byte == MAP_BYTE_OTHER)
		found_other(c, p, s);
	else if (how == MEETS_PART)
		audit_finding(c->a, p, s->insn, MAP_FINDING_CONFLICT, s->unknown ?
			      "adds at an unknown offset" :
			      "adds to more bytes than are named");
	if (s->byte != MAP_BYTE_PLAIN)
		return;
	see(c, s, SEEN_PLAIN);
	found_plain(c, p, s);
}

static enum map_byte byte_of(__u8 seen)
{
	return seen & SEEN_PLAIN ? MAP_BYTE_PLAIN :
	       seen & SEEN_COUNTER ? MAP_BYTE_COUNTER : MAP_BYTE_OTHER;
}

/* Between the two stores of one plain addition the counter is neither old nor new. Its
 * type tells; without types, that other bytes are part of the sum.
 */
static bool adds_to_part(const struct classes *c, const struct map_store *s)
{
	__u64 at;
	__u8 of;

	if (s->byte != MAP_BYTE_PLAIN)
		return false;
	for (at = s->from; at <= s->to; at += s->step ?: 1) {
		of = c->leaves.of ? c->leaves.of[at] & ~SPLIT : 0;
		if (of > s->size || (of < 4 && s->size == 4 && s->wide))
			return true;
	}
	return false;
}

static bool is_whole(const struct map_store *s)
{
	return !(s->size % 4) && !(s->from % s->size) &&
	       !(is_variable(s) && s->step % s->size);
}

/* Counters are moved in aligned words of 4 or 8 bytes */
static void whole_words(struct classes *c, struct map_audit_prog *p,
			const struct map_store *s)
{
	if (s->byte == MAP_BYTE_OTHER || s->unknown)
		return;
	if (c->a->list && !meets(c, s, SEEN_COUNTER))
		return;
	if (!is_whole(s))
		audit_finding(c->a, p, s->insn, MAP_FINDING_NARROW,
			      "a counter that is not made of aligned words of 4 or 8 bytes");
	else if (adds_to_part(c, s))
		audit_finding(c->a, p, s->insn, MAP_FINDING_CONFLICT,
			      "adds to a part of a counter");
}

static void fill_bytes(struct classes *c)
{
	struct map_audit *a = c->a;
	unsigned int i;

	for (i = 0; i < c->leaves.nr; i++) {
		a->bytes[i] = byte_of(c->seen[i]);
		if (a->list && !a->list[i])
			a->bytes[i] = MAP_BYTE_OTHER;
		if (!a->list && !a->nr_progs)
			a->bytes[i] = MAP_BYTE_COUNTER;
		if (a->split < 0 && a->bytes[i] && c->leaves.of && c->leaves.of[i] & SPLIT)
			a->split = i;
	}
}

static void see_size(struct classes *c, struct map_audit_prog *p,
		     const struct map_store *s)
{
	if (s->byte != MAP_BYTE_OTHER && (!s->unknown || c->leaves.size))
		see(c, s, s->size == 8 ? SEEN_8 : s->size == 4 ? SEEN_4 : 0);
}

/* The programs' additions tell, then the type, then the user's list */
static void fill_sizes(struct classes *c)
{
	const struct map_audit *a = c->a;
	const __u8 *of = c->leaves.of;
	__u32 i;

	each_store(c, see_size);
	for (i = 0; i < c->leaves.nr; i++) {
		if (c->seen[i] & (SEEN_4 | SEEN_8))
			a->sizes[i] = c->seen[i] & SEEN_8 ? 8 : 4;
		else if (of && of[i])
			a->sizes[i] = of[i] & ~SPLIT;
		else if (a->list)
			a->sizes[i] = a->list[i];
	}
}

static int classify(struct classes *c)
{
	struct map_audit *a = c->a;
	struct leaves *l = &c->leaves;
	__u32 i;

	c->seen = calloc(1, l->nr + 1);
	if (l->btf) {
		l->size = calloc(1, l->nr + 1);
		l->of = calloc(1, l->nr + 1);
	}
	if (!c->seen || (l->btf && (!l->size || !l->of)))
		return -ENOMEM;
	if (l->btf)
		fill_leaves(l, a->map->info.btf_value_type_id, 0, false, 0);
	if (a->list) {
		for (i = 0; i < l->nr; i++)
			c->seen[i] = a->list[i] ? SEEN_COUNTER : 0;
		each_store(c, judge_list);
	} else {
		each_store(c, collect);
		each_store(c, judge);
	}
	each_store(c, whole_words);
	fill_bytes(c);
	fill_sizes(c);
	return 0;
}

int audit_classify(struct map_audit *a)
{
	struct classes c = { .a = a, .leaves.nr = a->map->info.value_size };
	int err;

	c.leaves.btf = audit_value_btf(a);
	err = classify(&c);
	btf__free(c.leaves.btf);
	free(c.leaves.size);
	free(c.leaves.of);
	free(c.seen);
	return err;
}
