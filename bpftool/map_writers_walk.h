/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The audit of a map's writers: what its files share */

#ifndef __BPFTOOL_MAP_WRITERS_WALK_H
#define __BPFTOOL_MAP_WRITERS_WALK_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/compiler.h>

#include "map_writers.h"
#include "xlated_dumper.h"

/* map_writers_value.c */

/* What a register or stack slot may hold: any of these, so that a store counts
 * for all of them. No bit: nothing was written there yet.
 */
enum {
	HOLDS_NUMBER	= 1 << 0,
	HOLDS_DATA	= 1 << 1,	/* a number computed from what was read out of MAP */
	HOLDS_SUM	= 1 << 2,	/* with an addition on the way */
	HOLDS_MAP	= 1 << 3,	/* a struct bpf_map */
	HOLDS_SLOT	= 1 << 4,	/* address of a per-CPU or inner map's pointer */
	HOLDS_ELEM	= 1 << 5,	/* address of a hash's element, before its value */
	HOLDS_VALUE	= 1 << 6,	/* address in a value, or in other memory */
	HOLDS_STACK	= 1 << 7,
	HOLDS_FUNC	= 1 << 8,
};

#define HOLDS_POINTER	(HOLDS_MAP | HOLDS_SLOT | HOLDS_ELEM | HOLDS_VALUE | \
			 HOLDS_STACK | HOLDS_FUNC)

/* Whose memory, or which map: an id, or one of these. The kernel counts ids from
 * 1 and can't reach the great ones, as they are positive ints.
 */
enum region {
	REGION_ANY	= 0,
	REGION_INNER	= 0xfffffffd,	/* a map that was found in a map-in-map */
	REGION_RINGBUF	= 0xfffffffe,
	REGION_KERNEL	= 0xffffffff,	/* context, packets, what kernel pointers lead to */
};

#define LEAST	((__s64)(1ULL << 63))
#define MOST	((__s64)~(1ULL << 63))

/* A number is low + n * step and no more than high; of a pointer, its offset. For
 * HOLDS_FUNC it is the number of the function's first instruction.
 */
struct value {
	__u16 holds;
	__u8 frame;		/* of HOLDS_STACK; ANY_FRAME */
	__u8 dirty;		/* in a stack slot: bytes that are HOLDS_DATA */
	__u32 region;
	__s64 low, high;
	__u64 step;
	__u32 from, to;		/* of HOLDS_DATA: bytes of the value it was read from */
	__u32 copy;		/* the same number as all with the same, 0: none */
	__u32 pad;		/* values are compared as bytes */
};

#define ANY_FRAME	0xff

#define NR_REGS		12	/* with R10, and the one of the verifier's own */
#define NR_SLOTS	64
#define MAX_FRAMES	8

struct state {
	struct value reg[NR_REGS];
	unsigned int nr_frames, visits;
	bool queued;
	struct value slot[][NR_SLOTS];	/* nr_frames */
};

struct value value_number(__s64 low, __s64 high);
/* value_forget() - it can be any number or offset now */
void value_forget(struct value *v);
struct value value_pointer(enum region region, __u16 holds, __s64 offset);
bool value_join(struct value *to, const struct value *from, bool widen);
bool state_join(struct state *to, const struct state *from, bool widen);
/* value_alu() - @dst = @dst op @src; @code of the instruction */
void value_alu(struct value *dst, const struct value *src, __u8 code);
/* value_refine() - what a jump tells of its operands */
void value_refine(struct value *dst, struct value *src, __u8 code, bool taken);
void value_clip(struct value *v, unsigned int size);

/* map_writers.c */

struct map_store {
	unsigned int insn;
	enum map_byte byte;
	const char *how;	/* what -d tells of it */
	__u32 from, to, step, size;	/* the first bytes of both ends */
	bool unknown;		/* offset not known: may be any byte */
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
	__u64 learned_types;		/* of maps: a bit each */
	__u32 leaks[NR_KNOWN_MAPS];	/* regions that hold what was read out */
	unsigned int nr_leaks;
	struct known_map {
		__u32 id, type, value_size;
	} maps[NR_KNOWN_MAPS];		/* MAP is the first */
	unsigned int nr_maps;
	bool no_memory;
};

/* What a called function is, as far as the audit cares */
struct call {
	const char *name;	/* NULL: hidden */
	unsigned int nr_args;
	__u8 writes;		/* bit n: may write to what argument n points to */
	__u8 sized;		/* bit n: and argument n + 1 is the size of that */
	bool known;		/* by its prototype */
};

/* May an argument, counted from 0, of an EXT program be a pointer of its caller's? */
bool audit_arg_points(const struct map_audit_prog *p, unsigned int arg);
/* A map that a program has, until the next call. One that can't be opened is of no
 * type; a region that may be MAP is taken for it.
 */
const struct known_map *audit_map(struct map_audit *a, __u32 id);
__u32 audit_map_id(const struct map_audit *a);
__u32 audit_value_size(const struct map_audit *a);
void audit_store(struct map_audit *a, struct map_audit_prog *p,
		 const struct map_store *store);
void __printf(5, 6) audit_finding(struct map_audit *a, struct map_audit_prog *p,
				  unsigned int insn, enum map_finding_kind kind,
				  const char *fmt, ...);
/* What was read out of MAP is stored in memory of another region */
void audit_leak(struct map_audit *a, __u32 region);
bool audit_leaked(const struct map_audit *a, __u32 region);

/* map_writers_learn.c */

/* audit_learn_map() - learn what calls get maps of a type */
void audit_learn_map(struct map_audit *a, __u32 type);
/* audit_learn_usual() - learn some other calls. Return: false if there are no more */
bool audit_learn_usual(struct map_audit *a);

/* map_writers_bytes.c */
int audit_classify(struct map_audit *a);

/* Following a program: what its parts share */

#define MAX_PLACES	1000		/* functions as called from a place */

/* A function, as called from one place */
struct place {
	struct place *caller;
	unsigned int call;		/* the instruction that calls it */
	unsigned int start, end, depth;
	bool callback;
	struct state *saved;		/* of the caller behind the call */
	struct state *exit;
	struct state *at[];
};

struct walk {
	struct map_audit *a;
	struct map_audit_prog *p;
	struct place *places[MAX_PLACES];
	unsigned int nr_places;
	struct { struct place *place; unsigned int insn; } *todo;
	unsigned int nr_todo, max_todo;
	__u8 *joins;			/* instructions that are jumped to, functions */
	unsigned int steps;
	size_t bytes;
	bool report;			/* all is known: report stores */
	bool gave_up;
	int err;
	struct state *now;
	struct place *place;
};

/* map_writers_memory.c */

unsigned int walk_access_size(__u8 code);
bool walk_is_ours(const struct walk *w, const struct value *v, __u16 kind);
bool walk_range(struct walk *w, const struct value *base, __s64 off,
		unsigned int size, struct map_store *range);
struct value walk_data(struct walk *w, __u32 from, __u32 to);
bool walk_stack_dirty(struct walk *w, const struct value *base, unsigned int size,
		      struct value *sum);
void walk_store_stack(struct walk *w, const struct value *base, __s64 off,
		      const struct value *v, unsigned int size, bool sure);
struct value walk_load(struct walk *w, const struct value *base, __s64 off,
		       unsigned int size, unsigned int insn);
void walk_store(struct walk *w, const struct value *base, __s64 off,
		const struct value *v, unsigned int size, struct map_store *s,
		  unsigned int insn);
void walk_store_ours(struct walk *w, const struct value *base, __s64 off,
		     struct map_store *s, unsigned int size, unsigned int insn);

/* Does memory on the stack hold an address in a value of MAP? */
bool walk_stack_points(struct walk *w, const struct value *base, unsigned int size);

/* map_writers_insns.c */

void walk_mark_copy(struct state *st, struct value *v, unsigned int insn);
void walk_plain_store(struct walk *w, unsigned int i, const struct value *v);
void walk_atomic(struct walk *w, unsigned int i);
void walk_alu(struct walk *w, unsigned int i);
void walk_load_imm64(struct walk *w, unsigned int i);
void walk_jump(struct walk *w, unsigned int i, __s64 off);

/* map_writers_calls.c */

void walk_clobber(struct state *st);
bool walk_call_helper(struct walk *w, unsigned int i);

/* map_writers_walk.c */

void walk_finding(struct walk *w, unsigned int i, enum map_finding_kind kind,
		  const char *what);
void walk_give_up(struct walk *w, unsigned int i, const char *why);
void walk_flow(struct walk *w, struct place *pl, unsigned int insn,
	       const struct state *st);
void walk_call_back(struct walk *w, unsigned int i, const struct value *func,
		    const struct value *args);

/** map_walk() - follow one program. Return: 0 or -ENOMEM */
int map_walk(struct map_audit *a, struct map_audit_prog *p);

#endif /* __BPFTOOL_MAP_WRITERS_WALK_H */
