/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Following a program: the helpers that it calls */

#ifndef __BPFTOOL_MAP_WRITERS_CALLS_H
#define __BPFTOOL_MAP_WRITERS_CALLS_H

#include "map_writers_flow.h"

bool walk_call_helper(struct walk *w, unsigned int i);

#endif /* __BPFTOOL_MAP_WRITERS_CALLS_H */
