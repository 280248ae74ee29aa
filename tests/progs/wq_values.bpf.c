// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tc programs that use a map-in-map and can get at a bpf_wq in another way
 * than through a plain map of theirs.
 */
#include "wq.h"

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

struct work {
	__u64 count;
	struct bpf_wq wq;
};

struct working {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} working SEC(".maps");

/* The first slot is empty */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct working);
} others SEC(".maps") = {
	.values = { [1] = &working },
};

static int count_in(void *map_in_map, __u32 slot)
{
	__u32 zero = 0;
	__u64 *count;
	void *inner;

	inner = bpf_map_lookup_elem(map_in_map, &slot);
	if (!inner)
		return 0;
	count = bpf_map_lookup_elem(inner, &zero);
	if (count)
		__sync_fetch_and_add(count, 1);

	return 0;
}

/* It is the drained map's own values that hold one */
SEC("tc")
int wq_in_inner(struct __sk_buff *skb)
{
	return count_in(&others, 1);
}

SEC("tc")
int wq_in_other(struct __sk_buff *skb)
{
	return count_in(&outer, 0) + count_in(&others, 1);
}

SEC("tc")
int wq_nowhere(struct __sk_buff *skb)
{
	return count_in(&outer, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
