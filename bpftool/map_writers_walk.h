/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Follows the translated instructions of one program */

#ifndef __BPFTOOL_MAP_WRITERS_WALK_H
#define __BPFTOOL_MAP_WRITERS_WALK_H

#include "map_writers.h"

/** map_walk() - follow one program. Return: 0 or -ENOMEM */
int map_walk(struct map_audit *a, struct map_audit_prog *p);

#endif /* __BPFTOOL_MAP_WRITERS_WALK_H */
