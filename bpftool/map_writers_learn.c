// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Which call is which helper, without reading 100,000 lines of /proc/kallsyms
 *
 * The immediate of a translated call is the distance of the function from another
 * kernel function, which is the same in all programs. So load small programs that
 * call the usual helpers, and read their immediates back. These programs never run.
 * A helper that is not learned this way is looked up by its address.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/bpf.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_writers_learn.h"

#define MAX_INSNS	256		/* loaded; twice as many as translated */
#define MARK		0x6a750000	/* the number of a helper is in the low bits */
#define END_MARK	0x6a758000

/* Helpers without a map, by program to learn them; not all kernels have the later ones */
static const int usual[][14] = {
	{ BPF_FUNC_ktime_get_ns, BPF_FUNC_get_prandom_u32,
	  BPF_FUNC_get_smp_processor_id, BPF_FUNC_get_current_pid_tgid,
	  BPF_FUNC_get_current_uid_gid, BPF_FUNC_get_current_task,
	  BPF_FUNC_get_numa_node_id, BPF_FUNC_get_current_cgroup_id,
	  BPF_FUNC_get_current_comm, BPF_FUNC_probe_read_user,
	  BPF_FUNC_probe_read_kernel, BPF_FUNC_probe_read_user_str,
	  BPF_FUNC_probe_read_kernel_str },
	{ BPF_FUNC_jiffies64, BPF_FUNC_ktime_get_boot_ns },
	{ BPF_FUNC_get_current_task_btf, BPF_FUNC_ktime_get_coarse_ns },
	{ BPF_FUNC_ktime_get_tai_ns },
};

/* Types of programs, each of which has its own function for the same helper */
static const enum bpf_prog_type outputs[] = {
	BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_TRACEPOINT, BPF_PROG_TYPE_RAW_TRACEPOINT,
	BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP,
};

#define NAME(helper)	\
	[BPF_FUNC_ ## helper] = "bpf_" # helper
static const char * const names[] = { __BPF_FUNC_MAPPER(NAME) };

/* A program that is being made */
struct lesson {
	struct bpf_insn insns[MAX_INSNS];
	unsigned int nr;
};

/* The macros of linux/filter.h differ in the trees that this is built in */
static void put(struct lesson *l, __u8 code, __u8 dst, __u8 src, __s16 off, __s32 imm)
{
	if (l->nr == MAX_INSNS)
		return;
	l->insns[l->nr++] = (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm,
	};
}

static void put_number(struct lesson *l, __u8 reg, __s32 number)
{
	put(l, BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, number);
}

static void put_copy(struct lesson *l, __u8 to, __u8 from)
{
	put(l, BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

/* @reg = an address on the stack */
static void put_address(struct lesson *l, __u8 reg, int off)
{
	put_copy(l, reg, BPF_REG_10);
	put(l, BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, off);
}

/* The translated call is between the two marks */
static void put_call(struct lesson *l, int func)
{
	put_number(l, BPF_REG_9, MARK | func);
	put(l, BPF_JMP | BPF_CALL, 0, 0, 0, func);
	put_number(l, BPF_REG_9, END_MARK | func);
}

static void put_map(struct lesson *l, int fd)
{
	put(l, BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, fd);
	put(l, 0, 0, 0, 0, 0);
}

static void put_usual(struct lesson *l, const int *func)
{
	for (; *func; func++) {
		put_address(l, BPF_REG_1, -16);
		put_number(l, BPF_REG_2, 8);
		put_number(l, BPF_REG_3, 0);
		put_call(l, *func);
	}
}

static void put_map_calls(struct lesson *l, int fd)
{
	int func;

	for (func = BPF_FUNC_map_lookup_elem; func <= BPF_FUNC_map_delete_elem; func++) {
		put_map(l, fd);
		put_address(l, BPF_REG_2, -8);
		put_address(l, BPF_REG_3, -16);
		put_number(l, BPF_REG_4, 0);
		put_call(l, func);
	}
}

static void put_percpu_call(struct lesson *l, int fd)
{
	put_map(l, fd);
	put_address(l, BPF_REG_2, -8);
	put_number(l, BPF_REG_3, 0);
	put_call(l, BPF_FUNC_map_lookup_percpu_elem);
}

/* Called with the program's context */
static void put_output_call(struct lesson *l, int fd)
{
	put_copy(l, BPF_REG_6, BPF_REG_1);
	put_map(l, fd);
	put_copy(l, BPF_REG_2, BPF_REG_1);
	put_copy(l, BPF_REG_1, BPF_REG_6);
	put_number(l, BPF_REG_3, 0);
	put_address(l, BPF_REG_4, -16);
	put_number(l, BPF_REG_5, 8);
	put_call(l, BPF_FUNC_perf_event_output);
}

static void put_ringbuf_calls(struct lesson *l, int fd)
{
	int func;

	put_map(l, fd);
	put_address(l, BPF_REG_2, -16);
	put_number(l, BPF_REG_3, 8);
	put_number(l, BPF_REG_4, 0);
	put_call(l, BPF_FUNC_ringbuf_output);
	for (func = BPF_FUNC_ringbuf_submit; func <= BPF_FUNC_ringbuf_discard; func++) {
		put_map(l, fd);
		put_number(l, BPF_REG_2, 8);
		put_number(l, BPF_REG_3, 0);
		put_call(l, BPF_FUNC_ringbuf_reserve);
		put(l, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 5, 0);
		put_copy(l, BPF_REG_1, BPF_REG_0);
		put_number(l, BPF_REG_2, 0);
		put_call(l, func);
	}
}

static bool is_mark(const struct bpf_insn *insn, int mark)
{
	return insn->code == (BPF_ALU64 | BPF_MOV | BPF_K) &&
	       insn->dst_reg == BPF_REG_9 && insn->imm == mark;
}

static void learn_call(struct map_audit_state *st, const struct bpf_insn *insn)
{
	const struct bpf_insn *call = insn + 1;
	unsigned int func = insn->imm & ~MARK;

	if (func >= ARRAY_SIZE(names) || !is_mark(insn, MARK | func) ||
	    call->code != (BPF_JMP | BPF_CALL) || call->src_reg || !call->imm ||
	    st->nr_calls == ARRAY_SIZE(st->calls))
		return;
	if (is_mark(call + 1, END_MARK | func))
		st->calls[st->nr_calls].name = names[func];
	else if (func == BPF_FUNC_map_lookup_elem)
		/* The instructions after it turn an element's address into a value's */
		st->calls[st->nr_calls].name = "__bpf_map_lookup_elem";
	else
		return;
	st->calls[st->nr_calls++].imm = call->imm;
}

static void learn(struct map_audit_state *st, struct lesson *l, enum bpf_prog_type type)
{
	struct bpf_insn *insns = calloc(MAX_INSNS * 2 + 2, sizeof(*insns));
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	unsigned int i;
	int fd = -1;

	put_number(l, BPF_REG_0, 0);
	put(l, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	if (insns && l->nr < MAX_INSNS)
		fd = bpf_prog_load(type, NULL, "GPL", l->insns, l->nr, NULL);
	info.xlated_prog_insns = ptr_to_u64(insns);
	info.xlated_prog_len = MAX_INSNS * 2 * sizeof(*insns);
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
		for (i = 0; i < MAX_INSNS * 2; i++)
			learn_call(st, &insns[i]);
	if (fd >= 0)
		close(fd);
	free(insns);
}

/* The stack of a lesson: a key at -8, a value at -16 */
static void begin(struct lesson *l)
{
	memset(l, 0, sizeof(*l));
	put(l, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -8, 0);
	put(l, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -16, 0);
}

void audit_learn_map(struct map_audit *a, __u32 type)
{
	bool ringbuf = type == BPF_MAP_TYPE_RINGBUF;
	struct map_audit_state *st = a->state;
	struct lesson l;
	int fd;

	if (type >= 64 || st->learned_types & 1ULL << type)
		return;
	st->learned_types |= 1ULL << type;
	fd = bpf_map_create(type, NULL, ringbuf ? 0 : 4, ringbuf ? 0 : 8,
			    ringbuf ? getpagesize() : 1, NULL);
	if (fd < 0)
		return;
	begin(&l);
	if (ringbuf)
		put_ringbuf_calls(&l, fd);
	else
		put_map_calls(&l, fd);
	learn(st, &l, BPF_PROG_TYPE_KPROBE);
	if (type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY) {
		begin(&l);
		put_percpu_call(&l, fd);
		learn(st, &l, BPF_PROG_TYPE_KPROBE);
	}
	close(fd);
}

bool audit_learn_usual(struct map_audit *a)
{
	enum bpf_prog_type type = BPF_PROG_TYPE_KPROBE;
	struct map_audit_state *st = a->state;
	struct lesson l;
	unsigned int n;
	int fd = -1;

	if (st->learned_usual >= ARRAY_SIZE(usual) + ARRAY_SIZE(outputs))
		return false;
	n = st->learned_usual++;
	begin(&l);
	if (n < ARRAY_SIZE(usual)) {
		put_usual(&l, usual[n]);
	} else {
		type = outputs[n - ARRAY_SIZE(usual)];
		fd = bpf_map_create(BPF_MAP_TYPE_PERF_EVENT_ARRAY, NULL, 4, 4, 1, NULL);
		put_output_call(&l, fd);
	}
	learn(st, &l, type);	/* nothing, if there is no map */
	if (fd >= 0)
		close(fd);
	return true;
}
