/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A map-in-map, outer, with a map of one counter, first, in its slot FIRST_SLOT.
 * Included after the types of the kernel.
 */
#ifndef OUTER_BPF_H
#define OUTER_BPF_H

#include "maps.bpf.h"

#ifndef OUTER_SLOTS
#define OUTER_SLOTS	4
#define FIRST_SLOT	0
#endif

struct_map(inner, ARRAY, 1, __u32, __u64) first SEC(".maps");
MAP_OF_MAPS(outer, ARRAY, OUTER_SLOTS, __u32, inner) = {
	.values = { [FIRST_SLOT] = &first },
};

#endif /* OUTER_BPF_H */
