// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs of many types that use a map-in-map: sleepable ones, others that
 * could be but are not, and one whose type knows no sleeping.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include "shared.h"
#include "outer.bpf.h"

static __u64 *find_value(void)
{
	__u32 zero = 0;

	return value_in(&outer, &zero);
}

/* Between finding the value and adding to it, it waits for a page of user
 * space, for as long as it takes.
 */
static int add_from_user(__u64 page)
{
	__u64 *value = find_value(), add = 0;

	if (!value || bpf_copy_from_user(&add, sizeof(add), (const void *)page))
		return 0;
	__sync_fetch_and_add(value, add);

	return 0;
}

PROG("uprobe.s", uprobe_sleeps, struct pt_regs *ctx, add_from_user(PT_REGS_PARM1(ctx)))
PROG("syscall", syscall_sleeps, struct sleep_args *args, add_from_user(args->page))

SEC("iter.s/task")
int iter_sleeps(struct bpf_iter__task *ctx)
{
	if (!ctx->task || ctx->meta->seq_num)
		return 0;

	return add_from_user(SLEEP_PAGE);
}

PROG("lsm.s/file_open", lsm_sleeps, void *ctx, add_from_user(SLEEP_PAGE))

/* One that can sleep on every kernel, since 6.2: test runs of tracing programs call it */
PROG("fentry.s/bpf_fentry_test1", fentry_sleeps, void *ctx, add_from_user(SLEEP_PAGE))

/* The loader makes these two sleepable, which needs Linux 7.1 */
SEC("raw_tp/sys_enter")
int raw_tp_sleeps(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[1] != SLEEP_SYSCALL)
		return 0;

	return add_from_user(SLEEP_PAGE);
}

PROG("tracepoint/syscalls/sys_enter_getpgid", tp_sleeps, void *ctx, add_from_user(SLEEP_PAGE))
PROG("uprobe", uprobe_plain, struct pt_regs *ctx, count_one(find_value()))
PROG("iter/task", iter_plain, struct bpf_iter__task *ctx, count_one(find_value()))
PROG("lsm/file_open", lsm_plain, void *ctx, count_one(find_value()))
PROG("fentry/bpf_fentry_test1", fentry_plain, void *ctx, count_one(find_value()))
PROG("tc", tc_plain, struct __sk_buff *skb, count_one(find_value()))
