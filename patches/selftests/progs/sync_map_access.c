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

/* Two maps that take turns, and the index of the one that is in use */
struct counter counter_0 SEC(".maps");
struct counter counter_1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} selector SEC(".maps");

/* Shared with user space while a program runs */
int inside, may_leave, left;
__u64 fault_addr, counted;

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

	/* bpf_loop() alone ends too soon */
	for (n = 0; n < 64; n++) {
		if (bpf_ktime_get_ns() >= *deadline)
			return 1;
	}
	return may_leave ? 1 : 0;
}

/* Looks a value up and adds to it when may_leave is set */
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

/* Sleeps in a page fault between the lookup and the addition */
SEC("syscall")
int hold_asleep(void *ctx)
{
	__u64 *value = selected();
	char byte;

	if (!value)
		return 0;
	bpf_copy_from_user(&byte, sizeof(byte), (void *)fault_addr);
	__sync_fetch_and_add(value, 1);
	__sync_fetch_and_add(&left, 1);
	return 0;
}

SEC("raw_tp")
int count(void *ctx)
{
	__u64 *value = selected();
	int i;

	if (!value)
		return 0;
	/* Time for user space to act between the lookup and the addition */
	for (i = 0; i < 1000; i++)
		bpf_ktime_get_ns();
	__sync_fetch_and_add(value, 1);
	__sync_fetch_and_add(&counted, 1);
	return 0;
}
