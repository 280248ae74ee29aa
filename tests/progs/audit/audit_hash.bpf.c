// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counters in a hash, as libbpf-tools count */

#include "audit.h"

HASH(flows, __u32, struct flow);
HASH(hists, __u32, struct hist);
HASH(start, __u32, __u64);
HASH(counts, __u32, __u64);
HASH(small, __u32, __u32);

static struct hist zero_hist;

/* Count and time beside a name, made by an update with flags 0 */
RUN(flows__named)
{
	__u32 key = bpf_get_current_pid_tgid() >> 32;
	struct flow *f, new = {};

	f = bpf_map_lookup_elem(&flows, &key);
	if (!f) {
		new.first_ns = bpf_ktime_get_ns();
		bpf_get_current_comm(new.comm, sizeof(new.comm));
		bpf_map_update_elem(&flows, &key, &new, 0);
		f = bpf_map_lookup_elem(&flows, &key);
		if (!f)
			return;
	}
	ADD(f->packets, 1);
	ADD(f->bytes, 64);
	f->last_ns = bpf_ktime_get_ns();
	f->flags |= 4;
}

/* A name that a helper writes in place, before a counter */
WITH(flows__named_later, flows, struct flow *f)
{
	bpf_get_current_comm(f->comm, sizeof(f->comm));
	ADD(f->errors, 1);
}

/* Its twin, which writes too much */
WITH(flows__named_long, flows, struct flow *f)
{
	bpf_get_current_comm(f->comm, sizeof(f->comm) + 8);
	ADD(f->errors, 1);
}

/* The same with a plain add */
WITH(flows__plain, flows, struct flow *f)
{
	f->packets += 1;
	ADD(f->bytes, 64);
	f->last_ns = bpf_ktime_get_ns();
}

SEC("tc")
int flows__tc(struct __sk_buff *skb)
{
	__u32 key = skb->protocol;
	struct flow *f = bpf_map_lookup_elem(&flows, &key), new = {};

	if (f) {
		ADD(f->packets, 1);
		ADD(f->bytes, skb->len);
	} else {
		new.packets = 1;
		new.bytes = skb->len;
		bpf_map_update_elem(&flows, &key, &new, BPF_NOEXIST);
	}
	return 0;
}

SEC("xdp")
int flows__xdp(struct xdp_md *ctx)
{
	__u64 len = ctx->data_end - ctx->data;
	__u32 key = ctx->rx_queue_index;
	struct flow *f = bpf_map_lookup_elem(&flows, &key);

	if (f) {
		ADD(f->packets, 1);
		ADD(f->bytes, len);
	}
	return XDP_PASS;
}

SEC("cgroup_skb/egress")
int counts__cgroup(struct __sk_buff *skb)
{
	__u32 key = skb->ifindex;
	__u64 *n = bpf_map_lookup_elem(&counts, &key), one = 1;

	if (n)
		ADD(*n, 1);
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
	return 1;
}

/* As cgroup, with what the packet is long */
SEC("cgroup_skb/egress")
int counts__cgroup_plain(struct __sk_buff *skb)
{
	__u32 key = skb->ifindex;
	__u64 *n = bpf_map_lookup_elem(&counts, &key);

	if (n)
		*n += skb->len;
	return 1;
}

SEC("xdp")
int counts__xdp_plain(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u64 *n = bpf_map_lookup_elem(&counts, &key);

	if (n)
		*n = *n + (ctx->data_end - ctx->data);
	return XDP_PASS;
}

/* slots[] of u32 with a variable index, an entry made from .bss */
RUN(hists__slots)
{
	__u32 key = bpf_get_current_pid_tgid() >> 32;
	__u64 *tsp = bpf_map_lookup_elem(&start, &key), slot;
	struct hist *h;
	__s64 delta;

	if (!tsp)
		return;
	delta = bpf_ktime_get_ns() - *tsp;
	if (delta < 0)
		goto cleanup;
	h = bpf_map_lookup_elem(&hists, &key);
	if (!h) {
		bpf_map_update_elem(&hists, &key, &zero_hist, BPF_NOEXIST);
		h = bpf_map_lookup_elem(&hists, &key);
		if (!h)
			goto cleanup;
		bpf_get_current_comm(h->comm, sizeof(h->comm));
	}
	slot = log2l((__u64)delta / 1000U);
	if (slot >= MAX_SLOTS)
		slot = MAX_SLOTS - 1;
	ADD(h->slots[slot], 1);
cleanup:
	bpf_map_delete_elem(&start, &key);
}

/* The map that such a program keeps start times in */
RUN(start__times)
{
	__u32 key = bpf_get_current_pid_tgid() >> 32;
	__u64 ts = bpf_ktime_get_ns();

	bpf_map_update_elem(&start, &key, &ts, 0);
	if (!(ts & 1))
		bpf_map_delete_elem(&start, &key);
}

WITH(hists__plain, hists, struct hist *h)
{
	__u32 slot = bpf_get_prandom_u32();

	if (slot >= MAX_SLOTS)
		slot = MAX_SLOTS - 1;
	h->slots[slot]++;
}

/* An index that is masked to more than the array has, but not than the value */
WITH(hists__masked, hists, struct hist *h)
{
	ADD(h->slots[bpf_get_prandom_u32() & 15], 1);
}

/* Decrements are additions too */
WITH(counts__decrement, counts, __u64 *n)
{
	if (bpf_get_prandom_u32() & 1)
		ADD(*n, -1);
	else
		ADD(*n, 1);
}

WITH(counts__fetch, counts, __u64 *n)
{
	if (__sync_fetch_and_add(n, 1) > 1000)
		bpf_printk("many");
}

WITH(counts__deleted, counts, __u64 *n)
{
	__u32 key = 0;

	if (__sync_fetch_and_add(n, 1) > 1000)
		bpf_map_delete_elem(&counts, &key);
}

WITH(counts__reset, counts, __u64 *n)
{
	if (__sync_fetch_and_add(n, 1) > 1000)
		*n = 0;
}

WITH(counts__exchanged, counts, __u64 *n)
{
	if (__sync_fetch_and_add(n, 1) > 1000)
		__sync_lock_test_and_set(n, 0);
}

/* update_elem() of a value that was computed from the map's own */
RUN(counts__update_own)
{
	__u32 key = 0;
	__u64 *v = bpf_map_lookup_elem(&counts, &key), n = 1;

	if (v)
		n = *v + 1;
	bpf_map_update_elem(&counts, &key, &n, BPF_ANY);
}

/* Its twin that inserts a constant */
RUN(counts__update_const)
{
	__u32 key = 0;
	__u64 *v = bpf_map_lookup_elem(&counts, &key), n = 1;

	if (v)
		ADD(*v, 1);
	else
		bpf_map_update_elem(&counts, &key, &n, BPF_ANY);
}

/* A whole value is copied from one entry to another */
RUN(counts__update_copy)
{
	__u32 key = 0, other = 1;
	__u64 *v = bpf_map_lookup_elem(&counts, &key);

	if (v) {
		ADD(*v, 1);
		bpf_map_update_elem(&counts, &other, v, BPF_ANY);
	}
}

/* u32 counters, alone and as a pair in a word */
WITH(small__word, small, __u32 *n)
{
	ADD(*n, 1);
}

WITH(flows__beside, flows, struct flow *f)
{
	f->flags = 1;
	ADD(f->errors, 1);
}

/* Maximum and minimum: compared and exchanged, or stored */
WITH(flows__max, flows, struct flow *f)
{
	__u64 now = bpf_ktime_get_ns(), old;

	ADD(f->packets, 1);
	old = f->last_ns;
	if (now > old)
		__sync_val_compare_and_swap(&f->last_ns, old, now);
	if (now < f->first_ns)
		f->first_ns = now;
}

/* A counter that is set to its maximum */
WITH(flows__clamped, flows, struct flow *f)
{
	if (__sync_fetch_and_add(&f->packets, 1) > 100)
		__sync_val_compare_and_swap(&f->packets, 101, 100);
}
