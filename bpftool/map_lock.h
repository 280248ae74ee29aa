/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One run at a time works on a map */

#ifndef __BPFTOOL_MAP_LOCK_H
#define __BPFTOOL_MAP_LOCK_H

#include <stdbool.h>

#include <linux/types.h>

/**
 * map_lock() - keep other runs off a map, on the whole system
 * @id:		ID of the map
 * @force:	assume that a map that can't be opened is not another run's lock
 *
 * Waits 10 seconds at most. Reports.
 *
 * Return: a descriptor that holds the lock until it is closed, or -1.
 */
int map_lock(__u32 id, bool force);

/* map_unlock() - release a lock, if *@lock is one; sets it to -1 */
void map_unlock(int *lock);

#endif /* __BPFTOOL_MAP_LOCK_H */
