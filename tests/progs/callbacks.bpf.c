// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tc programs that use maps-in-maps and can get at what starts callbacks: in the
 * values of the inner map or of another one, in the first place or not
 */
#include "wq.h"
#include "outer.bpf.h"

/* Known since Linux 7.4; before, it is as good as any struct */
struct bpf_rcu_head {
	__u64 __opaque[2];
};

#define INNER(name, value_type)					\
	struct_map(name##_map, ARRAY, 1, __u32, struct value_type) name SEC(".maps")

/* NAME_outer, where the map is in one of its slots */
#define OUTER(name, slot)					\
	struct {						\
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);	\
		__uint(max_entries, 2);				\
		__type(key, __u32);				\
		__array(values, struct name##_map);		\
	} name##_outer SEC(".maps") = {				\
		.values = { [slot] = &(name) },			\
	}

struct work {
	__u64 count;
	struct bpf_wq wq;
};

struct tick {
	__u64 count;
	struct bpf_timer timer;
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

struct task {
	__u64 count;
	struct bpf_task_work work;
};

struct callback {
	__u64 count;
	struct bpf_rcu_head head;
};

INNER(wq, work);
OUTER(wq, 1);
INNER(timer, tick);
OUTER(timer, 0);
INNER(wq_deep, deep_work);
OUTER(wq_deep, 0);
INNER(timer_deep, timers);
OUTER(timer_deep, 0);
INNER(rcu_head, callback);
OUTER(rcu_head, 0);
INNER(beside, deep_work);
INNER(tasks, task);

static int count_in(void *map_in_map, __u32 slot)
{
	return count_one(value_in(map_in_map, &slot));
}

static int count_beside(void *map)
{
	__u32 zero = 0;

	return count_one(bpf_map_lookup_elem(map, &zero)) + count_in(&outer, 0);
}

PROG("tc", in_wq, void *ctx, count_in(&wq_outer, 1))
PROG("tc", in_timer, void *ctx, count_in(&timer_outer, 0))
PROG("tc", in_wq_deep, void *ctx, count_in(&wq_deep_outer, 0))
PROG("tc", in_timer_deep, void *ctx, count_in(&timer_deep_outer, 0))
PROG("tc", in_rcu_head, void *ctx, count_in(&rcu_head_outer, 0))
PROG("tc", wq_in_other, void *ctx, count_in(&outer, 0) + count_in(&wq_outer, 1))
PROG("tc", wq_nowhere, void *ctx, count_in(&outer, 0))
PROG("tc", wq_deep_beside, void *ctx, count_beside(&beside))
PROG("tc", timer_beside, void *ctx, count_beside(&timer))
PROG("tc", task_work, void *ctx, count_beside(&tasks))
