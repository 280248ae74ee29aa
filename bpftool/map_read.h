/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Reading and emptying a map that no program uses any longer */

#ifndef __BPFTOOL_MAP_READ_H
#define __BPFTOOL_MAP_READ_H

#include "map_print.h"
#include "map_ref.h"

/**
 * map_read_all() - print every entry of a map; pop those of a queue or stack
 * @map:	the map
 * @p:		prints them
 * @what:	where to put what failed, worded to follow "can't"
 *
 * Return: 0 once every entry was read and printed, though not yet flushed; or
 * -errno.
 */
int map_read_all(const struct map_ref *map, struct map_printer *p,
		 const char **what);

/* map_clear() - empty a map; 0 or -errno */
int map_clear(const struct map_ref *map);

#endif /* __BPFTOOL_MAP_READ_H */
