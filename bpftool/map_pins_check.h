/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Can a program still write to the maps that are pinned? */

#ifndef __BPFTOOL_MAP_PINS_CHECK_H
#define __BPFTOOL_MAP_PINS_CHECK_H

#include "map_pins.h"

/**
 * pins_check() - can a program still write to one of the maps?
 * @before:	the slots that will be swapped; NULL: they are swapped
 *
 * Where sleepable programs can, it prepares the wait for them. With force it
 * only warns, before the swap. Reports. Return: 0 or -1.
 */
int pins_check(struct pin_list *l, const struct map_users_except *before);

/* pins_wait_sleepable() - wait for sleepable programs, if pins_check() found any.
 * Reports; 0 or -1
 */
int pins_wait_sleepable(struct pin_list *l);

#endif /* __BPFTOOL_MAP_PINS_CHECK_H */
