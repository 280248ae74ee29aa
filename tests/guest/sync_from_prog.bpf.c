// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A BPF syscall program that tries to issue the command, and another program
 * that counts which commands of it got through to the kernel's bpf(2) code.
 */
#include <vmlinux.h>
#include "maps.bpf.h"
#include <bpf/bpf_tracing.h>

#include "sync_guest.h"

MAP(shared, ARRAY, 1, __u32, struct prog_shared);

SEC("syscall")
int issue(void *ctx)
{
	static union bpf_attr attr;
	struct prog_shared *s;
	__u32 key = 0;

	s = bpf_map_lookup_elem(&shared, &key);
	if (!s)
		return 0;

	/* A program is allowed this one; there is no such map, says the kernel */
	attr.map_fd = -1;
	s->other_ret = bpf_sys_bpf(BPF_MAP_FREEZE, &attr, sizeof(attr));
	attr.map_fd = 0;
	s->sync_ret = bpf_sys_bpf(SYNC_MAP_ACCESS, &attr, sizeof(attr));
	return 0;
}

SEC("fentry/__sys_bpf")
int BPF_PROG(count, int cmd)
{
	struct prog_shared *s;
	__u32 key = 0;

	s = bpf_map_lookup_elem(&shared, &key);
	if (!s || bpf_get_current_pid_tgid() >> 32 != s->target_pid)
		return 0;

	if (cmd == SYNC_MAP_ACCESS)
		s->sync_calls++;
	else if (cmd == BPF_MAP_FREEZE)
		s->other_calls++;
	return 0;
}
