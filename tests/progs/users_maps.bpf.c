// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs of more types that use a map-in-map, $PINS/outer: an extension, those
 * that can sleep on newer kernels only, and one with a long key beside it.
 */
#include "vmlinux.h"

/* Only the last slot is filled */
#define OUTER_SLOTS	2048
#define FIRST_SLOT	2047
#include "outer.bpf.h"

/* Longer than a program's stack */
struct long_key {
	char bytes[600];
};

MAP_OF_MAPS(by_long_key, HASH, 4, struct long_key, inner);

static struct long_key key;

static int count(void)
{
	__u32 last = FIRST_SLOT;

	return count_one(value_in(&outer, &last));
}

PROG("freplace/part", ext_part, int x, count())
PROG("raw_tp/sys_enter", raw_tp_plain, void *ctx, count())

/* The loader makes them sleepable, which needs Linux 7.1 */
PROG("raw_tp/sys_enter", raw_tp_sleeps, void *ctx, count())
PROG("tracepoint/syscalls/sys_enter_getpgid", tp_sleeps, void *ctx, count())
PROG("tc", tc_long_key, struct __sk_buff *skb, count() + count_one(value_in(&by_long_key, &key)))

SEC("iter/bpf_map_elem")
int add_to_each(struct bpf_iter__bpf_map_elem *ctx)
{
	return count_one(ctx->value);
}
