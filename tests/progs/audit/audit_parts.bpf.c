// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counters that no aligned word holds, other CPUs' values, unknown offsets */

#include "audit.h"

#pragma pack(push, 4)
struct crooked {
	__u32 a;
	__u64 b;
};

struct low {
	__u64 n;
	__u32 a;
};

#pragma pack(pop)

struct wide {
	unsigned __int128 n;
	__u64 m;
};

struct tail {
	__u64 n;
	__u64 h[8];
};

TYPED(crooked, PERCPU_ARRAY, struct crooked);
TYPED(low, PERCPU_ARRAY, struct low);
TYPED(wide, PERCPU_ARRAY, struct wide);
TYPED(cpus, PERCPU_ARRAY, __u64);
TYPED(pcpuhash, PERCPU_HASH, __u64);
HASH(tails, __u32, struct tail);

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 16);
	__uint(key_size, 4);
	__uint(value_size, 12);
} untyped SEC(".maps");

/* The compiler loads and stores it in halves */
WITH(crooked__halves, crooked, struct crooked *c)
{
	c->b += 1000;
}

/* Not here, for it does not know */
WITH(crooked__whole, crooked, struct crooked *c)
{
	*(__u64 *)((char *)c + 4) += 1000;
}

WITH(crooked__beside, crooked, struct crooked *c)
{
	c->a += 1;
	c->b = bpf_ktime_get_ns();
}

/* Aligned, but in halves */
WITH(low__halves, low, struct low *l)
{
	l->n += 1000;
}

WITH(low__beside, low, struct low *l)
{
	l->a += 1;
}

WITH(wide__halves, wide, struct wide *w)
{
	w->n += bpf_get_prandom_u32();
}

WITH(wide__beside, wide, struct wide *w)
{
	w->m += 1;
}

/* Without types the sum tells */
WITH(untyped__halves, untyped, struct crooked *c)
{
	c->b += 1000;
}

WITH(untyped__whole, untyped, struct crooked *c)
{
	*(__u64 *)((char *)c + 4) += 1000;
}

WITH(untyped__words, untyped, __u32 *n)
{
	n[0] += 1;
	n[2] += 2;
}

static __always_inline __u64 *find_on(void *map, __u32 cpu)
{
	__u32 key = 0;

	return bpf_map_lookup_percpu_elem(map, &key, cpu);
}

WITH_FOUND("raw_tp/sys_enter", cpus__far_plain, find_on(&cpus, 0), __u64 *n)
{
	*n += 1;
}

WITH_FOUND("raw_tp/sys_enter", pcpuhash__far_plain, find_on(&pcpuhash, 0), __u64 *n)
{
	*n += 1;
}

WITH_FOUND("raw_tp/sys_enter", cpus__far_atomic, find_on(&cpus, 0), __u64 *n)
{
	ADD(*n, 1);
}

static __noinline void add_one(__u64 *n)
{
	if (n)
		*n += 1;
}

/* One or the other, through the stack and a subprogram */
RUN(cpus__far_maybe)
{
	__u64 *near = FIND(cpus), *volatile n = find_on(&cpus, 1);

	if (bpf_get_prandom_u32() & 1)
		n = near;
	add_one(n);
}

/* Found by both look-ups, added to by one */
RUN(cpus__far_read)
{
	__u64 *near = FIND(cpus), *far = find_on(&cpus, 1);

	if (near && far)
		*near += *far & 1;
}

/* A pointer that a loop moves on */
static __always_inline __u64 *somewhere(struct tail *t)
{
	int i, n = bpf_get_prandom_u32() & 7;
	__u64 *h = t->h;

#pragma clang loop unroll(disable)
	for (i = 0; i < 7 && i < n; i++) {
		h++;
		asm volatile("" : "+r"(h), "+r"(i));
	}
	return h;
}

WITH(tails__somewhere_plain, tails, struct tail *t)
{
	*somewhere(t) += 1;
}

WITH(tails__somewhere_atomic, tails, struct tail *t)
{
	ADD(*somewhere(t), 1);
}

WITH(tails__somewhere_set, tails, struct tail *t)
{
	*somewhere(t) = 0;
}
