// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A tc program, not sleepable, whose bpf_wq callback stays inside a map */
#include "wq.h"
#include "shared.h"
#include "outer.bpf.h"

#define OVERDUE_NS	(30 * 1000000000ULL)

struct work {
	__u64 dummy;
	struct bpf_wq wq;
};

MAP(works, ARRAY, 1, __u32, struct work);
MAP(state, ARRAY, 1, __u32, struct wq_state, __uint(map_flags, BPF_F_MMAPABLE););

struct wait {
	volatile struct wq_state *state;
	__u64 until;
};

static int wait_a_bit(__u32 i, struct wait *wait)
{
	return wait->state->release || bpf_ktime_get_ns() > wait->until;
}

static int wait_long(__u32 i, struct wait *wait)
{
	bpf_loop(1 << 20, wait_a_bit, wait, 0);

	return wait_a_bit(i, wait);
}

static int callback(void *map, int *key, void *value)
{
	struct wait wait = { .until = bpf_ktime_get_ns() + OVERDUE_NS };
	__u32 zero = 0;
	__u64 *sum;

	wait.state = bpf_map_lookup_elem(&state, &zero);
	sum = value_in(&outer, &zero);
	if (!sum || !wait.state)
		return 0;

	wait.state->inside = 1;
	bpf_loop(1 << 20, wait_long, &wait, 0);
	if (!wait.state->release)
		wait.state->overdue = 1;
	__sync_fetch_and_add(sum, WQ_ADDS);
	wait.state->left = 1;

	return 0;
}

SEC("tc")
int wq_start(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct work *work = bpf_map_lookup_elem(&works, &zero);

	if (work && !bpf_wq_init(&work->wq, &works, 0) &&
	    !wq_set_callback(&work->wq, callback))
		bpf_wq_start(&work->wq, 0);

	return 0;
}
