// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counters in .bss and .data, in arrays, per CPU, in queues */

#include "audit.h"

struct stat {
	__u64 n;
	__u64 since;
};

struct stat stats[4];
__u32 slots[MAX_SLOTS];
__u64 total;
__u64 lock_owner;
char last_comm[16];
int enabled = 1;
__u64 from_data = 7;

ARRAY(array, struct flow);
ARRAY(words, __u64);
TYPED(percpu, PERCPU_ARRAY, struct flow);
TYPED(pcpuhash, PERCPU_HASH, __u64);
TYPED(lru, LRU_HASH, __u64);

struct twelve {
	__u32 a, b, c;
};

TYPED(twelve, ARRAY, struct twelve);

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 16);
	__type(value, __u64);
} queue SEC(".maps");

struct big {
	__u64 n[511];
	__u64 time;
};

TYPED(big, HASH, struct big);

/* Not by RUN(): in .bss comes first what is used first */
SEC("raw_tp/sys_enter")
int bss__exact(void *ctx)
{
	__u32 slot = bpf_get_prandom_u32();

	if (slot >= MAX_SLOTS)
		slot = MAX_SLOTS - 1;
	ADD(slots[slot], 1);
	ADD(total, 1);
	bpf_get_current_comm(last_comm, sizeof(last_comm));
	return 0;
}

SEC("raw_tp/sys_enter")
int bss__structs(void *ctx)
{
	__u32 i = bpf_get_prandom_u32() & 3;

	ADD(stats[i].n, 1);
	stats[i].since = bpf_ktime_get_ns();
	return 0;
}

SEC("raw_tp/sys_enter")
int bss__structs_reset(void *ctx)
{
	__u32 i = bpf_get_prandom_u32() & 3;

	ADD(stats[i].n, 1);
	stats[3].n = 0;
	return 0;
}

SEC("raw_tp/sys_enter")
int bss__plain(void *ctx)
{
	if (enabled)
		total++;
	return 0;
}

RUN(data__plain)
{
	from_data += 3;
}

RUN(data__exact)
{
	ADD(from_data, 3);
}

WITH(array__exact, array, struct flow *f)
{
	ADD(f->packets, 1);
	f->last_ns = bpf_ktime_get_ns();
}

SEC("tc")
int array__plain(struct __sk_buff *skb)
{
	__u32 i = skb->protocol & 15;
	struct flow *f = bpf_map_lookup_elem(&array, &i);

	if (!f)
		return 0;
	f->packets++;
	f->bytes += skb->len;
	return 0;
}

SEC("xdp")
int words__exact(struct xdp_md *ctx)
{
	__u32 i = XDP_PASS;
	__u64 *n = bpf_map_lookup_elem(&words, &i);

	if (n)
		ADD(*n, 1);
	return XDP_PASS;
}

/* A constant that the program sets again and again */
SEC("xdp")
int words__stored(struct xdp_md *ctx)
{
	__u32 i = XDP_PASS;
	__u64 n = 8, *v = bpf_map_lookup_elem(&words, &i);

	if (v)
		ADD(*v, 1);
	bpf_map_update_elem(&words, &i, &n, BPF_ANY);
	return XDP_PASS;
}

SEC("xdp")
int percpu__plain(struct xdp_md *ctx)
{
	__u32 i = 0;
	struct flow *f = bpf_map_lookup_elem(&percpu, &i);

	if (!f)
		return XDP_PASS;
	f->packets++;
	f->bytes += ctx->data_end - ctx->data;
	f->last_ns = bpf_ktime_get_ns();
	return XDP_PASS;
}

WITH(percpu__exact, percpu, struct flow *f)
{
	ADD(f->packets, 1);
}

RUN(percpu__other_cpu)
{
	__u32 i = 0;
	struct flow *f = bpf_map_lookup_percpu_elem(&percpu, &i, 0);

	if (f)
		f->packets = 1;
	f = bpf_map_lookup_elem(&percpu, &i);
	if (f)
		ADD(f->packets, 1);
}

RUN(pcpuhash__exact)
{
	__u32 i = 0;
	__u64 zero = 0, *n = bpf_map_lookup_elem(&pcpuhash, &i);

	if (n)
		ADD(*n, 1);
	else
		bpf_map_update_elem(&pcpuhash, &i, &zero, BPF_NOEXIST);
}

WITH(pcpuhash__plain, pcpuhash, __u64 *n)
{
	*n += 1;
}

WITH(lru__exact, lru, __u64 *n)
{
	ADD(*n, 1);
}

RUN(queue__exact)
{
	__u64 n = 1;

	bpf_map_push_elem(&queue, &n, 0);
	bpf_map_pop_elem(&queue, &n);
}

WITH(twelve__exact, twelve, struct twelve *t)
{
	ADD(t->a, 1);
	ADD(t->b, 1);
	t->c = 3;
}

WITH(twelve__plain, twelve, struct twelve *t)
{
	t->c = t->c + 3;
}

WITH(big__exact, big, struct big *b)
{
	__u32 at = bpf_get_prandom_u32();

	if (at < 511)
		ADD(b->n[at], 1);
	b->time = bpf_ktime_get_ns();
}

/* Stores by an index that reaches beyond the array into the time */
WITH(big__beyond, big, struct big *b)
{
	b->n[bpf_get_prandom_u32() & 511] = 0;
	ADD(b->time, 1);
}

RUN(array__deleted)
{
	__u32 i = 1;
	struct flow *f = bpf_map_lookup_elem(&array, &i);

	if (f)
		ADD(f->packets, 1);
	bpf_map_delete_elem(&array, &i);
}
