// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Moves what programs counted in one map into another, value by value
 *
 * An atomic exchange with 0 takes a count out of the map: a program's atomic add
 * lands either before it, and is moved, or after it, and stays. The entry in the
 * stage is created first, so that every count always has a place.
 */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include "map_move_kinds.h"

/* Not by CO-RE: libbpf takes 15 ms to load the kernel's types for that */
struct iter_ctx {
	void *meta, *map, *key, *value;
};

#define ENOENT	2

/* All of these are replaced before loading */
struct any_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 8);
};

struct any_map map SEC(".maps");	/* what programs count into */
struct any_map stage SEC(".maps");	/* what was moved */
struct any_map last SEC(".maps");	/* since: the last readings */
struct any_map now SEC(".maps");	/* since: the new readings */
struct any_map layout SEC(".maps");	/* frozen, so the verifier knows it */
struct any_map scratch SEC(".maps");	/* a key, then zeros */

const volatile __u32 key_size;
const volatile __u32 begin, end;	/* this part of a value, in 4 bytes */
const volatile bool has_keys;		/* entries have to be created */
const volatile bool is_since, has_last;
const volatile bool revisit;		/* other runs move other parts */

const volatile __u32 max_entries;	/* of a queue */

__u64 moved, left, shrank, lost;

struct entry {
	const void *key;
	__s32 cpu;			/* -1: not a per-CPU map, or this one */
};

static __always_inline void *find(void *in, const struct entry *e)
{
	if (e->cpu >= 0)
		return bpf_map_lookup_percpu_elem(in, e->key, e->cpu);
	return bpf_map_lookup_elem(in, e->key);
}

static __always_inline void *find_or_make(void *in, const struct entry *e,
					  const void *zeros)
{
	if (has_keys)
		bpf_map_update_elem(in, e->key, zeros, BPF_NOEXIST);
	return find(in, e);
}

/* Words of values are read and written whole, so that none is seen half added */
#define U32(base, i)	((volatile __u32 *)((base) + (i) * 4))
#define U64(base, i)	((volatile __u64 *)((base) + (i) * 4))

static __always_inline bool has_counts(const void *value, const __u8 *kinds)
{
	__u32 i, stop = end;
	__u64 any = 0;

	for (i = begin; i < stop; i++) {
		if (kinds[i] == MOVE_U32)
			any |= *U32(value, i);
		else if (kinds[i] == MOVE_U64)
			any |= *U64(value, i++);
	}

	return any;
}

static __always_inline void exchange(void *to, void *value, const __u8 *kinds)
{
	__u32 i, stop = end;

	for (i = begin; i < stop; i++) {
		if (kinds[i] == MOVE_OTHER) {
			*U32(to, i) = *U32(value, i);
		} else if (kinds[i] == MOVE_U32) {
			if (*U32(value, i))
				*U32(to, i) += __sync_lock_test_and_set(U32(value, i), 0);
		} else {
			if (*U64(value, i))
				*U64(to, i) += __sync_lock_test_and_set(U64(value, i), 0);
			i++;
		}
	}
}

static __always_inline int move_value(const struct entry *e, void *value,
				      const __u8 *kinds, const void *zeros)
{
	bool any = has_counts(value, kinds);
	void *to;

	if (!any && !revisit)
		return 0;

	to = any ? find_or_make(&stage, e, zeros) : find(&stage, e);
	if (to)
		exchange(to, value, kinds);
	if (any && to)
		moved++;
	else if (any)
		left++;

	return 0;
}

/* Keep the reading, and return whether it differs from the last one */
static __always_inline bool read_changed(void *to, const void *value,
					 const void *old, const __u8 *kinds)
{
	__u32 i, stop = end;
	__u64 any = 0;

	for (i = begin; i < stop; i++) {
		if (kinds[i] == MOVE_U32) {
			__u32 word = *U32(value, i);

			*U32(to, i) = word;
			any |= word ^ *U32(old, i);
		} else if (kinds[i] == MOVE_U64) {
			__u64 word = *U64(value, i);

			*U64(to, i) = word;
			any |= word ^ *U64(old, i);
			i++;
		} else {
			/* A counter again when its program is back */
			*U32(to, i) = *U32(old, i);
		}
	}

	return any;
}

static __always_inline void subtract(void *to, const void *new,
				     const void *old, const void *value,
				     const __u8 *kinds)
{
	__u32 i, stop = end;

	for (i = begin; i < stop; i++) {
		if (kinds[i] == MOVE_OTHER) {
			*U32(to, i) = *U32(value, i);
		} else if (kinds[i] == MOVE_U32) {
			__u32 word = *U32(new, i), less = *U32(old, i);

			shrank += word < less;
			*U32(to, i) = word < less ? word : word - less;
		} else {
			__u64 word = *U64(new, i), less = *U64(old, i);

			shrank += word < less;
			*U64(to, i) = word < less ? word : word - less;
			i++;
		}
	}
}

static __always_inline int read_value(const struct entry *e, const void *value,
				      const __u8 *kinds, const void *zeros)
{
	const void *old = has_last ? find(&last, e) : NULL;
	void *new, *to;
	bool any;

	/* Without a reading the next run would print the whole value again */
	new = find_or_make(&now, e, zeros);
	if (!new)
		goto no_memory;

	if (!old)
		old = zeros;
	any = read_changed(new, value, old, kinds);
	if (!any && !revisit)
		return 0;

	to = any ? find_or_make(&stage, e, zeros) : find(&stage, e);
	if (to) {
		subtract(to, new, old, value, kinds);
		moved += any;
		return 0;
	}
	if (!any)
		return 0;

no_memory:
	left++;
	return 1;
}

static __always_inline int take_value(const struct entry *e, void *value,
				      const __u8 *kinds, const void *zeros)
{
	return is_since ? read_value(e, value, kinds, zeros) :
			  move_value(e, value, kinds, zeros);
}

SEC("iter/bpf_map_elem")
int move_iter(struct iter_ctx *ctx)
{
	void *value = ctx->value;
	struct entry e = { .cpu = -1 };
	const void *from = ctx->key;
	__u32 zero = 0, i, size = key_size;
	__u8 *kinds, *key;

	kinds = bpf_map_lookup_elem(&layout, &zero);
	key = bpf_map_lookup_elem(&scratch, &zero);
	if (!from || !value || !kinds || !key)
		return 0;

	/* The verifier rejects a key in the iterator's memory */
	for (i = 0; i + 8 <= size; i += 8)
		*(__u64 *)(key + i) = *(__u64 *)(from + i);
	for (; i < size; i++)
		key[i] = *(__u8 *)(from + i);

	e.key = key;
	take_value(&e, value, kinds, key + MOVE_KEY_MAX);

	return 0;
}

static long take_one(struct bpf_map *m, const void *key, void *value, void *ctx)
{
	struct entry e = { .key = key, .cpu = -1 };
	__u32 zero = 0;
	__u8 *kinds = bpf_map_lookup_elem(&layout, &zero);
	void *zeros = bpf_map_lookup_elem(&scratch, &zero);

	if (!kinds || !zeros)
		return 1;

	return take_value(&e, value, kinds, zeros + MOVE_KEY_MAX);
}

/* From a per-CPU map, take the values of the CPU that this runs on, and return its
 * number. Run from a thread, not an interrupt, it does not cut an add in two.
 */
SEC("syscall")
int move_each(void *ctx)
{
	bpf_for_each_map_elem(&map, take_one, NULL, 0);

	return bpf_get_smp_processor_id();
}

static long take_cpu(struct bpf_map *m, const void *key, void *value, __u32 *cpu)
{
	struct entry e = { .key = key, .cpu = *cpu };
	__u32 zero = 0;
	__u8 *kinds = bpf_map_lookup_elem(&layout, &zero);
	void *zeros = bpf_map_lookup_elem(&scratch, &zero);

	value = bpf_map_lookup_percpu_elem(&map, key, *cpu);
	if (!kinds || !zeros)
		return 1;
	/* It was deleted in between */
	if (!value)
		return 0;

	return take_value(&e, value, kinds, zeros + MOVE_KEY_MAX);
}

/* Take the values of an offline CPU */
SEC("syscall")
int move_cpu(__u32 *ctx)
{
	__u32 cpu = *ctx;

	bpf_for_each_map_elem(&map, take_cpu, &cpu, 0);

	return 0;
}

/* The stage is a queue for both types, so that its elements come out in the same
 * order as they would have from the map.
 */
SEC("raw_tp")
int move_pop(void *ctx)
{
	__u32 zero = 0, i;
	void *value = bpf_map_lookup_elem(&scratch, &zero);
	int err;	/* int: before 6.4 the kernel set only 32 bits of it */

	if (!value)
		return 0;
	value += MOVE_KEY_MAX;

	for (i = 0; i < MOVE_POP_MAX; i++) {
		if (moved >= max_entries)
			return 1;
		err = bpf_map_pop_elem(&map, value);
		if (err)
			return err == -ENOENT;

		/* It has capacity, and no other user takes its lock */
		if (bpf_map_push_elem(&stage, value, 0)) {
			left++;
			lost += bpf_map_push_elem(&map, value, 0) != 0;
			return 1;
		}
		moved++;
	}

	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
