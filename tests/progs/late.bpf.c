// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A program that adds late: it looks a value up, stays inside for a time that
 * its driver chose, and only then adds to what it looked up.
 */
#include "vmlinux.h"
#include "maps.bpf.h"
#include "shared.h"

struct_map(counts, HASH, 16, __u32, __u64);

MAP_OF_MAPS(outer, ARRAY, 1, __u32, counts);

/* The selector pattern: an index that says which of two maps is in use */
MAP(selector, ARRAY, 1, __u32, __u32);

struct counts first SEC(".maps"), second SEC(".maps");

MAP(state, ARRAY, 1, __u32, struct late_state, __uint(map_flags, BPF_F_MMAPABLE););

/* A callback each would be short of a second before bpf_loop() ends */
static long until(__u32 i, void *ctx)
{
	const __u64 *deadline = ctx;
	int n;

	for (n = 0; n < 64; n++) {
		if (bpf_ktime_get_ns() >= *deadline)
			return 1;
	}

	return 0;
}

/* Atomics order as well: who sees that it left can see what it added */
static __always_inline int add_late(void *map, struct late_state *s)
{
	const __u32 key = LATE_KEY, mark = LATE_MARK;
	__u64 none = 0, deadline, *value;

	value = bpf_map_lookup_elem(map, &mark);
	if (!value || !*value)
		return 0;

	bpf_map_update_elem(map, &key, &none, BPF_NOEXIST);
	value = bpf_map_lookup_elem(map, &key);
	if (!value)
		return -1;
	__sync_fetch_and_add(value, LATE_EARLY);

	deadline = bpf_ktime_get_ns() + s->spin_ns;
	__sync_fetch_and_add(&s->inside, 1);
	bpf_loop(1 << 23, until, &deadline, 0);
	__sync_fetch_and_add(value, LATE_ADD);
	s->left_ns = bpf_ktime_get_ns();
	__sync_fetch_and_add(&s->left, 1);

	return 0;
}

static __always_inline int late(void)
{
	const __u32 zero = 0;
	struct late_state *s;
	__u32 *which;
	void *map;
	int err;

	s = bpf_map_lookup_elem(&state, &zero);
	if (!s)
		return 0;

	if (s->by_selector) {
		which = bpf_map_lookup_elem(&selector, &zero);
		if (which && *which)
			err = add_late(&second, s);
		else
			err = add_late(&first, s);
	} else {
		map = bpf_map_lookup_elem(&outer, &zero);
		err = map ? add_late(map, s) : -1;
	}

	if (err)
		__sync_fetch_and_add(&s->error, 1);
	return 0;
}

/* Softirqs wait as well, but PREEMPT_RT still schedules */
PROG("tc", late_tc, struct __sk_buff *skb, late())

/* Nothing is scheduled, PREEMPT_RT or not, but softirqs still run */
PROG("raw_tp", late_raw_tp, void *ctx, late())

/* Others are scheduled where the kernel is preemptible (preempt=full) */
SEC("iter/bpf_map")
int late_iter(struct bpf_iter__bpf_map *ctx)
{
	return ctx->map && !ctx->meta->seq_num ? late() : 0;
}
