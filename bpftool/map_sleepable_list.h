/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which programs are sleepable */

#ifndef __BPFTOOL_MAP_SLEEPABLE_LIST_H
#define __BPFTOOL_MAP_SLEEPABLE_LIST_H

#include <linux/types.h>

/**
 * map_sleepable() - is a loaded program sleepable?
 * @prog_id:	its id
 *
 * The first call costs tens of milliseconds, as it loads a BPF iterator; later
 * ones only when they ask for a program that was loaded since.
 *
 * Return: 1, 0, or -errno if it can't be known: -EOPNOTSUPP where bpftool was
 * built without skeletons.
 */
int map_sleepable(__u32 prog_id);

#endif /* __BPFTOOL_MAP_SLEEPABLE_LIST_H */
