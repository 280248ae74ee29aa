/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What map sync has for map help and map sync sleepable */

#ifndef __BPFTOOL_MAP_SYNC_H
#define __BPFTOOL_MAP_SYNC_H

#include "map_wait.h"

#define HELP_SPEC_PROVIDER	"PROVIDER := { " MAP_WAIT_WAYS " }"
#define HELP_MAP_SYNC		"       %1$s %2$s sync       [using PROVIDER]\n"

/* map_sync_log() - print a line of map_wait's to stderr if -d was given */
void map_sync_log(void *ctx, const char *line);

/* map_sync_print() - the JSON members of a wait */
void map_sync_print(const char *way, __u64 us);

/* map_sync_end() - what a verb returns that has reported its error, if any */
int map_sync_end(int err);

#endif /* __BPFTOOL_MAP_SYNC_H */
