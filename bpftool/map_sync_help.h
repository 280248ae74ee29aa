/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What "bpftool map help" says of sync */

#ifndef __BPFTOOL_MAP_SYNC_HELP_H
#define __BPFTOOL_MAP_SYNC_HELP_H

#include "map_wait.h"

#define HELP_SPEC_PROVIDER	"PROVIDER := { " MAP_WAIT_WAYS " }"

#define HELP_MAP_SYNC							\
	"       %1$s %2$s sync       [using PROVIDER]\n"

#endif /* __BPFTOOL_MAP_SYNC_HELP_H */
