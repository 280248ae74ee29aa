// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Which way a map's values are moved, and what it needs of the kernel */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "map_move.h"
#include "map_move_impl.h"
#include "map_ref.h"
#include "map_replace.h"
#include "skeleton/map_move_kinds.h"

/* With more entries it would keep a CPU busy for too long */
#define EACH_MAX	1048576

enum mover move_choose(const struct bpf_map_info *info)
{
	switch (info->type) {
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
		return MOVER_POP;
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return MOVER_OWN;
	case MAP_TYPE_RHASH:
		return MOVER_ITER;
	default:
		return info->max_entries > EACH_MAX ? MOVER_ITER : MOVER_EACH;
	}
}

__u32 map_move_stage_type(__u32 type)
{
	switch (type) {
	/* What is popped first comes out first again */
	case BPF_MAP_TYPE_STACK:
		return BPF_MAP_TYPE_QUEUE;
	/* An LRU evicts before it is full, and an rhash moves its elements */
	case BPF_MAP_TYPE_LRU_HASH:
	case MAP_TYPE_RHASH:
		return BPF_MAP_TYPE_HASH;
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		return BPF_MAP_TYPE_PERCPU_HASH;
	default:
		return type;
	}
}

/* Does the kernel have the atomic exchange? */
static bool probe_xchg(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_STX | BPF_DW | BPF_MEM, .dst_reg = BPF_REG_10,
		  .src_reg = BPF_REG_0, .off = -8 },
		{ .code = BPF_STX | BPF_DW | BPF_ATOMIC, .dst_reg = BPF_REG_10,
		  .src_reg = BPF_REG_0, .off = -8, .imm = BPF_XCHG },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd;

	fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, NULL, "GPL", insns, 4, NULL);
	if (fd >= 0)
		close(fd);

	return fd >= 0;
}

/* What the kernel lacks, or NULL if not known */
static const char *missing(enum mover mover)
{
	if (!probe_xchg())
		return "atomic exchange in BPF programs (BPF_XCHG, since 5.12)";
	if (mover == MOVER_ITER &&
	    libbpf_find_vmlinux_btf_id("bpf_map_elem", BPF_TRACE_ITER) <= 0)
		return "iterators over the elements of a map (since 5.9)";
	if (mover != MOVER_ITER && mover != MOVER_POP &&
	    (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SYSCALL, NULL) <= 0 ||
	     libbpf_probe_bpf_helper(BPF_PROG_TYPE_SYSCALL,
				     BPF_FUNC_for_each_map_elem, NULL) <= 0))
		return "bpf_for_each_map_elem() in programs of type syscall (since 5.14)";
	if (mover == MOVER_CPU &&
	    libbpf_probe_bpf_helper(BPF_PROG_TYPE_SYSCALL,
				    BPF_FUNC_map_lookup_percpu_elem, NULL) <= 0)
		return "bpf_map_lookup_percpu_elem() (since 5.19), which offline CPUs need";

	return NULL;
}

void move_explain(enum mover mover, int err, const struct bpf_map_info *info,
		  char *why, size_t size)
{
	/* Such an error makes the probes fail too */
	const char *lacks = err == -EPERM || map_err_is_ours(err) ?
				    NULL : missing(mover);

	if (mover == MOVER_ITER && info->key_size > MOVE_KEY_MAX)
		snprintf(why, size,
			 "its keys have %u bytes, and %u is the most for %s",
			 info->key_size, MOVE_KEY_MAX,
			 info->max_entries > EACH_MAX ?
			 "a map with more than 1048576 entries" : "an iterator");
	else if (lacks)
		snprintf(why, size, "this kernel lacks %s", lacks);
	else if (mover == MOVER_OWN && err == -EINVAL)
		snprintf(why, size,
			 "they have to run on every CPU, and this process may not");
	else if (err == -EACCES)
		snprintf(why, size,
			 "the verifier refuses them, as for a map that is exclusive to a program");
	else
		snprintf(why, size, "%s", strerror(-err));
}
