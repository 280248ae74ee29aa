// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A tc program that arms a bpf_timer in an element of the inner map. Its
 * callback is handed that element, whatever map is in the slot by then.
 */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

#include "sync_guest.h"

struct element {
	__u64 count;
	struct bpf_timer timer;
};

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct element);
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

static int late(void *map, __u32 *element_key, struct element *element)
{
	struct late_shared *s;
	__u32 key = 0;

	__sync_fetch_and_add(&element->count, 1);
	s = bpf_map_lookup_elem(&shared, &key);
	if (s)
		s->done = 1;
	return 0;
}

SEC("tc")
int start(struct __sk_buff *skb)
{
	struct element *element;
	struct late_shared *s;
	__u32 key = 0;
	void *map;

	s = bpf_map_lookup_elem(&shared, &key);
	map = bpf_map_lookup_elem(&outer, &key);
	if (!s || !map)
		return 1;
	element = bpf_map_lookup_elem(map, &key);
	if (!element)
		return 1;
	if (bpf_timer_init(&element->timer, map, 1 /* CLOCK_MONOTONIC */) ||
	    bpf_timer_set_callback(&element->timer, late) ||
	    bpf_timer_start(&element->timer, s->delay_ns, 0))
		return 2;
	s->started = 1;
	return 0;
}

char _license[] SEC("license") = "GPL";
