/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What "bpftool map help" says of drain */

#ifndef __BPFTOOL_MAP_DRAIN_HELP_H
#define __BPFTOOL_MAP_DRAIN_HELP_H

#define HELP_MAP_DRAIN							\
	"       %1$s %2$s drain      MAP [since FILE] [counters LIST] [keep FILE] \\\n" \
	"                                  [quiet] [journal DIR] [force]\n"

#endif /* __BPFTOOL_MAP_DRAIN_HELP_H */
