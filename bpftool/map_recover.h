/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Maps that earlier runs left pinned */

#ifndef __BPFTOOL_MAP_RECOVER_H
#define __BPFTOOL_MAP_RECOVER_H

#include <linux/types.h>

#include "map_drain_args.h"
#include "map_journal.h"

/* map_recover() - print them, and release them. Reports; 0 or -1 */
int map_recover(const struct drain_args *args);

/* map_report_orphans() - warn about them in one line */
void map_report_orphans(const struct map_journal *j);

/* map_in_journal() - is a map in the journal? 1, 0 or -errno */
int map_in_journal(const struct map_journal *j, __u32 id);

#endif /* __BPFTOOL_MAP_RECOVER_H */
