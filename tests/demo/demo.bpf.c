// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Count every system call of the machine by its number, in a plain hash, as
 * programs usually do. A second hash gets the same counts, to be read and cleared
 * the usual way. One counter of all calls is never cleared: the sums are checked
 * against it.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define INSERT_TRIES	3

struct calls {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
};

struct calls calls SEC(".maps");
struct calls calls_usual SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} demo_counted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} demo_not_stored SEC(".maps");

static __always_inline void add_one(void *percpu_array)
{
	const __u32 zero = 0;
	__u64 *value;

	value = bpf_map_lookup_elem(percpu_array, &zero);
	if (value)
		__sync_fetch_and_add(value, 1);
}

/* Two CPUs may insert the same call at once: the update of one fails, and the
 * next lookup finds the entry of the other.
 */
static __always_inline bool store(void *map, __u32 number)
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
	/* First of all, so that no later failure goes unseen */
	add_one(&demo_counted);

	if (!store(&calls, ctx->args[1]))
		add_one(&demo_not_stored);
	store(&calls_usual, ctx->args[1]);

	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
