/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A map-in-map, outer, with a map of one counter, first, in its slot FIRST_SLOT.
 * Included after the types of the kernel.
 */
#ifndef OUTER_BPF_H
#define OUTER_BPF_H

#include <bpf/bpf_helpers.h>

#ifndef OUTER_SLOTS
#define OUTER_SLOTS	4
#define FIRST_SLOT	0
#endif

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, OUTER_SLOTS);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [FIRST_SLOT] = &first },
};

#endif /* OUTER_BPF_H */
