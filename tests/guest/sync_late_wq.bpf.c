// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A tc program that starts a bpf_wq. The callback looks the inner map up, stays
 * under way until it is released, and only then writes to it.
 */
#include "wq.h"
#include "sync_guest.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { &inner } };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct late_shared);
} shared SEC(".maps");

struct work {
	struct bpf_wq wq;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} works SEC(".maps");

/* Stops the loop, 1, as soon as user space says go */
static int let_go(__u64 i, void *ctx)
{
	struct late_shared *s;
	__u32 key = 0;

	s = bpf_map_lookup_elem(&shared, &key);
	return !s || s->go;
}

static int spin(__u64 i, void *ctx)
{
	bpf_loop(1 << 20, let_go, NULL, 0);
	return let_go(0, NULL);
}

static int late(void *map, int *work_key, void *value)
{
	struct late_shared *s;
	__u64 *counter;
	__u32 key = 0;
	void *old;

	s = bpf_map_lookup_elem(&shared, &key);
	old = bpf_map_lookup_elem(&outer, &key);
	if (!s || !old)
		return 0;
	counter = bpf_map_lookup_elem(old, &key);
	if (!counter)
		return 0;

	s->started = 1;
	bpf_loop(1 << 10, spin, NULL, 0);
	__sync_fetch_and_add(counter, 1);
	s->done = 1;
	return 0;
}

SEC("tc")
int start(struct __sk_buff *skb)
{
	struct work *work;
	__u32 key = 0;

	work = bpf_map_lookup_elem(&works, &key);
	if (!work)
		return 1;
	if (bpf_wq_init(&work->wq, &works, 0) ||
	    wq_set_callback(&work->wq, late) ||
	    bpf_wq_start(&work->wq, 0))
		return 2;
	return 0;
}

char _license[] SEC("license") = "GPL";
