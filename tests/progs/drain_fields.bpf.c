// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Values with fields in which the kernel keeps something of its own */
#include <linux/bpf.h>
#include "maps.bpf.h"

struct mm_struct;
struct task_struct;

#define MAP_WITH(name, field)						\
	struct with_##name {						\
		__u64 n;						\
		field;							\
	};								\
	MAP(name, HASH, 16, __u32, struct with_##name,			\
	    __uint(map_flags, BPF_F_NO_PREALLOC);)

MAP_WITH(lock, struct bpf_spin_lock lock);
MAP_WITH(timer, struct bpf_timer timer);
MAP_WITH(kptr, struct task_struct __attribute__((btf_type_tag("kptr"))) *task);
MAP_WITH(user, struct mm_struct __attribute__((btf_type_tag("user"))) *mm);

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
