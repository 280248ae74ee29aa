/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The waits in JSON, for map sync sleepable and map swap-drain */

#ifndef __BPFTOOL_MAP_SYNC_SLEEPABLE_H
#define __BPFTOOL_MAP_SYNC_SLEEPABLE_H

#include "map_wait_sleepable.h"

/* map_sync_print() - the members of a wait */
void map_sync_print(const char *way, __u64 us);

/* map_sync_print_sleepable() - the member "sleepable" of what a run waited for */
void map_sync_print_sleepable(const struct map_wait_sleepable *w);

#endif /* __BPFTOOL_MAP_SYNC_SLEEPABLE_H */
