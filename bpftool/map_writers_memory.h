/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Following a program: the content of memory, and stores */

#ifndef __BPFTOOL_MAP_WRITERS_MEMORY_H
#define __BPFTOOL_MAP_WRITERS_MEMORY_H

#include "map_writers_flow.h"

/* walk_for_copies() - make all values with a mark like @like; NULL: remove the mark */
void walk_for_copies(struct state *st, const struct value *like, __u32 copy);
void walk_mark_copy(struct state *st, struct value *v, unsigned int insn);
unsigned int walk_access_size(__u8 code);
bool walk_is_ours(const struct walk *w, const struct value *v, __u16 kind);
bool walk_range(struct walk *w, const struct value *base, __s64 off,
		unsigned int size, struct map_store *range);
struct value walk_data(__u32 from, __u32 to);
bool walk_stack_dirty(struct walk *w, const struct value *base, unsigned int size,
		      struct value *sum);
void walk_store_stack(struct walk *w, const struct value *base, __s64 off,
		      const struct value *v, unsigned int size, bool sure);
struct value walk_load(struct walk *w, const struct value *base, __s64 off,
		       unsigned int size, unsigned int insn);
void walk_store(struct walk *w, const struct value *base, __s64 off,
		const struct value *v, unsigned int size, struct map_store *s,
		  unsigned int insn);
void walk_store_ours(struct walk *w, const struct value *base, __s64 off,
		     struct map_store *s, unsigned int size, unsigned int insn);

/* Does memory on the stack hold an address in a value of MAP? */
bool walk_stack_points(struct walk *w, const struct value *base, unsigned int size);

#endif /* __BPFTOOL_MAP_WRITERS_MEMORY_H */
