/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* bpftool map swap-drain: who can still get at a map that was swapped out */

#ifndef __BPFTOOL_MAP_SWAP_REACH_H
#define __BPFTOOL_MAP_SWAP_REACH_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/types.h>

#include "map_swap.h"

/* The kernel limits keys to what fits into its stack, MAX_BPF_STACK */
#define MAP_KEY_MAX	512

/* A program that is loaded, with the ids of its maps */
struct prog_ref {
	struct bpf_prog_info info;
	__u32 map_ids[256];	/* the kernel allows 64 */
};

bool prog_uses_map(const struct prog_ref *prog, __u32 id);

/**
 * progs_each() - call a function for every loaded program
 * @again:	for those of the last time: to ask for hundreds takes milliseconds
 *
 * Return: the first value other than 0 that @fn returned, 0, or -errno.
 */
int progs_each(bool again, int (*fn)(const struct prog_ref *prog, void *ctx),
	       void *ctx);

bool is_map_in_map(const struct bpf_map_info *info);

/* What is in the slots of the map-in-map that was asked for last */
struct slot_ids {
	__u32 outer_id;		/* 0: none yet */
	int err;		/* it can't be read: -errno */
	__u32 *ids;
	size_t nr, room;
};

/**
 * reach_slot_holds() - is map @id in a slot of map @outer_id?
 * @s:		all zero at first; its memory goes with reach_slot_ids_free()
 *
 * The slots are read once for all questions in a row that are about the same
 * map-in-map: on some kernels each look into a slot waits for a grace period.
 *
 * Return: 1, 0 (also if there is no such outer map), or -errno.
 */
int reach_slot_holds(struct slot_ids *s, __u32 outer_id, __u32 id);
void reach_slot_ids_free(struct slot_ids *s);

/* reach_note_slotless() - remember that a map is no map-in-map: scans skip it */
void reach_note_slotless(__u32 id);

/**
 * slots_each() - call a function for every filled slot of a map-in-map
 *
 * Return: the first value other than 0 that @fn returned, 0, or -errno.
 */
int slots_each(const struct map_ref *outer,
	       int (*fn)(const void *key, __u32 id, void *ctx), void *ctx);

/* Can a program find one of several maps? */
struct reach_query {
	__u32 *ids;		/* of the maps; reach_find() sorts them */
	unsigned int nr;
	const struct map_ref *outer;
	const void *except;	/* key of a slot in it that does not count */
	bool except_all;	/* none of its slots counts */
	char *why;		/* where to put who holds it */
	size_t size;		/* of why, in bytes */
	__u32 found;		/* the map that was found */
};

/**
 * reach_find() - can a program find one of several maps?
 * @q:		which, and which slots do not count
 *
 * Return: 1 with the holder in @q, 0, or -errno if it can't be known.
 */
int reach_find(struct reach_query *q);

/**
 * uncovered_find() - does a program use a map-in-map that no wait covers?
 * @outer:	the map-in-map
 * @old:	an inner map that is to be drained
 * @why:	where to put the program, and what it may do
 * @size:	size of @why in bytes
 *
 * A sleepable program may run on after the wait, and so may the callbacks that
 * any program starts through a bpf_wq or a bpf_task_work in a map's values. The
 * programs are those that reach_find() has seen just before.
 *
 * Return: 1 with the program in @why, 0, or -errno if it can't be known. When
 * only the sleepable programs can't be told, that is said once on stderr.
 */
int uncovered_find(const struct map_ref *outer, const struct map_ref *old,
		   char *why, size_t size);

#endif /* __BPFTOOL_MAP_SWAP_REACH_H */
