/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What map sync and map sync sleepable have in common */

#ifndef __BPFTOOL_MAP_SYNC_H
#define __BPFTOOL_MAP_SYNC_H

#include <linux/types.h>

/* map_sync_log() - print a line of map_wait's to stderr if -d was given */
void map_sync_log(void *ctx, const char *line);

/* map_sync_print() - the JSON members of a wait */
void map_sync_print(const char *way, __u64 us);

/* map_sync_end() - what a verb returns that has reported its error, if any */
int map_sync_end(int err);

#endif /* __BPFTOOL_MAP_SYNC_H */
