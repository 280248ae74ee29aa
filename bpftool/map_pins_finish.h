/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Pinned maps that no program writes to any longer: print, clear or keep, release */

#ifndef __BPFTOOL_MAP_PINS_FINISH_H
#define __BPFTOOL_MAP_PINS_FINISH_H

#include "map_pins.h"

/* pins_prepare() - get everything that printing needs, before anything is
 * touched. Reports; 0 or -1
 */
int pins_prepare(struct pin_list *l);

/**
 * pins_finish() - check, wait, print, clear or keep, and release all maps
 *
 * The programs that held the maps when they were taken have ended, except for
 * sleepable ones: it waits for those. Reports. Return: 0 or -1; maps that failed
 * stay pinned.
 */
int pins_finish(struct pin_list *l);

#endif /* __BPFTOOL_MAP_PINS_FINISH_H */
