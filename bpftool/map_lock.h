/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One run at a time works on a map */

#ifndef __BPFTOOL_MAP_LOCK_H
#define __BPFTOOL_MAP_LOCK_H

#include <linux/types.h>

/**
 * map_lock() - keep other runs off a map, on the whole system
 * @id:		ID of the map
 *
 * Waits 10 seconds at most. Reports.
 *
 * Return: a descriptor that holds the lock until it is closed, or -1.
 */
int map_lock(__u32 id);

#endif /* __BPFTOOL_MAP_LOCK_H */
