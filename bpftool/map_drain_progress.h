/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A line on the terminal that tells how far a long drain is */

#ifndef __BPFTOOL_MAP_DRAIN_PROGRESS_H
#define __BPFTOOL_MAP_DRAIN_PROGRESS_H

#include <stdbool.h>

/**
 * drain_progress_start() - entries will be printed from now on
 * @files_only:	a pipe may end on the same terminal, in a pager, whose screen the
 *		line would spoil: show it only when stdout is a regular file
 *
 * Nothing is shown unless it takes more than a second, stderr is a terminal and
 * stdout is none.
 */
void drain_progress_start(bool files_only);

/* drain_progress() - so many more entries were printed. Asks for the time:
 * call it for many entries at once.
 */
void drain_progress(unsigned int entries);

/* drain_progress_hide() - erase the line, as something else goes to stderr */
void drain_progress_hide(void);

void drain_progress_stop(void);

#endif /* __BPFTOOL_MAP_DRAIN_PROGRESS_H */
