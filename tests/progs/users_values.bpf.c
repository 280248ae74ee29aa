// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A program that uses maps-in-maps whose values hold what starts callbacks, not
 * in the first place.
 */
#include "wq.h"

/* Known since Linux 7.4; before, it is as good as any struct */
struct bpf_rcu_head {
	__u64 __opaque[2];
};

#define INNER(name, value_type)					\
	struct name##_map {					\
		__uint(type, BPF_MAP_TYPE_ARRAY);		\
		__uint(max_entries, 1);				\
		__type(key, __u32);				\
		__type(value, value_type);			\
	} name SEC(".maps")

#define OUTER(name)						\
	struct {						\
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);	\
		__uint(max_entries, 1);				\
		__type(key, __u32);				\
		__array(values, struct name##_map);		\
	} name##_outer SEC(".maps") = {				\
		.values = { &(name) },				\
	}

struct work {
	__u64 count;
	struct bpf_wq wq;
};

struct deep_work {
	__u64 count;
	struct {
		__u32 pad;
		struct work work;
	} deep;
};

struct timers {
	__u64 count;
	struct {
		struct bpf_timer timer;
		__u64 more;
	} of[2 - 1];
};

struct callback {
	__u64 count;
	struct bpf_rcu_head head;
};

INNER(plain, __u64);
OUTER(plain);
INNER(wq_deep, struct deep_work);
OUTER(wq_deep);
INNER(timer_deep, struct timers);
OUTER(timer_deep);
INNER(rcu_head, struct callback);
OUTER(rcu_head);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct deep_work);
} beside SEC(".maps");

static int count_in(void *map_in_map)
{
	__u32 zero = 0;
	__u64 *count;
	void *inner;

	inner = bpf_map_lookup_elem(map_in_map, &zero);
	count = inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
	if (count)
		__sync_fetch_and_add(count, 1);

	return 0;
}

SEC("tc")
int in_wq_deep(void *ctx)
{
	return count_in(&wq_deep_outer);
}

SEC("tc")
int in_timer_deep(void *ctx)
{
	return count_in(&timer_deep_outer);
}

SEC("tc")
int in_rcu_head(void *ctx)
{
	return count_in(&rcu_head_outer);
}

SEC("tc")
int wq_deep_beside(void *ctx)
{
	__u32 zero = 0;
	__u64 *count;

	count = bpf_map_lookup_elem(&beside, &zero);
	if (count)
		__sync_fetch_and_add(count, 1);

	return count_in(&plain_outer);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
