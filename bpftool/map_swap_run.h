/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* bpftool map swap-drain: a run, from the command line to the release */

#ifndef __BPFTOOL_MAP_SWAP_RUN_H
#define __BPFTOOL_MAP_SWAP_RUN_H

#include "map_drain.h"
#include "map_err.h"
#include "map_swap.h"
#include "map_sync.h"

struct swap_drain {
	struct swap_args args;
	const struct map_sync_provider *provider;
	struct swap_journal journal;
	struct map_ref old;		/* in the slot at first */
	struct map_ref new;		/* its replacement */
	struct drain_doc doc;
	struct drain_printer printer;
	__u64 wait_us;			/* from the update to the wait's end */
};

/**
 * swap_prepare() - do everything that can fail without touching the slot
 *
 * Reports what is wrong. Return: 0 or -1.
 */
int swap_prepare(struct swap_drain *sd);

/**
 * swap_check_final() - will the old map not change any more after the wait?
 * @state:	what an error has to tell of the data
 *
 * Return: 0; or -1 after an error was reported, which "force" turns into a
 * warning.
 */
int swap_check_final(struct swap_drain *sd, const struct map_err_state *state);

#endif /* __BPFTOOL_MAP_SWAP_RUN_H */
