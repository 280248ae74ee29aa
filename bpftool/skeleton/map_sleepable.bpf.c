// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Lists which programs are sleepable, which program info does not say */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "map_sleepable.h"

/* The kernel that runs it may have other types than the one it was built on */
struct bpf_prog___local;

struct bpf_prog_aux___local {
	__u32 id;
	unsigned char sleepable;	/* until 6.8 */
	struct bpf_prog___local *dst_prog;	/* from 5.10 on */
} __attribute__((preserve_access_index));

struct bpf_prog___local {
	__u16 sleepable: 1;		/* from 6.8 on */
	struct bpf_prog_aux___local *aux;
} __attribute__((preserve_access_index));

struct bpf_iter_meta___local {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_prog___local {
	struct bpf_iter_meta___local *meta;
	struct bpf_prog___local *prog;
} __attribute__((preserve_access_index));

SEC("iter/bpf_prog")
int list(struct bpf_iter__bpf_prog___local *ctx)
{
	struct bpf_prog___local *prog = ctx->prog;
	struct map_sleepable_entry e = {};

	if (!prog)
		return 0;

	e.id = BPF_CORE_READ(prog, aux, id);
	if (bpf_core_field_exists(prog->sleepable))
		e.sleepable = BPF_CORE_READ_BITFIELD_PROBED(prog, sleepable);
	else
		e.sleepable = BPF_CORE_READ(prog, aux, sleepable);
	/* NULL has no ID: reading it gives 0 */
	if (bpf_core_field_exists(struct bpf_prog_aux___local, dst_prog))
		e.target = BPF_CORE_READ(prog, aux, dst_prog, aux, id);

	bpf_seq_write(ctx->meta->seq, &e, sizeof(e));

	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
