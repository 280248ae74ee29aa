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

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#endif /* MAPS_BPF_H */
