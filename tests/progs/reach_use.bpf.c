// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A program that has a map among its own, without any map-in-map */
#include "vmlinux.h"
#include "maps.bpf.h"

MAP(held, HASH, 16, __u32, __u64);

SEC("tc")
int reach_holder(struct __sk_buff *skb)
{
	__u64 one = 1, *value;
	__u32 key = 0;

	value = bpf_map_lookup_elem(&held, &key);
	if (value)
		__sync_fetch_and_add(value, one);
	else
		bpf_map_update_elem(&held, &key, &one, BPF_ANY);

	return 0;
}
