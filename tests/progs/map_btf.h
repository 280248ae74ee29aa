/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What map_make's "--btf KIND" gives a map: the compiler describes it in types.bpf.o.
 * Needs bool, and the kernel's types.
 */
#ifndef TESTS_MAP_BTF_H
#define TESTS_MAP_BTF_H

typedef const __u64 packets_t;

/* struct: one of each kind of member */
struct map_value {
	packets_t packets;
	__u32 flags:3, port:13, rest:16;
	__u32 state;			/* these three become enums: map_types.h */
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
	__s8 level_name;
	__u64 mask;
};

/* counters: nothing but numbers, so that the length of its text differs from entry to
 * entry; its key where the size agrees
 */
struct counters_key {
	__u32 addr;
	__s32 zone;
	__u16 port, proto;
};

struct counters_value {
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

/* flow, key and value: the usual one with its counters */
struct flow_key {
	__u32 addr;
	__u16 port, proto;
};

struct flow_value {
	__u64 packets, bytes, last_ns;
	__u32 drops, flags;
};

/* float: a type that bpftool can't print */
struct float_value {
	__u32 before;
	float number;
	__u32 after;
};

/* lock: what the kernel looks for when it compares maps */
struct lock_value {
	struct bpf_spin_lock lock;
	__u32 count;
};

#endif /* TESTS_MAP_BTF_H */
