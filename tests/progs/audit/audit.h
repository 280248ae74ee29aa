/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the audit's programs share */

#ifndef __AUDIT_H
#define __AUDIT_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MAX_SLOTS 27

struct flow {
	__u64 packets;
	__u64 bytes;
	__u64 first_ns, last_ns;
	char comm[16];
	__u32 flags, errors;
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

#define HASH(name, key_type, value_type) struct {	\
	__uint(type, BPF_MAP_TYPE_HASH);		\
	__uint(max_entries, 1024);			\
	__type(key, key_type);				\
	__type(value, value_type);			\
} name SEC(".maps")

#define ARRAY(name, value_type) struct {		\
	__uint(type, BPF_MAP_TYPE_ARRAY);		\
	__uint(max_entries, 16);			\
	__type(key, __u32);				\
	__type(value, value_type);			\
} name SEC(".maps")

#define TYPED(name, kind, value_type) struct {		\
	__uint(type, kind);				\
	__uint(max_entries, 16);			\
	__type(key, __u32);				\
	__type(value, value_type);			\
} name SEC(".maps")

#define ADD(to, n) __sync_fetch_and_add(&(to), n)

static __always_inline void *find_any(void *map)
{
	__u32 key = bpf_get_prandom_u32() & 7;

	return bpf_map_lookup_elem(map, &key);
}

#define FIND(map) find_any(&(map))

/* A program that has a value of that map, unless there is none; its body follows.
 * WITH(NAME, MAP, TYPE *VALUE)
 */
#define WITH(prog, map, ...)						\
	static __always_inline void prog##_body(void *ctx, __VA_ARGS__);	\
	SEC("raw_tp/sys_enter")						\
	int prog(void *ctx)						\
	{								\
		void *value = FIND(map);				\
									\
		if (value)						\
			prog##_body(ctx, value);			\
		return 0;						\
	}								\
	static __always_inline void prog##_body(void *ctx, __VA_ARGS__)

char _license[] SEC("license") = "GPL";

#endif
