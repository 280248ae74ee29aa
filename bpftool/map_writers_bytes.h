/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The class of each byte of a map's values */

#ifndef __BPFTOOL_MAP_WRITERS_BYTES_H
#define __BPFTOOL_MAP_WRITERS_BYTES_H

#include "map_writers.h"

/** audit_classify() - from stores to the class of each byte. Return: 0 or -ENOMEM */
int audit_classify(struct map_audit *a);

#endif /* __BPFTOOL_MAP_WRITERS_BYTES_H */
