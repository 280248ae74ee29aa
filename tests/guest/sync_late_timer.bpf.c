// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A tc program that arms a bpf_timer in an element of the inner map. Its
 * callback is handed that element, whatever map is in the slot by then.
 */
#include <vmlinux.h>
#include "maps.bpf.h"

/* Until a guest has drained the slot */
#define DELAY_NS	(15 * 1000000000ULL)

struct element {
	__u64 count;
	struct bpf_timer timer;
};

struct_map(inner, ARRAY, 1, __u32, struct element) inner SEC(".maps");
MAP_OF_MAPS(outer, ARRAY, 1, __u32, inner) = { .values = { &inner } };

static int late(void *map, __u32 *key, struct element *element)
{
	__sync_fetch_and_add(&element->count, 1);
	return 0;
}

SEC("tc")
int start(struct __sk_buff *skb)
{
	struct element *element;
	__u32 key = 0;
	void *map;

	map = bpf_map_lookup_elem(&outer, &key);
	element = map ? bpf_map_lookup_elem(map, &key) : NULL;
	return !element || bpf_timer_init(&element->timer, map, 1 /* CLOCK_MONOTONIC */) ||
	       bpf_timer_set_callback(&element->timer, late) ||
	       bpf_timer_start(&element->timer, DELAY_NS, 0);
}
