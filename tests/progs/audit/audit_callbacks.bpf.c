// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Stores and additions in callbacks, and what these add up */

#include "audit.h"

HASH(pairs, __u32, struct pair);
HASH(other, __u32, struct pair);

/* bpf_loop() and bpf_for_each_map_elem() */
static long add_one(__u32 i, struct pair **p)
{
	if (*p)
		ADD((*p)->a, i);
	return 0;
}

static long set_one(__u32 i, struct pair **p)
{
	if (*p)
		(*p)->a = i;
	return 0;
}

RUN(pairs__bpf_loop)
{
	struct pair *p = FIND(pairs);

	if (p)
		ADD(p->b, 1);
	bpf_loop(10, add_one, &p, 0);
}

RUN(pairs__bpf_loop_set)
{
	struct pair *p = FIND(pairs);

	if (p)
		ADD(p->a, 1);
	bpf_loop(10, set_one, &p, 0);
}

static long each_add(void *map, __u32 *key, struct pair *p, void *ctx)
{
	ADD(p->a, 1);
	return 0;
}

static long each_clear(void *map, __u32 *key, struct pair *p, void *ctx)
{
	p->a = 0;
	return 0;
}

RUN(pairs__each)
{
	bpf_for_each_map_elem(&pairs, each_add, NULL, 0);
	bpf_for_each_map_elem(&other, each_clear, NULL, 0);
}

RUN(pairs__each_clear)
{
	bpf_for_each_map_elem(&pairs, each_add, NULL, 0);
	bpf_for_each_map_elem(&pairs, each_clear, NULL, 0);
}

static long sum_up(void *map, __u32 *key, struct pair *p, __u64 *sum)
{
	*sum += p->a;
	return 0;
}

/* What a callback adds up comes back by an update */
RUN(pairs__each_sum)
{
	struct pair n = {};
	__u32 key = 1;

	bpf_for_each_map_elem(&pairs, sum_up, &n.a, 0);
	bpf_map_update_elem(&pairs, &key, &n, BPF_ANY);
}

/* What a callback adds up is only shown */
RUN(pairs__each_show)
{
	struct pair *p = FIND(pairs);
	__u64 sum = 0;

	if (p)
		ADD(p->a, 1);
	bpf_for_each_map_elem(&pairs, sum_up, &sum, 0);
	bpf_printk("%llu", sum);
}
