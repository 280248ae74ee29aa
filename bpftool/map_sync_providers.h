/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The providers of map sync, the best first */

#ifndef __BPFTOOL_MAP_SYNC_PROVIDERS_H
#define __BPFTOOL_MAP_SYNC_PROVIDERS_H

#include "map_sync.h"

#define MAP_SYNC_COMMAND	"bpf_sync_map_access"
#define MAP_SYNC_UPDATE		"map_in_map_update"
#define MAP_SYNC_MEMBARRIER	"membarrier"

/* As help and errors show them, in the table's order */
#define MAP_SYNC_PROVIDER_NAMES						\
	MAP_SYNC_COMMAND " | " MAP_SYNC_UPDATE " | " MAP_SYNC_MEMBARRIER

/* Ends with NULL */
extern const struct map_sync_provider * const map_sync_providers[];

#endif /* __BPFTOOL_MAP_SYNC_PROVIDERS_H */
