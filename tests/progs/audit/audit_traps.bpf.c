// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What hides a store to a counter, and what looks so and is none */

#include "audit.h"

union word {
	__u64 n;
	void *p;
	__u32 half[2];
};

struct mixed {
	__u64 n;
	union word u;
	__u32 x, y;
};

HASH(pairs, __u32, struct pair);
HASH(mixed, __u32, struct mixed);
ARRAY(array, struct pair);
HASH(other, __u32, struct pair);
HASH(keep, __u32, __u64);
TYPED(scratch, PERCPU_ARRAY, struct pair);

/* A pointer that is spilled: many live values, calls between */
RUN(pairs__spilled)
{
	struct pair *p = FIND(pairs), *volatile kept = p;
	__u64 t = bpf_ktime_get_ns();

	if (!p)
		return;
	ADD(p->a, t);
	p = kept;
	if (p)
		p->a = t;
}

RUN(pairs__spilled_add)
{
	struct pair *p = FIND(pairs), *volatile kept = p;

	if (!p)
		return;
	ADD(p->a, 1);
	p = kept;
	if (p)
		ADD(p->b, 1);
}

static __noinline void set_b(struct pair *p, __u64 n)
{
	if (p)
		p->b = n;
}

static __noinline void add_b(struct pair *p, __u64 n)
{
	if (p)
		ADD(p->b, n);
}

/* A pointer goes through a subprogram */
WITH(pairs__subprog, pairs, struct pair *p)
{
	ADD(p->b, 1);
	set_b(p, 7);
}

WITH(pairs__subprog_add, pairs, struct pair *p)
{
	struct pair *q = FIND(other);

	add_b(p, 1);
	if (q)
		set_b(q, 7);
}

/* Taking away is adding, too */
WITH(pairs__subtracted, pairs, struct pair *p)
{
	p->a -= bpf_get_smp_processor_id();
	ADD(p->b, 1);
}

/* A subprogram finds the value */
static __noinline struct pair *find(__u32 key)
{
	return bpf_map_lookup_elem(&pairs, &key);
}

WITH_FOUND("raw_tp/sys_enter", pairs__returned, find(3), struct pair *p)
{
	p->a++;
	ADD(p->b, 1);
}

/* A pointer that a subprogram puts into its caller's stack */
static __noinline int find_into(struct pair **to, __u32 key)
{
	*to = bpf_map_lookup_elem(&pairs, &key);
	return !!*to;
}

RUN(pairs__by_stack)
{
	struct pair *p = NULL;

	if (find_into(&p, 3) && p) {
		p->a = 5;
		ADD(p->a, 1);
	}
}

/* A global function, which may be replaced */
__noinline int global_add(struct pair *p)
{
	if (!p)
		return 1;
	ADD(p->a, 1);
	return 0;
}

SEC("raw_tp/sys_enter")
int pairs__global(void *ctx)
{
	struct pair *p = FIND(pairs);

	return p ? global_add(p) : 0;
}

/* A helper writes into the value */
WITH(pairs__probe_read, pairs, struct pair *p)
{
	ADD(p->a, 1);
	bpf_probe_read_kernel(p, sizeof(*p), ctx);
}

WITH(pairs__probe_beside, pairs, struct pair *p)
{
	ADD(p->a, 1);
	bpf_probe_read_kernel(&p->b, sizeof(p->b), ctx);
}

/* What a helper copies out of a value comes back by an update */
WITH(pairs__copied, pairs, struct pair *p)
{
	struct pair n;
	__u32 key = 1;

	bpf_probe_read_kernel(&n, sizeof(n), p);
	n.a++;
	bpf_map_update_elem(&pairs, &key, &n, BPF_ANY);
}

/* The same by a scratch map */
WITH(pairs__scratch, pairs, struct pair *p)
{
	struct pair *s = FIND(scratch);
	__u32 key = 1;

	if (!s)
		return;
	s->a = p->a + 1;
	s->b = p->b;
	bpf_map_update_elem(&pairs, &key, s, BPF_ANY);
}

RUN(pairs__scratch_own)
{
	struct pair *p = FIND(pairs), *s = FIND(scratch);
	__u32 key = 1;

	if (!s)
		return;
	if (p) {
		ADD(p->a, 1);
		return;
	}
	s->a = 1;
	s->b = bpf_ktime_get_ns();
	bpf_map_update_elem(&pairs, &key, s, BPF_NOEXIST);
}

/* By another map's entry, and back */
RUN(pairs__by_map)
{
	struct pair *p = FIND(pairs), *o = FIND(other), n;
	__u32 key = 1;

	if (p)
		bpf_map_update_elem(&other, &key, p, BPF_ANY);
	if (!o)
		return;
	n = *o;
	bpf_map_update_elem(&pairs, &key, &n, BPF_ANY);
}

/* A union with a pointer */
WITH(mixed__union, mixed, struct mixed *m)
{
	ADD(m->n, 1);
	if (bpf_get_prandom_u32() & 1)
		m->u.p = ctx;
	else
		ADD(m->u.n, 1);
}

WITH(mixed__union_fine, mixed, struct mixed *m)
{
	ADD(m->n, 1);
	ADD(m->u.n, 1);
	ADD(m->x, 1);
	ADD(m->y, 1);
}

/* Half of a counter is stored to */
WITH(mixed__half, mixed, struct mixed *m)
{
	ADD(m->u.n, 1);
	m->u.half[1] = 0;
}

/* The address of a value is kept in another map */
WITH(pairs__kept, pairs, struct pair *p)
{
	__u64 *k = FIND(keep);

	if (!k)
		return;
	ADD(p->a, 1);
	*k = (__u64)p;
}

WITH(pairs__kept_update, pairs, struct pair *p)
{
	__u64 n = (__u64)p;
	__u32 key = 1;

	ADD(p->a, 1);
	bpf_map_update_elem(&keep, &key, &n, 0);
}

/* A dynptr over a value */
WITH(pairs__dynptr, pairs, struct pair *p)
{
	struct bpf_dynptr ptr;
	__u64 n = 5;

	ADD(p->a, 1);
	bpf_dynptr_from_mem(p, sizeof(*p), 0, &ptr);
	bpf_dynptr_write(&ptr, 0, &n, sizeof(n), 0);
}

/* Pointers that a loop carries */
WITH(pairs__loop, pairs, struct pair *p)
{
	__u64 *n = (void *)p;
	int i;

	ADD(p->b, 1);
#pragma clang loop unroll(disable)
	for (i = 0; i < 2; i++)
		n[i] = i;
}

WITH(pairs__loop_add, pairs, struct pair *p)
{
	__u64 *n = (void *)p;
	int i;

#pragma clang loop unroll(disable)
	for (i = 0; i < 2; i++)
		ADD(n[i], i + 1);
}

/* One pointer or the other */
WITH(pairs__either, pairs, struct pair *p)
{
	struct pair *o = FIND(other), *e;

	if (!o)
		return;
	ADD(p->a, 1);
	e = bpf_get_prandom_u32() & 1 ? p : o;
	e->a = 3;
}

WITH(pairs__either_member, pairs, struct pair *p)
{
	__u64 *n;

	n = bpf_get_prandom_u32() & 1 ? &p->a : &p->b;
	ADD(*n, 1);
}

/* Atomics that are no additions */
WITH(pairs__or, pairs, struct pair *p)
{
	__sync_fetch_and_or(&p->a, 1);
	ADD(p->b, 1);
}

WITH(pairs__or_counter, pairs, struct pair *p)
{
	ADD(p->a, 1);
	__sync_fetch_and_and(&p->a, 0xffff);
}

/* A copy of one member into another is no addition */
WITH(pairs__copy_member, pairs, struct pair *p)
{
	ADD(p->a, 1);
	p->b = p->a;
}

/* Added up over entries, into a plain store */
WITH(array__moved, array, struct pair *p)
{
	struct pair *q = FIND(array);

	if (!q)
		return;
	q->a = p->a + 1;
}

/* Values that are sent away */
WITH(pairs__sent, pairs, struct pair *p)
{
	ADD(p->a, 1);
	bpf_trace_printk("%llu", 5, p->a);
}

/* A value as the key of a look-up */
WITH(pairs__as_key, pairs, struct pair *p)
{
	struct pair *o;

	ADD(p->a, 1);
	o = bpf_map_lookup_elem(&other, &p->b);
	if (o)
		o->a = 1;
}

/* An extension, which may be handed the address of a value */
SEC("tc")
int pairs__ext_writes(void *arg)
{
	*(__u32 *)(arg + offsetof(struct __sk_buff, cb)) = 1;
	return !FIND(pairs);
}

/* A counter of 2 bytes, which is moved by 4 */
WITH(pairs__short_add, pairs, struct pair *p)
{
	*(volatile __u16 *)&p->a += 1;
}
