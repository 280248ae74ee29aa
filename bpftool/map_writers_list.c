// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The audit of a map's writers: a list of counters, "packets,rx.bytes" or "0-7" */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "map_ref.h"
#include "map_writers_bytes.h"

struct member {
	struct btf *btf;
	__u8 *list;
	__u32 nr;		/* bytes of the value */
	bool found;
};

static bool mark(struct member *m, __u64 at, __u64 size)
{
	/* Counters are moved word by word */
	if (!size || at % 4 || size % 4 || at + size > m->nr)
		return false;
	memset(m->list + at, size == 4 || size == 8 ? size : 1, size);
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
	const struct btf_type *t = audit_type(m->btf, id);
	__s64 size;
	__u32 i;

	if (!t || deep > AUDIT_DEEP)
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
	struct member m = {
		.btf = audit_value_btf(a),
		.nr = a->map->info.value_size,
	};
	char *word;
	size_t n;
	int err;

	free(a->list);
	a->list = calloc(1, m.nr + 1);
	m.list = a->list;
	err = m.list ? 0 : -ENOMEM;
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
	btf__free(m.btf);
	return err;
}
