/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What "bpftool map help" says of swap-drain and sync sleepable */

#ifndef __BPFTOOL_MAP_SWAP_HELP_H
#define __BPFTOOL_MAP_SWAP_HELP_H

#include "map_wait_sleepable.h"

#define HELP_SPEC_SLEEPABLE_WAY						\
	"SLEEPABLE_WAY := { " MAP_WAIT_SLEEPABLE_WAYS " }"

#define HELP_MAP_SWAP_DRAIN						\
	"       %1$s %2$s sync sleepable [timeout SECONDS] \\\n"		\
	"                            [using { PROVIDER | SLEEPABLE_WAY }]\n"	\
	"       %1$s %2$s swap-drain MAP { key DATA | all } [value MAP] [keep FILE] \\\n" \
	"                                  [clear] [quiet] [timeout SECONDS] \\\n" \
	"                                  [using PROVIDER] [journal DIR] [force]\n" \
	"       %1$s %2$s swap-drain recover [timeout SECONDS] [journal DIR]\n"

#endif /* __BPFTOOL_MAP_SWAP_HELP_H */
