/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* BTF types for the maps that map_make creates */

#ifndef TESTS_MAP_BTF_H
#define TESTS_MAP_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/types.h>

/* The value that "--btf struct" gives a map: one of each kind of member. Must
 * be what add_value_struct() describes.
 */
struct map_value {
	__u64 packets;
	__u32 flags:3, port:13, rest:16;
	__u32 state;			/* enum state */
	struct {
		__s16 x;
		__u8 y[2];
	} where;
	char name[12];
	void *owner;
	__s64 delta;
	bool seen;
	signed char level;
	__u16 grid[2][3];
	union {
		__u32 word;
		__u16 half[2];
	} either;
	__s8 level_name;		/* enum level, of one byte */
	__u64 mask;			/* enum mask, of 64 bits */
};

/* What "--btf counters" gives a map: nothing but numbers, so that the length of
 * its text differs from entry to entry. Must be what add_counter_key() and
 * add_counter_value() describe.
 */
struct counter_key {
	__u32 addr;
	__s32 zone;
	__u16 port, proto;
};

struct counter_value {
	__u64 packets;
	__s64 drift;
	struct {
		__u32 first;
		__s16 rank;
		__u8 ttl;
	} seen;
	__u32 sizes[3];
	__u32 flags:3, age:13, rest:16;
	__u32 errors;
	__s32 delta;
	bool open;
};

/* What "--btf flow" gives a map, keys of 8 bytes and values of 32: the usual
 * flow with its counters. Must be what add_flow() describes.
 */
struct flow_key {
	__u32 addr;
	__u16 port, proto;
};

struct flow_value {
	__u64 packets, bytes, last_ns;
	__u32 drops, flags;
};

struct map_types {
	struct btf *btf;
	int key_id;			/* 0: the map has no key */
	int value_id;
};

static int add_member(struct btf *btf, const char *name, int type, size_t byte)
{
	return btf__add_field(btf, name, type, byte * 8, 0);
}

static int add_bytes(struct btf *btf, int byte_type, int index_type, __u32 size)
{
	return btf__add_array(btf, index_type, byte_type, size);
}

/* Members come right after the struct that they belong to */
static int add_value_struct(struct btf *btf, int u32_type, int u16_type,
			    int u8_type)
{
	int u64_type, s64_type, s16_type, char_type, bool_type, s8_type;
	int state, where, row, grid, name, y, half, either, ptr, td, id;
	int level, mask;

	u64_type = btf__add_int(btf, "unsigned long long", 8, 0);
	s64_type = btf__add_int(btf, "long long", 8, BTF_INT_SIGNED);
	s16_type = btf__add_int(btf, "short", 2, BTF_INT_SIGNED);
	char_type = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	bool_type = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	s8_type = btf__add_int(btf, "signed char", 1, BTF_INT_SIGNED);
	td = btf__add_typedef(btf, "packets_t", btf__add_const(btf, u64_type));
	ptr = btf__add_ptr(btf, 0);
	name = btf__add_array(btf, u32_type, char_type, 12);
	y = btf__add_array(btf, u32_type, u8_type, 2);
	row = btf__add_array(btf, u32_type, u16_type, 3);
	grid = btf__add_array(btf, u32_type, row, 2);
	half = btf__add_array(btf, u32_type, u16_type, 2);

	state = btf__add_enum(btf, "state", 4);
	btf__add_enum_value(btf, "IDLE", 0);
	btf__add_enum_value(btf, "BUSY", 1);
	btf__add_enum_value(btf, "GONE", 7);
	/* What is below zero makes it signed, as the base takes all enums to be */
	btf__add_enum_value(btf, "LOST", -1);

	level = btf__add_enum(btf, "level", 1);
	btf__add_enum_value(btf, "LOW", -1);
	btf__add_enum_value(btf, "HIGH", 90);
	mask = btf__add_enum64(btf, "mask", 8, true);
	btf__add_enum64_value(btf, "NONE", 0);
	btf__add_enum64_value(btf, "FAR", 1ULL << 40);
	btf__add_enum64_value(btf, "ALL", -1);

	where = btf__add_struct(btf, NULL, 4);
	add_member(btf, "x", s16_type, 0);
	add_member(btf, "y", y, 2);

	either = btf__add_union(btf, NULL, 4);
	add_member(btf, "word", u32_type, 0);
	add_member(btf, "half", half, 0);

	id = btf__add_struct(btf, "map_value", sizeof(struct map_value));
	add_member(btf, "packets", td, offsetof(struct map_value, packets));
	btf__add_field(btf, "flags", u32_type, 64, 3);
	btf__add_field(btf, "port", u32_type, 67, 13);
	btf__add_field(btf, "rest", u32_type, 80, 16);
	btf__add_field(btf, "state", state, 96, 0);
	btf__add_field(btf, "where", where,
		       offsetof(struct map_value, where) * 8, 0);
	btf__add_field(btf, "name", name,
		       offsetof(struct map_value, name) * 8, 0);
	btf__add_field(btf, "owner", ptr,
		       offsetof(struct map_value, owner) * 8, 0);
	btf__add_field(btf, "delta", s64_type,
		       offsetof(struct map_value, delta) * 8, 0);
	btf__add_field(btf, "seen", bool_type,
		       offsetof(struct map_value, seen) * 8, 0);
	btf__add_field(btf, "level", s8_type,
		       offsetof(struct map_value, level) * 8, 0);
	btf__add_field(btf, "grid", grid,
		       offsetof(struct map_value, grid) * 8, 0);
	btf__add_field(btf, "either", either,
		       offsetof(struct map_value, either) * 8, 0);
	add_member(btf, "level_name", level, offsetof(struct map_value, level_name));
	add_member(btf, "mask", mask, offsetof(struct map_value, mask));

	return id;
}

static int add_counter_key(struct btf *btf, int u32_type, int s32_type,
			   int u16_type)
{
	int id = btf__add_struct(btf, "counter_key", sizeof(struct counter_key));

	add_member(btf, "addr", u32_type, offsetof(struct counter_key, addr));
	add_member(btf, "zone", s32_type, offsetof(struct counter_key, zone));
	add_member(btf, "port", u16_type, offsetof(struct counter_key, port));
	add_member(btf, "proto", u16_type, offsetof(struct counter_key, proto));

	return id;
}

/* Bitfields have no offsetof(): theirs is before "errors" */
static int add_counter_value(struct btf *btf, int u32_type, int s32_type,
			     int u8_type)
{
	__u32 bits = (offsetof(struct counter_value, errors) - 4) * 8;
	int u64_type, s64_type, s16_type, bool_type, seen, sizes, id;

	u64_type = btf__add_int(btf, "unsigned long long", 8, 0);
	s64_type = btf__add_int(btf, "long long", 8, BTF_INT_SIGNED);
	s16_type = btf__add_int(btf, "short", 2, BTF_INT_SIGNED);
	bool_type = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	sizes = btf__add_array(btf, u32_type, u32_type, 3);

	seen = btf__add_struct(btf, NULL, 8);
	add_member(btf, "first", u32_type, 0);
	add_member(btf, "rank", s16_type, 4);
	add_member(btf, "ttl", u8_type, 6);

	id = btf__add_struct(btf, "counter_value", sizeof(struct counter_value));
	add_member(btf, "packets", u64_type,
		   offsetof(struct counter_value, packets));
	add_member(btf, "drift", s64_type,
		   offsetof(struct counter_value, drift));
	add_member(btf, "seen", seen, offsetof(struct counter_value, seen));
	add_member(btf, "sizes", sizes, offsetof(struct counter_value, sizes));
	btf__add_field(btf, "flags", u32_type, bits, 3);
	btf__add_field(btf, "age", u32_type, bits + 3, 13);
	btf__add_field(btf, "rest", u32_type, bits + 16, 16);
	add_member(btf, "errors", u32_type,
		   offsetof(struct counter_value, errors));
	add_member(btf, "delta", s32_type,
		   offsetof(struct counter_value, delta));
	add_member(btf, "open", bool_type,
		   offsetof(struct counter_value, open));

	return id;
}

static void add_flow(struct map_types *t, int u32_type, int u16_type)
{
	int u64_type = btf__add_int(t->btf, "unsigned long long", 8, 0);

	t->key_id = btf__add_struct(t->btf, "flow_key",
				    sizeof(struct flow_key));
	add_member(t->btf, "addr", u32_type, offsetof(struct flow_key, addr));
	add_member(t->btf, "port", u16_type, offsetof(struct flow_key, port));
	add_member(t->btf, "proto", u16_type, offsetof(struct flow_key, proto));

	t->value_id = btf__add_struct(t->btf, "flow_value",
				      sizeof(struct flow_value));
	add_member(t->btf, "packets", u64_type,
		   offsetof(struct flow_value, packets));
	add_member(t->btf, "bytes", u64_type,
		   offsetof(struct flow_value, bytes));
	add_member(t->btf, "last_ns", u64_type,
		   offsetof(struct flow_value, last_ns));
	add_member(t->btf, "drops", u32_type,
		   offsetof(struct flow_value, drops));
	add_member(t->btf, "flags", u32_type,
		   offsetof(struct flow_value, flags));
}

/* The kernel wants a struct as an LPM trie's key */
static int add_lpm_key(struct btf *btf, int u32_type, int u8_type, __u32 size)
{
	int data = add_bytes(btf, u8_type, u32_type, size - 4);
	int id = btf__add_struct(btf, "lpm_key", size);

	add_member(btf, "prefixlen", u32_type, 0);
	add_member(btf, "data", data, 4);

	return id;
}

/* A float is a type that bpftool can't print */
static int add_float_struct(struct btf *btf, int u32_type)
{
	int number = btf__add_float(btf, "float", 4);
	int id = btf__add_struct(btf, "with_float", 12);

	add_member(btf, "before", u32_type, 0);
	add_member(btf, "number", number, 4);
	add_member(btf, "after", u32_type, 8);

	return id;
}

/* What the kernel looks for when it compares maps */
static int add_lock_struct(struct btf *btf, int u32_type)
{
	int lock = btf__add_struct(btf, "bpf_spin_lock", 4);
	int id;

	add_member(btf, "val", u32_type, 0);
	id = btf__add_struct(btf, "with_lock", 8);
	add_member(btf, "lock", lock, 0);
	add_member(btf, "count", u32_type, 4);

	return id;
}

/* Types for a key and a value of these sizes
 * @kind: "struct", "float" and "lock": the value is such a struct; "flow": both
 *	  are; "counters": the value is one, and the key where the sizes agree;
 *	  else bytes
 */
static int map_types_load(struct map_types *t, const char *kind, bool lpm,
			  __u32 key_size, __u32 value_size)
{
	int u32_type, s32_type, u16_type, u8_type;
	bool counters = !strcmp(kind, "counters");

	t->btf = btf__new_empty();
	if (!t->btf)
		return -1;

	u32_type = btf__add_int(t->btf, "unsigned int", 4, 0);
	s32_type = btf__add_int(t->btf, "int", 4, BTF_INT_SIGNED);
	u16_type = btf__add_int(t->btf, "unsigned short", 2, 0);
	u8_type = btf__add_int(t->btf, "unsigned char", 1, 0);

	if (!strcmp(kind, "flow")) {
		add_flow(t, u32_type, u16_type);
		return btf__load_into_kernel(t->btf);
	}

	if (!key_size)
		t->key_id = 0;
	else if (lpm)
		t->key_id = add_lpm_key(t->btf, u32_type, u8_type, key_size);
	else if (key_size == 4)
		t->key_id = u32_type;
	else if (counters && key_size == sizeof(struct counter_key))
		t->key_id = add_counter_key(t->btf, u32_type, s32_type,
					    u16_type);
	else
		t->key_id = add_bytes(t->btf, u8_type, u32_type, key_size);

	if (!strcmp(kind, "struct"))
		t->value_id = add_value_struct(t->btf, u32_type, u16_type,
					       u8_type);
	else if (!strcmp(kind, "float"))
		t->value_id = add_float_struct(t->btf, u32_type);
	else if (!strcmp(kind, "lock"))
		t->value_id = add_lock_struct(t->btf, u32_type);
	else if (counters)
		t->value_id = add_counter_value(t->btf, u32_type, s32_type,
						u8_type);
	else
		t->value_id = add_bytes(t->btf, u8_type, u32_type, value_size);

	return btf__load_into_kernel(t->btf);
}

#endif /* TESTS_MAP_BTF_H */
