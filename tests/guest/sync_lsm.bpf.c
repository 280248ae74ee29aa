// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Security policy of the test: refuses the command to one process */
#include <vmlinux.h>
#include "maps.bpf.h"
#include <bpf/bpf_tracing.h>

#include "sync_guest.h"

#define EROFS	30
#define ENOKEY	126

MAP(shared, ARRAY, 1, __u32, struct lsm_shared);

SEC("lsm/bpf")
int BPF_PROG(policy, int cmd, union bpf_attr *attr, unsigned int size)
{
	__u64 head[2] = { 1, 1 };
	struct lsm_shared *s;
	__u32 key = 0;

	s = bpf_map_lookup_elem(&shared, &key);
	if (!s || cmd != SYNC_MAP_ACCESS ||
	    bpf_get_current_pid_tgid() >> 32 != s->target_pid)
		return 0;

	s->asked++;
	s->size = size;
	s->zero_attr = attr && !bpf_probe_read_kernel(head, sizeof(head), attr) &&
		       !head[0] && !head[1];

	/* The verifier wants to see that this is an error number or 0 */
	if (s->refusal == -EROFS)
		return -EROFS;
	if (s->refusal == -ENOKEY)
		return -ENOKEY;
	return 0;
}
