// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Values with fields in which the kernel keeps something of its own */
#include <linux/bpf.h>
#include "maps.bpf.h"

struct mm_struct;
struct task_struct;

struct with_lock {
	__u64 n;
	struct bpf_spin_lock lock;
};

struct with_timer {
	__u64 n;
	struct bpf_timer timer;
};

struct with_kptr {
	__u64 n;
	struct task_struct __attribute__((btf_type_tag("kptr"))) *task;
};

struct with_user {
	__u64 n;
	struct mm_struct __attribute__((btf_type_tag("user"))) *mm;
};

MAP(lock, HASH, 16, __u32, struct with_lock, __uint(map_flags, BPF_F_NO_PREALLOC););
MAP(timer, HASH, 16, __u32, struct with_timer, __uint(map_flags, BPF_F_NO_PREALLOC););
MAP(kptr, HASH, 16, __u32, struct with_kptr, __uint(map_flags, BPF_F_NO_PREALLOC););
MAP(user, HASH, 16, __u32, struct with_user, __uint(map_flags, BPF_F_NO_PREALLOC););

SEC("tc")
int use(struct __sk_buff *skb)
{
	__u32 key = 1;
	void *v = bpf_map_lookup_elem(&lock, &key);

	if (!v)
		v = bpf_map_lookup_elem(&timer, &key);
	if (!v)
		v = bpf_map_lookup_elem(&kptr, &key);
	if (!v)
		v = bpf_map_lookup_elem(&user, &key);
	return !v;
}
