// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The audit of a map's writers: from stores to the class of each byte */

#include <ctype.h>
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
	SEEN_SOMEWHERE	= 1 << 3,	/* an addition at an unknown offset */
};

#define DEEP	32		/* of nested types */

/* Types */

/* For each byte, the size of its integer, if that is in an array */
struct leaves {
	const struct btf *btf;
	__u8 *size;
	__u32 nr;
};

static const struct btf_type *skip_names(const struct btf *btf, __u32 id)
{
	return btf__type_by_id(btf, btf__resolve_type(btf, id));
}

static void fill_leaves(struct leaves *l, __u32 id, __u64 at, bool in_array, int deep)
{
	const struct btf_type *t = skip_names(l->btf, id);
	__s64 size = btf__resolve_size(l->btf, id);
	__u32 i;

	if (!t || deep > DEEP || size <= 0 || at + size > l->nr)
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
	} else if (btf_is_int(t) && in_array && !(at % size)) {
		memset(l->size + at, size, size);
	}
}

static struct btf *value_btf(const struct map_audit *a)
{
	const struct bpf_map_info *info = &a->map->info;

	if (!info->btf_id || !info->btf_value_type_id)
		return NULL;
	return btf__load_from_kernel_by_id(info->btf_id);
}

/* A list of members: "packets,rx.bytes" or "0-7" */

struct member {
	const struct btf *btf;
	__u8 *list;
	__u32 nr;		/* bytes of the value */
	bool found;
};

static bool mark(struct member *m, __u64 at, __u64 size)
{
	/* Counters are moved word by word */
	if (!size || at % 4 || size % 4 || at + size > m->nr)
		return false;
	memset(m->list + at, 1, size);
	m->found = true;
	return true;
}

static bool mark_member(struct member *m, __u32 id, __u64 at, const char *path, int deep);

static bool mark_in(struct member *m, const struct btf_type *t, __u64 at,
		    const char *path, int deep)
{
	size_t n = strcspn(path, ".");
	const char *name;
	__u32 i;

	for (i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *member = &btf_members(t)[i];
		__u64 off = at + btf_member_bit_offset(t, i) / 8;

		name = btf__name_by_offset(m->btf, member->name_off);
		if (!*name) {
			/* A struct or union without a name */
			if (!mark_member(m, member->type, off, path, deep + 1))
				return false;
		} else if (strlen(name) == n && !strncmp(name, path, n)) {
			if (btf_member_bitfield_size(t, i))
				return false;
			return mark_member(m, member->type, off,
					   path + n + (path[n] == '.'), deep + 1);
		}
	}
	return true;
}

static bool mark_var(struct member *m, const struct btf_type *t, const char *path, int deep)
{
	const struct btf_type *var;
	size_t n = strcspn(path, ".");
	const char *name;
	__u32 i;

	for (i = 0; i < btf_vlen(t); i++) {
		var = btf__type_by_id(m->btf, btf_var_secinfos(t)[i].type);
		name = btf__name_by_offset(m->btf, var->name_off);
		if (strlen(name) == n && !strncmp(name, path, n))
			return mark_member(m, var->type, btf_var_secinfos(t)[i].offset,
					   path + n + (path[n] == '.'), deep + 1);
	}
	return true;
}

/* False: the member exists, but can't be a counter */
static bool mark_member(struct member *m, __u32 id, __u64 at, const char *path, int deep)
{
	const struct btf_type *t = skip_names(m->btf, id);
	__s64 size;
	__u32 i;

	if (!t || deep > DEEP)
		return false;
	if (btf_is_datasec(t))
		return *path && mark_var(m, t, path, deep);
	size = btf__resolve_size(m->btf, id);
	if (size < 0)
		return false;
	if (!*path)
		return mark(m, at, size);
	if (btf_is_composite(t))
		return mark_in(m, t, at, path, deep);
	if (!btf_is_array(t))
		return true;
	size = btf__resolve_size(m->btf, btf_array(t)->type);
	for (i = 0; size > 0 && i < btf_array(t)->nelems; i++)
		if (at + i * size >= m->nr ||
		    !mark_member(m, btf_array(t)->type, at + i * size, path, deep + 1))
			return false;
	return true;
}

static int mark_bytes(struct member *m, const char *word)
{
	unsigned long first, last;
	char *end;

	if (!isdigit(*word))
		return -EINVAL;
	first = strtoul(word, &end, 10);
	if (*end++ != '-' || !isdigit(*end))
		return -EINVAL;
	last = strtoul(end, &end, 10);
	if (*end || last < first || last >= m->nr)
		return -EINVAL;
	return mark(m, first, last - first + 1) ? 0 : -EINVAL;
}

static int mark_word(struct member *m, const struct map_audit *a, const char *word)
{
	if (isdigit(*word))
		return mark_bytes(m, word);
	if (!*word)
		return -EINVAL;
	if (!m->btf)
		return -ENOENT;
	m->found = false;
	if (!mark_member(m, a->map->info.btf_value_type_id, 0, word, 0) || !m->found)
		return -EINVAL;
	return 0;
}

int map_audit_counters(struct map_audit *a, const char *list, const char **bad)
{
	struct member m = { .nr = a->map->info.value_size };
	struct btf *btf = value_btf(a);
	int err = 0;
	char *word;
	size_t n;

	*bad = list;
	m.btf = btf;
	free(a->list);
	a->list = calloc(1, m.nr + 1);
	if (!a->list)
		err = -ENOMEM;
	m.list = a->list;
	while (!err) {
		*bad = list;
		n = strcspn(list, ",");
		word = strndup(list, n);
		err = word ? mark_word(&m, a, word) : -ENOMEM;
		free(word);
		if (!list[n])
			break;
		list += n + 1;
	}
	btf__free(btf);
	return err;
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

/* Bytes that a store may touch. For an addition, a variable index into an array
 * of integers is taken to end with the array: what follows is something else.
 */
static void see(struct classes *c, const struct map_store *s, __u8 seen)
{
	const __u8 *leaf = c->leaves.size;
	bool in_array = leaf && s->byte != MAP_BYTE_OTHER && is_variable(s) &&
			(s->unknown || leaf[s->from]);
	__u64 at;
	__u32 i;

	for (at = s->from; at <= s->to; at += s->step ?: 1) {
		if (in_array && (leaf[at] != s->size || at % s->size))
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
	else if (s->unknown)
		see(c, s, SEEN_SOMEWHERE |
		    (s->byte == MAP_BYTE_PLAIN ? SEEN_PLAIN : SEEN_COUNTER));
	else
		see(c, s, s->byte == MAP_BYTE_PLAIN ? SEEN_PLAIN : SEEN_COUNTER);
}

static void judge(struct classes *c, struct map_audit_prog *p,
		  const struct map_store *s)
{
	const __u8 counts = SEEN_COUNTER | SEEN_PLAIN;

	if (s->byte == MAP_BYTE_OTHER) {
		if (meets(c, s, counts))
			audit_finding(c->a, p, s->insn, MAP_FINDING_CONFLICT, s->unknown ?
				      "%s, at an unknown offset: it may be a counter" :
				      "%s, to a counter", s->how);
	} else if (s->unknown && (!c->leaves.size || meets(c, s, SEEN_OTHER) ||
				  !meets(c, s, SEEN_SOMEWHERE))) {
		audit_finding(c->a, p, s->insn, MAP_FINDING_CONFLICT,
			      "adds at an unknown offset");
	}
	if (s->byte == MAP_BYTE_PLAIN)
		audit_finding(c->a, p, s->insn, MAP_FINDING_PLAIN, "a plain add, %s",
			      s->how);
}

/* If the user named the counters, only stores to them count */
static void judge_list(struct classes *c, struct map_audit_prog *p,
		       const struct map_store *s)
{
	if (s->unknown || !meets(c, s, SEEN_COUNTER))
		return;
	if (s->byte == MAP_BYTE_OTHER)
		audit_finding(c->a, p, s->insn, MAP_FINDING_CONFLICT, "%s, to a counter",
			      s->how);
	if (s->byte != MAP_BYTE_PLAIN)
		return;
	see(c, s, SEEN_PLAIN);
	audit_finding(c->a, p, s->insn, MAP_FINDING_PLAIN, "a plain add, %s", s->how);
}

static enum map_byte byte_of(__u8 seen)
{
	return seen & SEEN_PLAIN ? MAP_BYTE_PLAIN :
	       seen & SEEN_COUNTER ? MAP_BYTE_COUNTER : MAP_BYTE_OTHER;
}

/* Counters are moved in words of 4 bytes or more */
static void whole_words(struct classes *c, struct map_audit_prog *p,
			const struct map_store *s)
{
	bool whole = !(s->from % 4) && !(s->size % 4) && !(is_variable(s) && s->step % 4);

	if (s->byte == MAP_BYTE_OTHER || whole || s->unknown)
		return;
	if (c->a->list && !meets(c, s, SEEN_COUNTER))
		return;
	audit_finding(c->a, p, s->insn, MAP_FINDING_CONFLICT,
		      "a counter that is not made of aligned words of 4 or 8 bytes");
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
	}
}

int audit_classify(struct map_audit *a)
{
	struct classes c = { .a = a, .leaves.nr = a->map->info.value_size };
	struct btf *btf = value_btf(a);
	int err = -ENOMEM;

	c.seen = calloc(1, c.leaves.nr + 1);
	c.leaves.btf = btf;
	if (btf)
		c.leaves.size = calloc(1, c.leaves.nr + 1);
	if (!c.seen || (btf && !c.leaves.size))
		goto free_btf;
	if (btf)
		fill_leaves(&c.leaves, a->map->info.btf_value_type_id, 0, false, 0);
	if (a->list) {
		memcpy(c.seen, a->list, c.leaves.nr);	/* SEEN_COUNTER */
		each_store(&c, judge_list);
	} else {
		each_store(&c, collect);
		each_store(&c, judge);
	}
	each_store(&c, whole_words);
	fill_bytes(&c);
	err = 0;
free_btf:
	btf__free(btf);
	free(c.leaves.size);
	free(c.seen);
	return err;
}
