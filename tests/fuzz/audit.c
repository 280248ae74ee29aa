// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Fuzzes the audit of a map's writers: any bytes for instructions
 *
 * The first byte chooses what is around them:
 *	0  nothing: they are the program. It must not crash, and must end.
 *	1  a counter, which they can't reach by R6, then a plain store to it by R6
 *	2  the same, but a subprogram stores
 *	3  the same, but the pointer was spilled by then
 * Whatever stands between, a program with a plain store to a counter is never exact.
 * With FUZZ_CONTROL a store is taken for an addition, and that has to be noticed.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/filter.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "map_ref.h"
#include "map_writers_state.h"
#include "xlated_dumper.h"

#define MAP_ID		7
#define MAX_INSNS	512

static const char * const names[] = {
	"", "htab_map_lookup_elem", "htab_map_update_elem", "htab_map_delete_elem",
	"__htab_map_lookup_elem", "bpf_loop", "bpf_for_each_hash_elem",
	"bpf_ktime_get_ns", "bpf_probe_read_kernel", "queue_stack_map_push_elem",
	"queue_stack_map_pop_elem", "bpf_ringbuf_reserve", "bpf_tail_call",
};

/* What the audit asks of bpftool and of the kernel */

void kernel_syms_load(struct dump_data *dd)
{
	dd->address_call_base = 0;
}

void kernel_syms_destroy(struct dump_data *dd)
{
}

struct kernel_sym *kernel_syms_search(struct dump_data *dd, unsigned long key)
{
	static struct kernel_sym sym;

	if (!key || key >= sizeof(names) / sizeof(*names))
		return NULL;
	snprintf(sym.name, sizeof(sym.name), "%s", names[key]);
	return &sym;
}

void audit_learn_map(struct map_audit *a, __u32 type)
{
}

bool audit_learn_usual(struct map_audit *a)
{
	return false;
}

int map_ref_open(struct map_ref *ref, __u32 id, __u32 open_flags)
{
	memset(ref, 0, sizeof(*ref));
	ref->fd = -1;
	ref->info.type = id % 34;
	ref->info.value_size = 8;
	return 0;
}

void map_ref_close(struct map_ref *ref)
{
}

struct btf *__wrap_btf__load_vmlinux_btf(void)
{
	return NULL;
}

/* Keeps to what can't be avoided on the way to the planted store: no jumps, and
 * neither R6 nor the stack nor the constants that the kernel hides are touched. In the
 * third way nothing is stored: that might be over the spilled pointer.
 */
static size_t straighten(struct bpf_insn *insns, size_t nr, int how)
{
	size_t i, n = 0;

	for (i = 0; i < nr; i++) {
		struct bpf_insn in = insns[i];
		__u8 class = BPF_CLASS(in.code);

		if (class == BPF_JMP || class == BPF_JMP32 || class == BPF_LD)
			continue;
		if (how == 3 && (class == BPF_ST || class == BPF_STX))
			continue;
		in.dst_reg %= 10;
		in.src_reg %= 10;
		if (in.dst_reg == 6 || (class == BPF_STX && in.src_reg == 6))
			continue;
		insns[n++] = in;
	}
	return n;
}

static size_t put(struct bpf_insn *to, size_t at, const struct bpf_insn *insns, size_t nr)
{
	memcpy(to + at, insns, nr * sizeof(*to));
	return at + nr;
}

static size_t plant(struct bpf_insn *to, const struct bpf_insn *body, size_t nr, int how)
{
	const struct bpf_insn counter[] = {
		BPF_RAW_INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_6,
			     BPF_PSEUDO_MAP_VALUE, 0, MAP_ID),
		BPF_RAW_INSN(0, 0, 0, 0, 8),
		BPF_MOV64_IMM(BPF_REG_1, 1),
		BPF_RAW_INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_6, BPF_REG_1, 0,
			     BPF_ADD),
	};
	const struct bpf_insn spill[] = {
		BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_6, -504),
		BPF_MOV64_IMM(BPF_REG_6, 0),
	};
	const struct bpf_insn fill = BPF_LDX_MEM(BPF_DW, BPF_REG_6, BPF_REG_10, -504);
#ifdef FUZZ_CONTROL
	const struct bpf_insn bad = BPF_RAW_INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_6,
						 BPF_REG_7, 0, BPF_ADD);
#else
	const struct bpf_insn bad = BPF_ST_MEM(BPF_DW, BPF_REG_6, 0, 5);
#endif
	const struct bpf_insn call[] = {
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_6),
		BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 2, 0),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
		BPF_MOV64_REG(BPF_REG_6, BPF_REG_1),
	};
	size_t n = 0;

	n = put(to, n, counter, 4);
	if (how == 3)
		n = put(to, n, spill, 2);
	n = put(to, n, body, nr);
	if (how == 3)
		n = put(to, n, &fill, 1);
	if (how == 2)
		n = put(to, n, call, 5);
	n = put(to, n, &bad, 1);
	to[n++] = (struct bpf_insn)BPF_MOV64_IMM(BPF_REG_0, 0);
	to[n++] = (struct bpf_insn)BPF_EXIT_INSN();
	return n;
}

static void add_prog(struct map_audit *a, const struct bpf_insn *insns, size_t nr,
		     bool ext)
{
	struct map_audit_prog *p = calloc(1, sizeof(*p));

	a->progs = malloc(sizeof(*a->progs));
	a->progs[0] = p;
	a->nr_progs = 1;
	p->insns = malloc((nr + !nr) * sizeof(*insns));
	memcpy(p->insns, insns, nr * sizeof(*insns));
	p->nr_insns = nr;
	p->ext = ext;
}

static bool is_exact(const struct map_audit *a)
{
	unsigned int i;

	for (i = 0; i < a->nr_findings; i++)
		if (a->findings[i].kind == MAP_FINDING_CONFLICT ||
		    a->findings[i].kind == MAP_FINDING_NARROW ||
		    a->findings[i].kind == MAP_FINDING_UNKNOWN)
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bpf_insn body[MAX_INSNS], insns[MAX_INSNS + 32];
	struct map_ref map = { .fd = -1 };
	struct map_audit a;
	size_t nr;
	int how;

	if (size < 2)
		return 0;
	how = data[0] & 3;
	map.info.id = MAP_ID;
	map.info.type = data[1] & 1 ? BPF_MAP_TYPE_HASH : BPF_MAP_TYPE_ARRAY;
	map.info.value_size = 24;
	nr = (size - 2) / sizeof(*body);
	if (nr > MAX_INSNS)
		nr = MAX_INSNS;
	memcpy(body, data + 2, nr * sizeof(*body));
	if (how) {
		nr = straighten(body, nr, how);
		nr = plant(insns, body, nr, how);
	} else {
		memcpy(insns, body, nr * sizeof(*body));
	}
	if (map_audit_init(&a, &map))
		abort();
	add_prog(&a, insns, nr, data[1] & 2);
	if (map_audit_finish(&a))
		abort();
	if (how && is_exact(&a)) {
		fprintf(stderr, "a plain store to a counter was taken for exact\n");
		abort();
	}
	map_audit_free(&a);
	return 0;
}
