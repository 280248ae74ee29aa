// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Count every system call of the machine by its number, in a plain hash, as
 * programs usually do. A second hash gets the same counts, to be read and cleared
 * the usual way. One counter of all calls is never cleared: the sums are checked
 * against it.
 */
#include "vmlinux.h"
#include "maps.bpf.h"

#define INSERT_TRIES	3

MAP(calls, HASH, 1024, __u32, __u64);
MAP(calls_usual, HASH, 1024, __u32, __u64);
MAP(demo_counted, PERCPU_ARRAY, 1, __u32, __u64);
MAP(demo_not_stored, PERCPU_ARRAY, 1, __u32, __u64);

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
