/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The providers of map sync, the best first */

#ifndef __BPFTOOL_MAP_SYNC_PROVIDERS_H
#define __BPFTOOL_MAP_SYNC_PROVIDERS_H

#include "map_sync.h"

/* Their names, as help and errors show them. tests/host/grammar.bats holds
 * this line against the table, the manual and the completion.
 */
#define MAP_SYNC_PROVIDER_NAMES						\
	"bpf_sync_map_access | map_in_map_update | membarrier"

/* Ends with NULL */
extern const struct map_sync_provider * const map_sync_providers[];

#endif /* __BPFTOOL_MAP_SYNC_PROVIDERS_H */
