/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What "bpftool map help" says of sync and swap-drain */

#ifndef __BPFTOOL_MAP_SYNC_HELP_H
#define __BPFTOOL_MAP_SYNC_HELP_H

#include "map_sync_providers.h"

#define HELP_SPEC_PROVIDER						\
	"PROVIDER := { " MAP_SYNC_PROVIDER_NAMES " }"

#define HELP_MAP_SYNC							\
	"       %1$s %2$s sync       [using PROVIDER]\n"			\
	"       %1$s %2$s swap-drain MAP { key DATA | all } [value MAP] [keep FILE] \\\n" \
	"                                  [clear] [quiet] [using PROVIDER] \\\n" \
	"                                  [journal DIR] [force]\n"	\
	"       %1$s %2$s swap-drain recover [journal DIR]\n"

#endif /* __BPFTOOL_MAP_SYNC_HELP_H */
