/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The message of a run that a signal ends */

#ifndef __BPFTOOL_MAP_SIGNALS_H
#define __BPFTOOL_MAP_SIGNALS_H

#include "map_msg.h"

/**
 * map_signals_at() - tell where the data is when a signal ends the process
 * @at:		the place; may be called again when it changes
 *
 * The process still dies of the signal. Ignored signals stay ignored.
 */
void map_signals_at(const struct map_place *at);

/* map_signals_block() - hold these signals back up to one of the others
 * map_signals_end() - restore what was before map_signals_at()
 */
void map_signals_block(void);
void map_signals_end(void);

#endif /* __BPFTOOL_MAP_SIGNALS_H */
