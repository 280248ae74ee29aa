// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What map drain refuses although the map is per CPU, or because of its types */
#include <linux/bpf.h>
#include "maps.bpf.h"

#pragma pack(push, 4)
struct value {
	__u32 a;
	__u64 b;
};

#pragma pack(pop)

MAP(crooked, PERCPU_ARRAY, 16, __u32, struct value);
MAP(unused, ARRAY, 16, __u32, struct value);
MAP(far, PERCPU_ARRAY, 16, __u32, __u64);
MAP(sleeps, PERCPU_ARRAY, 16, __u32, __u64);

static const __u32 key = 1;

WITH_FOUND("tc", crooked_add, bpf_map_lookup_elem(&crooked, &key), struct value *v)
{
	v->b += 1;
}

WITH_FOUND("tc", far_add, bpf_map_lookup_percpu_elem(&far, &key, 0), __u64 *n)
{
	*n += 1;
}

/* Programs of this type can always sleep */
WITH_FOUND("syscall", sleeps_add, bpf_map_lookup_elem(&sleeps, &key), __u64 *n)
{
	*n += 1;
}
