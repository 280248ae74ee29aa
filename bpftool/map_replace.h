/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which maps can be drained, and new ones like them */

#ifndef __BPFTOOL_MAP_REPLACE_H
#define __BPFTOOL_MAP_REPLACE_H

#include <stdbool.h>

#include "map_ref.h"

/* Since Linux 7.2; the header may be older */
#define MAP_TYPE_RHASH	35

enum drain_how {
	DRAIN_NOT,		/* can't be read from user space */
	DRAIN_BY_KEY,		/* has keys that can be deleted */
	DRAIN_BY_INDEX,		/* has keys that are always there */
	DRAIN_BY_POP,		/* has no keys, reading takes the element out */
};

/* drain_how() - how maps of a type can be read and emptied */
enum drain_how drain_how(__u32 map_type);

/* map_check_not_frozen() - can user space write to a map? @why is added to "is
 * frozen, ". Reports; 0 or -1
 */
int map_check_not_frozen(const struct map_ref *map, const char *why);

/* map_check_drainable() - can a map be read out?
 * @pop:	its elements will be popped if it is a queue or a stack
 * @clear:	it will be cleared
 *
 * Reports. Return: 0 or -1.
 */
int map_check_drainable(const struct map_ref *map, bool pop, bool clear);

/* map_check_keep() - is anything left to keep of a map that is printed? Reports; 0 or -1 */
int map_check_keep(const struct map_ref *map);

/* map_check_replacement() - can a map replace another one?
 * map_create_like() - create a map with another one's attributes
 *
 * Report. Return: 0 or -1.
 */
int map_check_replacement(const struct map_ref *map, const struct map_ref *old);
int map_create_like(struct map_ref *created, const struct map_ref *old);

#endif /* __BPFTOOL_MAP_REPLACE_H */
