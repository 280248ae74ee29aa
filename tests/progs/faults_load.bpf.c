// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Counts into the map in slot 0 of a map-in-map; and, before it looks that map
 * up, into a counter that nobody ever swaps.
 */

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define KEYS	64

struct faults_inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KEYS);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct faults_inner);
} outer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);		/* counted, missed */
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static void count(__u32 which)
{
	__u64 *counter = bpf_map_lookup_elem(&counters, &which);

	if (counter)
		*counter += 1;
}

SEC("tc")
int faults_load(struct __sk_buff *skb)
{
	__u32 slot = 0, key = bpf_get_prandom_u32() % KEYS;
	__u64 one = 1, *value;
	void *inner;

	count(0);
	inner = bpf_map_lookup_elem(&outer, &slot);
	if (!inner) {
		count(1);
		return 0;
	}

	value = bpf_map_lookup_elem(inner, &key);
	if (!value) {
		/* Another CPU may be faster: then there is one to add to */
		if (!bpf_map_update_elem(inner, &key, &one, BPF_NOEXIST))
			return 0;
		value = bpf_map_lookup_elem(inner, &key);
	}
	if (value)
		__sync_fetch_and_add(value, 1);
	else
		count(1);

	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
