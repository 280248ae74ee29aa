/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The class of each byte of a map's values */

#ifndef __BPFTOOL_MAP_WRITERS_BYTES_H
#define __BPFTOOL_MAP_WRITERS_BYTES_H

#include "map_writers.h"

#define AUDIT_DEEP	32	/* of nested types */

struct btf;
struct btf_type;

/* audit_value_btf() - the types of a map's values, to be freed; NULL: it has none */
struct btf *audit_value_btf(const struct map_audit *a);
/* audit_type() - what a type is, by whatever name */
const struct btf_type *audit_type(const struct btf *btf, __u32 id);
/** audit_classify() - from stores to the class of each byte. Return: 0 or -ENOMEM */
int audit_classify(struct map_audit *a);

#endif /* __BPFTOOL_MAP_WRITERS_BYTES_H */
