// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The BTF of the maps that map_make creates; never loaded as a program */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "map_btf.h"

SEC("tc")
int types(struct map_value *a, struct counters_key *b, struct counters_value *c,
	  struct flow_key *d, struct flow_value *e)
{
	return 0;
}

SEC("tc")
int more_types(struct float_value *a, struct lock_value *b)
{
	return 0;
}
