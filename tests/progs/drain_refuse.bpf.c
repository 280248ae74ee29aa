// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What map drain refuses: a program for each finding, on a map of its own; they are
 * loaded, never run
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct value {
	__u64 n;
	__u32 bytes, flags;
	char name[16];
};

#define MAP(name, kind)					\
	struct {					\
		__uint(type, kind);			\
		__uint(max_entries, 16);		\
		__type(key, __u32);			\
		__type(value, struct value);		\
	} name SEC(".maps")

MAP(adds, BPF_MAP_TYPE_HASH);
MAP(plain, BPF_MAP_TYPE_HASH);
MAP(deletes, BPF_MAP_TYPE_HASH);
MAP(updates, BPF_MAP_TYPE_HASH);
MAP(mixes, BPF_MAP_TYPE_HASH);
MAP(names, BPF_MAP_TYPE_HASH);
MAP(percpu, BPF_MAP_TYPE_PERCPU_HASH);
MAP(softirq, BPF_MAP_TYPE_PERCPU_HASH);

static const __u32 key = 1;

static __always_inline struct value *find(void *map)
{
	return bpf_map_lookup_elem(map, &key);
}

SEC("tc")
int add(struct __sk_buff *skb)
{
	struct value *v = find(&adds);

	if (!v)
		return 0;
	__sync_fetch_and_add(&v->n, 1);
	v->flags = 1;
	return 0;
}

SEC("tc")
int plain_add(struct __sk_buff *skb)
{
	struct value *v = find(&plain);

	if (!v)
		return 0;
	v->n += 1;
	return 0;
}

SEC("tc")
int delete(struct __sk_buff *skb)
{
	struct value *v = find(&deletes);

	if (!v)
		return 0;
	__sync_fetch_and_add(&v->n, 1);
	bpf_map_delete_elem(&deletes, &key);
	return 0;
}

SEC("tc")
int update(struct __sk_buff *skb)
{
	struct value *v = find(&updates), more;

	if (!v)
		return 0;
	more = *v;
	more.n += 1;
	bpf_map_update_elem(&updates, &key, &more, BPF_ANY);
	return 0;
}

SEC("tc")
int mix(struct __sk_buff *skb)
{
	struct value *v = find(&mixes);

	if (!v)
		return 0;
	__sync_fetch_and_add(&v->n, 1);
	v->n = 5;
	return 0;
}

SEC("tc")
int name(struct __sk_buff *skb)
{
	struct value *v = find(&names);

	if (!v)
		return 0;
	v->flags = 1;
	return 0;
}

/* Which a thread may interrupt, unlike those of tc */
SEC("raw_tp/sys_enter")
int percpu_add(void *ctx)
{
	struct value *v = find(&percpu);

	if (!v)
		return 0;
	v->n += 1;
	return 0;
}

SEC("tc")
int softirq_add(struct __sk_buff *skb)
{
	struct value *v = find(&softirq);

	if (!v)
		return 0;
	v->n += 1;
	return 0;
}

char _license[] SEC("license") = "GPL";
