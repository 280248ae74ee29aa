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

static __always_inline __u64 *value_in(void *map_in_map, const void *slot)
{
	__u32 zero = 0;
	void *inner = bpf_map_lookup_elem(map_in_map, slot);

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

#endif /* OUTER_BPF_H */
