// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tc programs that use a map-in-map and a bpf_timer: in the values of the
 * inner map, and in a map beside it
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct ticking {
	__u64 count;
	struct bpf_timer timer;
};

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ticking);
} ticking SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} timers SEC(".maps") = {
	.values = { &ticking },
};

struct plain {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct plain);
} outer SEC(".maps") = {
	.values = { &first },
};

static int count_in(void *map_in_map)
{
	__u32 zero = 0;
	__u64 *count;
	void *inner;

	inner = bpf_map_lookup_elem(map_in_map, &zero);
	if (!inner)
		return 0;
	count = bpf_map_lookup_elem(inner, &zero);
	if (count)
		__sync_fetch_and_add(count, 1);

	return 0;
}

SEC("tc")
int timer_in_inner(struct __sk_buff *skb)
{
	return count_in(&timers);
}

SEC("tc")
int timer_beside(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct ticking *value;

	value = bpf_map_lookup_elem(&ticking, &zero);
	if (value)
		__sync_fetch_and_add(&value->count, 1);

	return count_in(&outer);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
