// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs of four types count what passes them, attached as in use. Each event is
 * counted by itself, too, by the type of its program
 */
#include "vmlinux.h"
#include "maps.bpf.h"

enum who { RAW_TP, TC, XDP, CGROUP, WHO_MAX };

MAP(counted, ARRAY, WHO_MAX, __u32, __u64);

/* 12 bytes */
struct small {
	__u32 events, twice;
	__u32 last;
};

MAP(small, HASH, 256, __u32, struct small);

/* 4 KiB: a histogram beside a name */
#define SLOTS	1016
struct large {
	__u64 events;
	char name[16];
	__u32 slots[SLOTS];
	__u64 last;
};

const volatile struct large none = { .name = "counter", .last = 3 };

MAP(large, HASH, 64, __u32, struct large);

/* One type of program counts here, without atomics */
MAP(cpus, PERCPU_HASH, 64, __u32, struct small);

/* Counters among state */
struct {
	__u64 events;
	__u64 last;
	__u32 slots[8];
} total;

/* A value, which is made first if it is not there */
static __always_inline void *find(void *map, const __u32 *key, const void *first)
{
	void *value = bpf_map_lookup_elem(map, key);

	if (value)
		return value;
	bpf_map_update_elem(map, key, first, BPF_NOEXIST);

	return bpf_map_lookup_elem(map, key);
}

static __always_inline void count_small(__u32 random)
{
	struct small first = { .last = 3 }, *v;
	__u32 key = random % 100;

	v = find(&small, &key, &first);
	if (!v)
		return;
	__sync_fetch_and_add(&v->events, 1);
	__sync_fetch_and_add(&v->twice, 2);
	v->last = 3;
}

static __always_inline void count_large(__u32 random)
{
	__u32 key = random % 10, slot = random / 16 & 1023;
	struct large *v;

	if (slot >= SLOTS)
		slot = 0;
	v = find(&large, &key, (const void *)&none);
	if (!v)
		return;
	__sync_fetch_and_add(&v->events, 1);
	__sync_fetch_and_add(&v->slots[slot], 1);
	v->last = 3;
}

/* What finds no place in a map is missed in the sum of that map, and seen */
static __always_inline int count(__u32 who)
{
	__u32 random = bpf_get_prandom_u32();
	__u64 *n = bpf_map_lookup_elem(&counted, &who);

	if (!n)
		return 0;
	__sync_fetch_and_add(n, 1);
	*(volatile __u64 *)&total.last = 3;
	__sync_fetch_and_add(&total.events, 1);
	__sync_fetch_and_add(&total.slots[random & 7], 1);
	count_small(random);
	count_large(random);

	return 0;
}

PROG("raw_tp/sys_enter", count_raw_tp, void *ctx, count(RAW_TP))
PROG("tc", count_tc, struct __sk_buff *skb, count(TC))
PROG("cgroup_skb/egress", count_cgroup, struct __sk_buff *skb, count(CGROUP) + 1)

SEC("xdp")
int count_xdp(struct xdp_md *ctx)
{
	__u32 key = bpf_get_prandom_u32() % 50;
	struct small first = { .last = 3 }, *v;

	count(XDP);
	v = find(&cpus, &key, &first);
	if (!v)
		return XDP_PASS;
	*(volatile __u32 *)&v->events += 1;
	*(volatile __u32 *)&v->twice += 2;
	v->last = 3;

	return XDP_PASS;
}
