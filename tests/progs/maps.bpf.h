/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Maps and programs of the usual forms. Included after the types of the kernel. */
#ifndef MAPS_BPF_H
#define MAPS_BPF_H

#include <bpf/bpf_helpers.h>

/* struct_map(TAG, KIND, ENTRIES, KEY, VALUE[, MORE]): TAG may be nothing */
#define struct_map(tag, kind, nr, key_type, value_type, ...)	\
	struct tag {						\
		__uint(type, BPF_MAP_TYPE_##kind);		\
		__uint(max_entries, nr);			\
		__type(key, key_type);				\
		__type(value, value_type);			\
		__VA_ARGS__					\
	}

#define MAP(name, ...)	struct_map(, __VA_ARGS__) name SEC(".maps")

/* What fills its slots may follow */
#define MAP_OF_MAPS(name, kind, nr, key_type, inner)		\
	struct {						\
		__uint(type, BPF_MAP_TYPE_##kind##_OF_MAPS);	\
		__uint(max_entries, nr);			\
		__type(key, key_type);				\
		__array(values, struct inner);			\
	} name SEC(".maps")

/* PROG(SECTION, NAME, TYPE *CTX, RESULT): a program that only calls something */
#define PROG(section, prog, ctx_arg, result)			\
	SEC(section)						\
	int prog(ctx_arg)					\
	{							\
		int prog##_ret = result;			\
								\
		return prog##_ret;				\
	}

/* WITH_FOUND(SECTION, NAME, FOUND, TYPE *VALUE): a program that has found a value,
 * unless there is none; its body follows
 */
#define WITH_FOUND(section, prog, found, ...)				\
	static __always_inline void prog##_body(void *ctx, __VA_ARGS__);	\
	SEC(section)							\
	int prog(void *ctx)						\
	{								\
		void *value = found;					\
									\
		if (value)						\
			prog##_body(ctx, value);			\
		return 0;						\
	}								\
	static __always_inline void prog##_body(void *ctx, __VA_ARGS__)

/* In a value, if there is one; what a program may return */
static __always_inline int count_one(__u64 *value)
{
	if (value)
		__sync_fetch_and_add(value, 1);

	return 0;
}

/* Since 6.15 the kernel gives up on a lock that it can't get for a quarter of a
 * second. The host of a virtual machine may well stop a CPU for that long.
 */
#define COUNT_TRIES	8

/* Counts in a hash; an entry that is not there is made first. 0, or it can't be done */
static __always_inline int count_key(void *map, const __u32 *key)
{
	const __u64 none = 0;
	__u64 *value;
	int i;

	for (i = 0; i < COUNT_TRIES; i++) {
		value = bpf_map_lookup_elem(map, key);
		if (value)
			return count_one(value);
		/* If another CPU was first, its element serves as well */
		bpf_map_update_elem(map, key, &none, BPF_NOEXIST);
	}

	return -1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#endif /* MAPS_BPF_H */
