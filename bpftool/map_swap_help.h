/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What "bpftool map help" says of swap-drain */

#ifndef __BPFTOOL_MAP_SWAP_HELP_H
#define __BPFTOOL_MAP_SWAP_HELP_H

#define HELP_MAP_SWAP_DRAIN						\
	"       %1$s %2$s swap-drain MAP { key DATA | all } [value MAP] [keep FILE] \\\n" \
	"                                  [clear] [quiet] [timeout SECONDS] \\\n" \
	"                                  [using PROVIDER] [journal DIR] [force]\n" \
	"       %1$s %2$s swap-drain recover [timeout SECONDS] [journal DIR]\n"

#endif /* __BPFTOOL_MAP_SWAP_HELP_H */
