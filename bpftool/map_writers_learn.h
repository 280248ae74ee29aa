/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which call is which helper */

#ifndef __BPFTOOL_MAP_WRITERS_LEARN_H
#define __BPFTOOL_MAP_WRITERS_LEARN_H

#include "map_writers_state.h"

/* audit_learn_map() - learn what calls get maps of a type */
void audit_learn_map(struct map_audit *a, __u32 type);
/* audit_learn_usual() - learn some other calls. Return: false if there are no more */
bool audit_learn_usual(struct map_audit *a);

#endif /* __BPFTOOL_MAP_WRITERS_LEARN_H */
