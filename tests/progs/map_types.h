/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The BTF of map_make's maps: types.bpf.o beside it, and what depends on sizes */
#ifndef TESTS_MAP_TYPES_H
#define TESTS_MAP_TYPES_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <linux/bpf.h>

#include "map_btf.h"

struct map_types {
	struct btf *btf;
	int key_id;			/* 0: the map has no key */
	int value_id;
};

static struct btf *parse_types(void)
{
	char self[PATH_MAX] = "", path[PATH_MAX + 20];

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return NULL;
	*strrchr(self, '/') = '\0';
	snprintf(path, sizeof(path), "%s/types.bpf.o", self);

	return btf__parse(path, NULL);
}

/* 0, which is no type, for one that there isn't */
static int struct_id(const struct btf *btf, const char *kind, const char *part)
{
	char name[32];
	int id;

	snprintf(name, sizeof(name), "%s_%s", strcmp(kind, "struct") ? kind : "map",
		 part);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id < 0 ? 0 : id;
}

static void retype(struct btf *btf, const char *member, int type)
{
	int id = struct_id(btf, "struct", "value");
	const struct btf_type *t = btf__type_by_id(btf, id);
	struct btf_member *m = btf_members(t);
	unsigned int i;

	for (i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, m[i].name_off), member))
			m[i].type = type;
}

/* Older compilers write none with a sign, nor any of 64 bits */
static void add_enums(struct btf *btf)
{
	int id = btf__add_enum(btf, "state", 4);

	btf__add_enum_value(btf, "IDLE", 0);
	btf__add_enum_value(btf, "BUSY", 1);
	btf__add_enum_value(btf, "GONE", 7);
	/* What is below zero makes it signed, as the base takes all enums to be */
	btf__add_enum_value(btf, "LOST", -1);
	retype(btf, "state", id);

	id = btf__add_enum(btf, "level", 1);
	btf__add_enum_value(btf, "LOW", -1);
	btf__add_enum_value(btf, "HIGH", 90);
	retype(btf, "level_name", id);

	id = btf__add_enum64(btf, "mask", 8, true);
	btf__add_enum64_value(btf, "NONE", 0);
	btf__add_enum64_value(btf, "FAR", 1ULL << 40);
	btf__add_enum64_value(btf, "ALL", -1);
	retype(btf, "mask", id);
}

static int add_bytes(struct btf *btf, __u32 size)
{
	return btf__add_array(btf,
			      btf__find_by_name_kind(btf, "unsigned int", BTF_KIND_INT),
			      btf__find_by_name_kind(btf, "unsigned char", BTF_KIND_INT),
			      size);
}

/* The kernel wants a struct as an LPM trie's key */
static int add_lpm_key(struct btf *btf, int u32_type, __u32 size)
{
	int data = add_bytes(btf, size - 4);
	int id = btf__add_struct(btf, "lpm_key", size);

	btf__add_field(btf, "prefixlen", u32_type, 0, 0);
	btf__add_field(btf, "data", data, 32, 0);

	return id;
}

/* Types for a key and a value of these sizes: structs of map_btf.h, which may have
 * another size, or bytes
 */
static int map_types_load(struct map_types *t, const char *kind, bool lpm,
			  __u32 key_size, __u32 *value_size)
{
	int u32_type, key_id, value_id;

	t->btf = parse_types();
	if (!t->btf)
		return -1;
	add_enums(t->btf);
	u32_type = btf__find_by_name_kind(t->btf, "unsigned int", BTF_KIND_INT);
	key_id = struct_id(t->btf, kind, "key");
	value_id = struct_id(t->btf, kind, "value");

	if (!key_size)
		t->key_id = 0;
	else if (lpm)
		t->key_id = add_lpm_key(t->btf, u32_type, key_size);
	else if (key_size == 4)
		t->key_id = u32_type;
	else if (key_id && btf__resolve_size(t->btf, key_id) == key_size)
		t->key_id = key_id;
	else
		t->key_id = add_bytes(t->btf, key_size);
	if (value_id)
		*value_size = btf__resolve_size(t->btf, value_id);
	t->value_id = value_id ? value_id : add_bytes(t->btf, *value_size);

	return btf__load_into_kernel(t->btf);
}

#endif /* TESTS_MAP_TYPES_H */
