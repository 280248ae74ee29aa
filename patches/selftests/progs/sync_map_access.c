// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual BSD/GPL";

#define HOLD_MAX_NS	(10 * 1000000000ULL)

struct counter {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
};

/* The maps that take turns, and the index that says whose turn it is */
struct counter counter_0 SEC(".maps");
struct counter counter_1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} selector SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct counter);
} outer SEC(".maps") = {
	.values = { (void *)&counter_0 },
};

/* Written by one side and read by the other, while a program runs */
int inside, may_leave, left;
__u64 counted;

static __u64 *selected(void)
{
	__u32 zero = 0, *which;

	which = bpf_map_lookup_elem(&selector, &zero);
	if (!which)
		return NULL;
	return bpf_map_lookup_elem(*which ? &counter_1 : &counter_0, &zero);
}

static int wait_to_leave(__u32 i, __u64 *deadline)
{
	int n;

	/* bpf_loop() alone is over too soon */
	for (n = 0; n < 64; n++) {
		if (bpf_ktime_get_ns() >= *deadline)
			return 1;
	}
	return may_leave ? 1 : 0;
}

/* Looks a value up, and adds to it when it is told to leave */
SEC("raw_tp")
int hold(void *ctx)
{
	__u64 deadline = bpf_ktime_get_ns() + HOLD_MAX_NS;
	__u64 *value = selected();

	if (!value)
		return 0;
	__sync_fetch_and_add(&inside, 1);
	bpf_loop(1 << 23, wait_to_leave, &deadline, 0);
	__sync_fetch_and_add(value, 1);
	__sync_fetch_and_add(&left, 1);
	return 0;
}

/* Long enough for user space to do something between a look-up and an addition */
static void linger(void)
{
	int i;

	for (i = 0; i < 1000; i++)
		bpf_ktime_get_ns();
}

SEC("raw_tp")
int count_selected(void *ctx)
{
	__u64 *value = selected();

	if (value) {
		linger();
		__sync_fetch_and_add(value, 1);
		__sync_fetch_and_add(&counted, 1);
	}
	return 0;
}

SEC("raw_tp")
int count_inner(void *ctx)
{
	__u32 zero = 0;
	__u64 *value;
	void *inner;

	inner = bpf_map_lookup_elem(&outer, &zero);
	if (!inner)
		return 0;
	value = bpf_map_lookup_elem(inner, &zero);
	if (value) {
		linger();
		__sync_fetch_and_add(value, 1);
		__sync_fetch_and_add(&counted, 1);
	}
	return 0;
}
