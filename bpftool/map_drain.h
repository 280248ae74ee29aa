/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* bpftool map drain: a run */

#ifndef __BPFTOOL_MAP_DRAIN_H
#define __BPFTOOL_MAP_DRAIN_H

#include "map_drain_args.h"
#include "map_move.h"
#include "map_pins.h"
#include "map_writers.h"

struct map_drain {
	struct drain_args args;
	struct map_journal journal;
	struct pin_list pins;		/* the stage */
	struct map_audit audit;
	struct map_move *mover;
	struct map_move_result result;
	struct map_place at;		/* of values in the stage only; no path: there are none */
	int lock;			/* of the map */
	struct map_ref last;		/* since: the last readings, fd -1: none */
	struct map_ref now;		/* since: the new readings */
	int last_lock;
	char reading[BPF_OBJ_NAME_LEN];	/* name of both maps */
	char next[PATH_MAX];		/* pin of @now until the output was written */
};

#define ANYWAY	"'force' drains it anyway"

/* map_drain_check() - can values of this map be moved? Reports; 0 or -1 */
int map_drain_check(const struct drain_args *args);

/**
 * map_drain_audit() - find the counters, and whether moving them is exact
 *
 * With force it only warns. Reports. Return: 0 or -1.
 */
int map_drain_audit(struct map_drain *d);

/* map_drain_audit_again() - was it exact, with the programs loaded since?
 * Reports; 0 or -1
 */
int map_drain_audit_again(struct map_drain *d);

#endif /* __BPFTOOL_MAP_DRAIN_H */
