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

/* A program that is held open, with the ids of its maps */
struct prog_ref {
	int fd;
	struct bpf_prog_info info;
	__u32 map_ids[256];	/* the kernel allows 64 */
};

int prog_ref_open(struct prog_ref *ref, __u32 id);
bool prog_uses_map(const struct prog_ref *prog, __u32 id);

/**
 * progs_each() - call a function for every loaded program
 *
 * Return: the first value other than 0 that @fn returned, 0, or -errno.
 */
int progs_each(int (*fn)(const struct prog_ref *prog, void *ctx), void *ctx);

bool is_map_in_map(const struct bpf_map_info *info);

/* reach_slot_holds() - is map @id in a slot of map @outer_id?
 *
 * Return: 1, 0 (also if there is no such outer map), or -errno.
 */
int reach_slot_holds(__u32 outer_id, __u32 id);

/**
 * reach_find() - can a program find a map, but for one slot?
 * @id:		the map
 * @outer:	a map-in-map
 * @except:	key of the slot in it that does not count, NULL: all count
 * @why:	where to put the slot or the program that holds it
 * @size:	size of @why in bytes
 *
 * Return: 1 with the holder in @why, 0, or -errno if it can't be known.
 */
int reach_find(__u32 id, const struct map_ref *outer, const void *except,
	       char *why, size_t size);

/**
 * uncovered_find() - does a program use a map-in-map that no wait covers?
 * @outer:	the map-in-map
 * @old:	the inner map that is to be drained
 * @why:	where to put the program, and what it may do
 * @size:	size of @why in bytes
 *
 * A sleepable program may run on after the wait, and so may the callbacks that
 * any program starts through a bpf_wq or a bpf_task_work in a map's values.
 *
 * Return: 1 with the program in @why, 0, or -errno if it can't be known. When
 * only the sleepable programs can't be told, that is said once on stderr.
 */
int uncovered_find(const struct map_ref *outer, const struct map_ref *old,
		   char *why, size_t size);

#endif /* __BPFTOOL_MAP_SWAP_REACH_H */
