/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which way a map's values are moved, and what it needs of the kernel */

#ifndef __BPFTOOL_MAP_MOVE_NEEDS_H
#define __BPFTOOL_MAP_MOVE_NEEDS_H

#include <stddef.h>

struct bpf_map_info;

enum mover { MOVER_EACH, MOVER_ITER, MOVER_OWN, MOVER_CPU, MOVER_POP };

/* move_choose() - which way is the first to try for a map */
enum mover move_choose(const struct bpf_map_info *info);

/* move_explain() - why one can't be loaded or run: @err, and what the kernel lacks */
void move_explain(enum mover mover, int err, char *why, size_t size);

#endif /* __BPFTOOL_MAP_MOVE_NEEDS_H */
