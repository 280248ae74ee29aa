/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a register or stack slot of a BPF program may hold */

#ifndef __BPFTOOL_MAP_WRITERS_VALUE_H
#define __BPFTOOL_MAP_WRITERS_VALUE_H

#include <stdbool.h>

#include <linux/compiler.h>
#include <linux/types.h>

/* What a register or stack slot may hold. If several bits are set, a store counts
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
	HOLDS_OTHER_CPU	= 1 << 9,	/* with HOLDS_VALUE: may be another CPU's */
};

#define HOLDS_POINTER	(HOLDS_MAP | HOLDS_SLOT | HOLDS_ELEM | HOLDS_VALUE | \
			 HOLDS_STACK | HOLDS_FUNC)

/* Whose memory, or which map: a map's ID, or one of these. Map IDs are positive
 * ints, so they are none of these numbers.
 */
enum region {
	REGION_ANY	= 0,
	REGION_INNER	= 0xfffffffd,	/* a map that was found in a map-in-map */
	REGION_RINGBUF	= 0xfffffffe,
	REGION_KERNEL	= 0xffffffff,	/* context, packets, memory behind kernel pointers */
};

#define LEAST	((__s64)(1ULL << 63))
#define MOST	((__s64)~(1ULL << 63))

/* A number, or a pointer's offset, is low + n * step and at most high. For
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
	__u32 copy;		/* equal in all copies of the same number, 0: none */
	__u32 pad;		/* values are compared as bytes */
};

#define ANY_FRAME	0xff

#define NR_REGS		12	/* with R10, and the verifier's own one */
#define NR_SLOTS	64
#define MAX_FRAMES	8

struct state {
	struct value reg[NR_REGS];
	unsigned int nr_frames, visits;
	bool queued;
	struct value slot[][NR_SLOTS];	/* nr_frames */
};

struct value value_number(__s64 low, __s64 high);
/* value_forget() - let it be any number or offset */
void value_forget(struct value *v);
struct value value_pointer(enum region region, __u16 holds, __s64 offset);
bool value_join(struct value *to, const struct value *from, bool widen);
bool state_join(struct state *to, const struct state *from, bool widen);
/* value_alu() - @dst = @dst op @src; @code of the instruction */
void value_alu(struct value *dst, const struct value *src, __u8 code);
/* value_refine() - apply what a jump says about its operands */
void value_refine(struct value *dst, struct value *src, __u8 code, bool taken);
void value_clip(struct value *v, unsigned int size);

#endif /* __BPFTOOL_MAP_WRITERS_VALUE_H */
