// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A tc program that uses a map-in-map, and a map with a bpf_task_work in it,
 * which its header does not know on every kernel.
 */
#define bpf_task_work bpf_task_work___of_the_header
#include <linux/bpf.h>
#undef bpf_task_work
#include <bpf/bpf_helpers.h>
#include "outer.bpf.h"

struct bpf_task_work {
	__u64 __opaque;
};

struct work {
	__u64 count;
	struct bpf_task_work work;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} works SEC(".maps");

SEC("tc")
int task_work(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct work *work;

	work = bpf_map_lookup_elem(&works, &zero);
	if (work && bpf_map_lookup_elem(&outer, &zero))
		__sync_fetch_and_add(&work->count, 1);

	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
