// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What map drain refuses: a program for each finding, on a map of its own */
#include <linux/bpf.h>
#include "maps.bpf.h"

struct value {
	__u64 n;
	__u32 bytes, flags;
	char name[16];
};

MAP(adds, HASH, 16, __u32, struct value);
MAP(plain, HASH, 16, __u32, struct value);
MAP(deletes, HASH, 16, __u32, struct value);
MAP(updates, HASH, 16, __u32, struct value);
MAP(mixes, HASH, 16, __u32, struct value);
MAP(names, HASH, 16, __u32, struct value);
MAP(percpu, PERCPU_HASH, 16, __u32, struct value);
MAP(softirq, PERCPU_HASH, 16, __u32, struct value);
MAP(pairs, HASH, 16, __u32, struct value);
MAP(narrows, HASH, 16, __u32, struct value);

static const __u32 key = 1;

#define WITH(section, prog, map)	\
	WITH_FOUND(section, prog, bpf_map_lookup_elem(&(map), &key), struct value *v)

WITH("tc", add, adds)
{
	__sync_fetch_and_add(&v->n, 1);
	v->flags = 1;
}

WITH("tc", plain_add, plain)
{
	v->n += 1;
}

WITH("tc", delete, deletes)
{
	__sync_fetch_and_add(&v->n, 1);
	bpf_map_delete_elem(&deletes, &key);
}

WITH("tc", update, updates)
{
	struct value more = *v;

	more.n += 1;
	bpf_map_update_elem(&updates, &key, &more, BPF_ANY);
}

WITH("tc", mix, mixes)
{
	__sync_fetch_and_add(&v->n, 1);
	v->n = 5;
}

WITH("tc", name, names)
{
	v->flags = 1;
}

/* Which a thread may interrupt, unlike those of tc */
WITH("raw_tp/sys_enter", percpu_add, percpu)
{
	v->n += 1;
}

WITH("tc", softirq_add, softirq)
{
	v->n += 1;
}

WITH("tc", pair, pairs)
{
	__sync_fetch_and_add(&v->bytes, 1);
	__sync_fetch_and_add(&v->flags, 1);
}

WITH("tc", narrow, narrows)
{
	*(__u16 *)v->name += 1;
}
