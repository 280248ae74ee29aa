/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which bytes of a map's values are counters, and are they added to atomically?
 *
 * The translated instructions of the programs that have the map are followed, and
 * each store through a pointer into a value puts its bytes into a class. An
 * instruction that can't be followed is a finding.
 *
 *	map_audit_init(&a, &map);
 *	for each program that has the map, and each EXT program that is attached
 *	to one of them: map_audit_prog(&a, id, ext);
 *	map_audit_counters(&a, list);		(where the user named them)
 *	map_audit_finish(&a);			a.bytes, a.findings are complete
 *	map_audit_each_line(&a, say);	(-d)
 *	map_audit_free(&a);
 *
 * map_writers.c		the programs, what is reported
 * map_writers_bytes.c	from stores to the class of each byte
 * map_writers_list.c	the counters that the user names
 * map_writers_walk.c	following the instructions of one program
 * map_writers_insns.c, _calls.c, _memory.c	what one of them does
 * map_writers_flow.c	which state reaches which instruction
 * map_writers_value.c	what a register or a stack slot may hold
 * map_writers_learn.c	which call is which helper
 * map_writers_state.c	what was found so far
 */

#ifndef __BPFTOOL_MAP_WRITERS_H
#define __BPFTOOL_MAP_WRITERS_H

#include <stdbool.h>

#include <linux/types.h>

struct map_ref;
struct map_audit_prog;

enum map_byte {
	MAP_BYTE_OTHER,		/* a name, a time, never written: left alone */
	MAP_BYTE_COUNTER,	/* only ever added to, atomically */
	MAP_BYTE_PLAIN,		/* added to, at least once without an atomic */
};

enum map_finding_kind {
	MAP_FINDING_PLAIN,	/* a plain add: fine per CPU if it can't be cut */
	MAP_FINDING_CONFLICT,	/* a counter that is also stored to, or both may be */
	MAP_FINDING_DELETE,	/* an element is deleted */
	MAP_FINDING_UPDATE,	/* an update with a value that was read out of the map */
	MAP_FINDING_UNKNOWN,	/* can't be followed */
	MAP_FINDING_OTHER_CPU,	/* a plain add to what may be another CPU's value */
	MAP_FINDING_NARROW,	/* a counter that is not made of aligned words */
};

struct map_finding {
	enum map_finding_kind kind;
	__u32 prog_id, prog_type;
	const char *prog_name;
	unsigned int insn;	/* number of the translated instruction */
	char *where;		/* "flows.bpf.c:42: c->packets += 1", or "instruction 7" */
	char *what;		/* "is a plain add", to follow @where */
};

struct map_audit {
	const struct map_ref *map;
	__u8 *bytes;		/* an enum map_byte for each byte of the value */
	__u8 *sizes;		/* of the counter at each byte, 0: not known */
	__u8 *list;		/* such sizes of what the user named, 1: not known; or NULL */
	/* By BTF, a byte of a counter that can't be moved or read whole, because it
	 * is not aligned or has more than 8 bytes; -1: there is none
	 */
	__s64 split;
	struct map_finding *findings;
	unsigned int nr_findings;
	struct map_audit_prog **progs;
	unsigned int nr_progs;	/* without any, and without a list, all bytes are counters */
	struct map_audit_state *state;
};

/** map_audit_init() - Return: 0 or -errno; map_audit_free() is due in either case */
int map_audit_init(struct map_audit *a, const struct map_ref *map);

/**
 * map_audit_prog() - add a program that has the map among its maps
 * @ext:	it has not, but is an EXT program that is attached to one that has
 *
 * Return: 0 or -errno; -ENOENT: the program is gone by now.
 */
int map_audit_prog(struct map_audit *a, __u32 prog_id, bool ext);

/* map_audit_has_prog() - was a program added? */
bool map_audit_has_prog(const struct map_audit *a, __u32 prog_id);

/**
 * map_audit_counters() - take the bytes that the user names as the counters
 * @list:	members of the value's struct "packets,rx.bytes", or bytes "0-7"
 * @bad:	set to the word that is not understood, in @list
 *
 * Findings about other bytes then don't count.
 *
 * Return: 0; -EINVAL: @bad is not a member or a range of bytes, reaches beyond the
 * value, or does not consist of whole 4-byte words; -ENOENT: @bad is a member, but
 * the map has no BTF; -ENOMEM.
 */
int map_audit_counters(struct map_audit *a, const char *list, const char **bad);

/**
 * map_audit_finish() - follow the programs, then fill in @bytes and @findings
 *
 * Return: 0 or -errno.
 */
int map_audit_finish(struct map_audit *a);

/**
 * map_audit_each_line() - the lines of -d: one for each program and store
 * @say:	gets "program 7 (count): flows.bpf.c:42: c->packets += 1: atomic"
 */
void map_audit_each_line(const struct map_audit *a, void (*say)(const char *fmt, ...));

void map_audit_free(struct map_audit *a);

#endif /* __BPFTOOL_MAP_WRITERS_H */
