// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts one process's system calls, in whichever of two maps user space has
 * selected, and dawdles between looking the counter up and adding to it. How often it
 * ran is in "begun": where a thread is preempted inside, since 7.2, the kernel skips
 * the runs of others on that CPU.
 */
#include <vmlinux.h>
#include "maps.bpf.h"

#include "sync_guest.h"

MAP(shared, ARRAY, 1, __u32, struct load_shared);

struct_map(, ARRAY, 1, __u32, __u64)
	begun SEC(".maps"), counter0 SEC(".maps"), counter1 SEC(".maps");

static int dawdle(__u64 i, void *ctx)
{
	return 0;
}

SEC("raw_tp/sys_enter")
int count(struct bpf_raw_tracepoint_args *ctx)
{
	struct load_shared *s;
	__u64 *counter;
	__u32 key = 0;

	s = bpf_map_lookup_elem(&shared, &key);
	if (!s || bpf_get_current_pid_tgid() >> 32 != s->target_pid ||
	    ctx->args[1] != 110 /* getppid */)
		return 0;

	counter = bpf_map_lookup_elem(&begun, &key);
	if (counter)
		__sync_fetch_and_add(counter, 1);
	if (s->active)
		counter = bpf_map_lookup_elem(&counter1, &key);
	else
		counter = bpf_map_lookup_elem(&counter0, &key);
	if (!counter)
		return 0;
	bpf_loop(s->spin, dawdle, NULL, 0);
	__sync_fetch_and_add(counter, 1);
	return 0;
}
