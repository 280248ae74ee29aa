// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs with a function that an extension (freplace) can take the place of */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

__noinline int part(int x)
{
	__asm__ volatile("");
	return x + 1;
}

SEC("syscall")
int target_syscall(void *ctx)
{
	return part(1);
}

SEC("tc")
int target_tc(struct __sk_buff *skb)
{
	return part(1);
}

SEC("uprobe.s")
int target_uprobe_s(struct pt_regs *ctx)
{
	return part(1);
}

SEC("uprobe")
int target_uprobe(struct pt_regs *ctx)
{
	return part(1);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
