// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* An event: counted by itself, then in a random slot's map under a random key.
 *
 * Everything is added to with atomics, per-CPU values as well: on PREEMPT_RT a
 * program may be preempted by another run of it on the same CPU.
 */
#include "vmlinux.h"
#include "maps.bpf.h"
#include "shared.h"

struct_map(counts, HASH, 128, __u32, __u64);

MAP_OF_MAPS(outer, ARRAY, 1, __u32, counts);

/* Counted in as well with --plain: an ordinary map */
struct counts plain SEC(".maps");

MAP(counters, PERCPU_ARRAY, LOAD_COUNTERS, __u32, __u64);

struct load_config conf = { .slots = 1 };

static __always_inline void bump(__u32 which)
{
	count_one(bpf_map_lookup_elem(&counters, &which));
}

/* With @args it reads a page of user space while it has the map, and sleeps until that
 * is there
 */
static __always_inline int event(const struct sleep_args *args)
{
	__u32 slot = bpf_get_prandom_u32() % conf.slots;
	__u32 key = bpf_get_prandom_u32() % LOAD_KEYS;
	__u64 ignored;
	void *inner;

	bump(LOAD_COUNTED);

	inner = bpf_map_lookup_elem(&outer, &slot);
	if (args)
		bpf_copy_from_user(&ignored, sizeof(ignored),
				   (const void *)args->page);
	if (!inner)
		bump(LOAD_MISSED);
	else if (count_key(inner, &key))
		bump(LOAD_FAILED);

	/* That one loses events by being cleared, and that is the point */
	if (conf.plain)
		count_key(&plain, &key);

	return 0;
}

PROG("tc", load, struct __sk_buff *skb, event(NULL))
PROG("syscall", load_sleepable, struct sleep_args *args, event(args))
