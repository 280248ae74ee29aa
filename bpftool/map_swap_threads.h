/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* bpftool map swap-drain: many calls that wait, waiting together */

#ifndef __BPFTOOL_MAP_SWAP_THREADS_H
#define __BPFTOOL_MAP_SWAP_THREADS_H

#include <stdbool.h>

/**
 * batch_waits_once() - is a batch on a map-in-map one wait?
 *
 * Before commit 37ba5b59d6ad ("bpf: Call maybe_wait_bpf_programs() only once
 * for generic_map_update_batch()") in Linux 6.8 it waited for a grace period
 * in each slot, and lookups did so too.
 */
bool batch_waits_once(void);

/**
 * run_in_threads() - call a function with every number below @nr
 * @nr:		how many calls
 * @fn:		what to call, from many threads at once, in no order
 * @ctx:	what to hand to it
 *
 * Calls that wait for a grace period at the same time share it. Returns after
 * the last one; where no threads are to be had it only takes longer.
 */
void run_in_threads(unsigned int nr, void (*fn)(unsigned int i, void *ctx),
		    void *ctx);

#endif /* __BPFTOOL_MAP_SWAP_THREADS_H */
