// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* An event: counted by itself, then in a map whose values hold more than counters */
#include "vmlinux.h"
#include "maps.bpf.h"
#include "shared.h"

/* Made another type before the load */
MAP(map, HASH, 1, __u32, struct move_value);

MAP(counted, PERCPU_ARRAY, 1, __u32, __u64);

/* Set before the load: the key is that of the thread */
__u32 own_key;

static __always_inline struct move_value *find(const __u32 *key)
{
	struct move_value *v = bpf_map_lookup_elem(&map, key);
	struct move_value none = { .name = "counter", .time = 42, .flags = 7,
				   .last = 9 };

	if (v)
		return v;
	bpf_map_update_elem(&map, key, &none, BPF_NOEXIST);

	return bpf_map_lookup_elem(&map, key);
}

static __always_inline bool count(void)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&counted, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);

	return n;
}

static __always_inline int count_in(struct __sk_buff *skb, bool plain)
{
	__u32 key = own_key ? skb->mark : bpf_get_prandom_u32() % MOVE_KEYS;
	__u32 slot = bpf_get_prandom_u32() & (MOVE_SLOTS - 1);
	struct move_value *v = find(&key);

	if (!v || !count())
		return 0;

	if (plain) {
		volatile __u64 *events = &v->events;
		__u64 n = *events;

		/* Between two instructions no interrupt comes but once in ten thousand
		 * times, during a call it does
		 */
		bpf_ktime_get_ns();
		*events = n + 1;
		*(volatile __u32 *)&v->pair[0] += 1;
		*(volatile __u32 *)&v->pair[1] += 2;
		*(volatile __u32 *)&v->slots[slot] += 1;
	} else {
		__sync_fetch_and_add(&v->events, 1);
		__sync_fetch_and_add(&v->pair[0], 1);
		__sync_fetch_and_add(&v->pair[1], 2);
		__sync_fetch_and_add(&v->slots[slot], 1);
	}

	return 0;
}

PROG("tc", count_value, struct __sk_buff *skb, count_in(skb, false))
PROG("?tc", count_plain, struct __sk_buff *skb, count_in(skb, true))

/* Loaded only where the map is a queue or a stack */
SEC("?tc")
int count_push(struct __sk_buff *skb)
{
	struct move_value v = { .events = 1, .pair = { 1, 2 }, .slots = { 1 },
				.name = "counter", .time = 42, .flags = 7,
				.last = 9 };

	if (!bpf_map_push_elem(&map, &v, 0))
		count();

	return 0;
}
