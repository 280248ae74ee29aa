/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the audit's programs share */

#ifndef __AUDIT_H
#define __AUDIT_H

#include <stdbool.h>
#include <linux/bpf.h>
#include "maps.bpf.h"

#define MAX_SLOTS 27

struct flow {
	__u64 packets;
	__u64 bytes;
	__u64 first_ns, last_ns;
	char comm[16];
	__u32 flags, errors;
};

struct pair {
	__u64 a, b;
};

struct hist {
	__u32 slots[MAX_SLOTS];
	char comm[16];
};

/* As the kernel's own log2l() in libbpf-tools */
static __always_inline __u64 log2l(__u64 v)
{
	__u32 hi = v >> 32, x = hi ? hi : (__u32)v;
	__u32 shift, r;

	r = (x > 0xFFFF) << 4; x >>= r;
	shift = (x > 0xFF) << 3; x >>= shift; r |= shift;
	shift = (x > 0xF) << 2; x >>= shift; r |= shift;
	shift = (x > 0x3) << 1; x >>= shift; r |= shift;
	r |= (x >> 1);
	return hi ? r + 32 : r;
}

#define HASH(name, ...)		MAP(name, HASH, 1024, __VA_ARGS__)
#define TYPED(name, kind, value)	MAP(name, kind, 16, __u32, value)
#define ARRAY(name, value)	TYPED(name, ARRAY, value)

#define ADD(to, n) __sync_fetch_and_add(&(to), n)

static __always_inline void *find_any(void *map)
{
	__u32 key = bpf_get_prandom_u32() & 7;

	return bpf_map_lookup_elem(map, &key);
}

#define FIND(map) find_any(&(map))

/* RUN(NAME): a program, its body follows */
#define RUN(prog)						\
	static __always_inline void prog##_body(void *ctx);	\
	SEC("raw_tp/sys_enter")					\
	int prog(void *ctx)					\
	{							\
		prog##_body(ctx);				\
		return 0;					\
	}							\
	static __always_inline void prog##_body(void *ctx)

/* WITH(NAME, MAP, TYPE *VALUE): a program that has a value of that map */
#define WITH(prog, map, ...)	WITH_FOUND("raw_tp/sys_enter", prog, FIND(map), __VA_ARGS__)

#endif
