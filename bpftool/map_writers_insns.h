/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Following a program: one instruction */

#ifndef __BPFTOOL_MAP_WRITERS_INSNS_H
#define __BPFTOOL_MAP_WRITERS_INSNS_H

#include "map_writers_flow.h"

void walk_plain_store(struct walk *w, unsigned int i, const struct value *v);
void walk_atomic(struct walk *w, unsigned int i);
void walk_alu(struct walk *w, unsigned int i);
void walk_load_imm64(struct walk *w, unsigned int i);
void walk_jump(struct walk *w, unsigned int i, __s64 off);

#endif /* __BPFTOOL_MAP_WRITERS_INSNS_H */
