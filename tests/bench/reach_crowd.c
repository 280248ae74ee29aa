// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* reach_crowd: run a command on a machine with many maps and programs
 *
 *	reach_crowd MAPS PROGRAMS COMMAND [ARG...]
 *
 * One map in ten is a map-in-map with 16 slots, all filled; a program has four
 * maps among its own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <linux/bpf.h>

#include <bpf/bpf.h>

#include "run.h"

#define SLOTS		16
#define MAPS_OF_PROG	4

#define MOV_IMM(reg, value)						\
	((struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K,	\
			    .dst_reg = (reg), .imm = (value) })
#define EXIT() ((struct bpf_insn){ .code = BPF_JMP | BPF_EXIT })

static int make_map(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "crowd", 4, 8, 1, NULL);

	if (fd < 0)
		err(1, "can't make a map");

	return fd;
}

/* All slots at once: each update by itself would wait */
static void make_outer(int inner)
{
	__u32 keys[SLOTS], fds[SLOTS], count = SLOTS;
	int i, outer;

	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = inner);

	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "crowd_outer", 4, 4,
			       SLOTS, &opts);
	for (i = 0; i < SLOTS; i++) {
		keys[i] = i;
		fds[i] = inner;
	}
	if (outer < 0 || bpf_map_update_batch(outer, keys, fds, &count, NULL))
		err(1, "can't make a map-in-map");
}

static void make_prog(const int *fds, int count, int nth)
{
	struct bpf_insn insns[2 * MAPS_OF_PROG + 2] = {};
	struct bpf_insn *at = insns;
	int i;

	for (i = 0; i < MAPS_OF_PROG; i++, at += 2) {
		at[0].code = BPF_LD | BPF_DW | BPF_IMM;
		at[0].dst_reg = BPF_REG_1;
		at[0].src_reg = BPF_PSEUDO_MAP_FD;
		at[0].imm = fds[(nth * MAPS_OF_PROG + i) % count];
	}
	*at++ = MOV_IMM(BPF_REG_0, 0);
	*at++ = EXIT();

	if (bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "crowd", "GPL", insns,
			  at - insns, NULL) < 0)
		err(1, "can't load a program");
}

int main(int argc, char **argv)
{
	struct rlimit files = { .rlim_cur = 8192, .rlim_max = 8192 };
	int i, maps, progs, *fds;

	if (argc < 4)
		return 2;

	maps = atoi(argv[1]);
	progs = atoi(argv[2]);
	setrlimit(RLIMIT_NOFILE, &files);
	fds = calloc(maps + 1, sizeof(*fds));
	for (i = 0; i < maps; i++) {
		fds[i] = i % 10 == 9 ? fds[i - 1] : make_map();
		if (i % 10 == 9)
			make_outer(fds[i]);
	}
	for (i = 0; i < progs; i++)
		make_prog(fds, maps, i);

	/* They belong to this process: libbpf opens them close-on-exec */
	return run_command(argv + 3);
}
