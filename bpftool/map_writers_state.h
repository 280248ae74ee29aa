/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The audit of a map's writers: what was found so far */

#ifndef __BPFTOOL_MAP_WRITERS_STATE_H
#define __BPFTOOL_MAP_WRITERS_STATE_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/compiler.h>

#include "map_writers.h"
#include "xlated_dumper.h"

struct map_store {
	unsigned int insn;
	enum map_byte byte;
	const char *how;	/* how -d describes it */
	__u32 from, to, step, size;	/* the first bytes of both ends */
	bool unknown;		/* offset not known: may be any byte */
	bool other_cpu;		/* in what may be the value of another CPU */
	bool wide;		/* an addition, and other bytes are part of the sum */
};

struct map_audit_prog {
	__u32 id;
	char name[16 * 4];	/* longer than BPF_OBJ_NAME_LEN */
	bool ext;
	struct bpf_insn *insns;
	unsigned int nr_insns;
	struct bpf_prog_info *info;	/* with line and function info; NULL: none */
	struct btf *btf;
	struct bpf_prog_linfo *linfo;
	struct map_store *stores;
	unsigned int nr_stores;
};

#define NR_KNOWN_MAPS	64

struct map_audit_state {
	struct dump_data symbols;
	bool has_symbols, asked_btf;
	struct btf *kernel_btf;		/* for the prototypes of helpers */
	struct { __s32 imm; const char *name; } calls[64];	/* as learned */
	unsigned int nr_calls, learned_usual;
	__u64 learned_types;		/* a bit for each type of map */
	__u32 leaks[NR_KNOWN_MAPS];	/* regions that hold what was read out */
	unsigned int nr_leaks;
	struct known_map {
		__u32 id, type, value_size;
	} maps[NR_KNOWN_MAPS];		/* MAP is the first */
	unsigned int nr_maps;
	bool no_memory;
};

/* A map that a program has, valid until the next call. One that can't be opened
 * has no type; a region that may be MAP counts as MAP.
 */
const struct known_map *audit_map(struct map_audit *a, __u32 id);
void audit_store(struct map_audit *a, struct map_audit_prog *p,
		 const struct map_store *store);
void __printf(5, 6) audit_finding(struct map_audit *a, struct map_audit_prog *p,
				  unsigned int insn, enum map_finding_kind kind,
				  const char *fmt, ...);
/* audit_forget() - forget the stores and findings of all programs */
void audit_forget(struct map_audit *a);
/* audit_where() - "flows.bpf.c:42: c->packets += 1", or which instruction; to be freed */
char *audit_where(const struct map_audit_prog *p, unsigned int insn);
/* Note that data read out of MAP is stored in another region */
void audit_leak(struct map_audit *a, __u32 region);
bool audit_leaked(const struct map_audit *a, __u32 region);

#endif /* __BPFTOOL_MAP_WRITERS_STATE_H */
