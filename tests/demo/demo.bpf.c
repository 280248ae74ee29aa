// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Counts every system call of the machine by its number, in whatever map is in
 * the slot at that moment; and all of them in one counter that is never
 * drained, to check the sum against.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define INSERT_TRIES	3

struct calls_in {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
};

struct calls_in calls_in SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct calls_in);
} calls SEC(".maps") = {
	.values = { &calls_in },
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} counted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} not_stored SEC(".maps");

static void add_one(void *percpu_array)
{
	const __u32 zero = 0;
	__u64 *value;

	value = bpf_map_lookup_elem(percpu_array, &zero);
	if (value)
		__sync_fetch_and_add(value, 1);
}

/* Two CPUs may see the same call for the first time at once: one of them finds
 * the entry only after its own was refused.
 */
static bool store(void *map, __u32 number)
{
	const __u64 one = 1;
	__u64 *value;
	int i;

	for (i = 0; i < INSERT_TRIES; i++) {
		value = bpf_map_lookup_elem(map, &number);
		if (value) {
			__sync_fetch_and_add(value, 1);
			return true;
		}
		if (!bpf_map_update_elem(map, &number, &one, BPF_NOEXIST))
			return true;
	}

	return false;
}

SEC("raw_tp/sys_enter")
int count_call(struct bpf_raw_tracepoint_args *ctx)
{
	const __u32 zero = 0;
	void *map;

	/* First of all, so that nothing that goes wrong below goes unseen */
	add_one(&counted);

	map = bpf_map_lookup_elem(&calls, &zero);
	if (!map || !store(map, ctx->args[1]))
		add_one(&not_stored);

	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
