// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs with a function that an extension (freplace) can take the place of */
#include "vmlinux.h"
#include "maps.bpf.h"

__noinline int part(int x)
{
	__asm__ volatile("");
	return x + 1;
}

PROG("syscall", target_syscall, void *ctx, part(1))
PROG("tc", target_tc, struct __sk_buff *skb, part(1))
PROG("uprobe.s", target_uprobe_s, struct pt_regs *ctx, part(1))
PROG("uprobe", target_uprobe, struct pt_regs *ctx, part(1))
