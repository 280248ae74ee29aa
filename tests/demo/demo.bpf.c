// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Count every system call of the machine by its number, in a plain hash, as
 * programs usually do. A second hash gets the same counts, to be read and cleared
 * the usual way. One counter of all calls is never cleared: the sums are checked
 * against it.
 */
#include "vmlinux.h"
#include "maps.bpf.h"

MAP(calls, HASH, 1024, __u32, __u64);
MAP(calls_usual, HASH, 1024, __u32, __u64);
MAP(demo_counted, PERCPU_ARRAY, 1, __u32, __u64);
MAP(demo_not_stored, PERCPU_ARRAY, 1, __u32, __u64);

SEC("raw_tp/sys_enter")
int count_call(struct bpf_raw_tracepoint_args *ctx)
{
	const __u32 number = ctx->args[1], zero = 0;

	/* First of all, so that no later failure goes unseen */
	count_one(bpf_map_lookup_elem(&demo_counted, &zero));

	if (count_key(&calls, &number))
		count_one(bpf_map_lookup_elem(&demo_not_stored, &zero));
	count_key(&calls_usual, &number);

	return 0;
}
