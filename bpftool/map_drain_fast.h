/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Printing the entries of a map fast, in the same bytes */

#ifndef __BPFTOOL_MAP_DRAIN_FAST_H
#define __BPFTOOL_MAP_DRAIN_FAST_H

#include "map_drain.h"

/* main.c */
extern bool pretty_output;

/* map_drain_print.c */

/* drain_print_slowly() - print an entry through bpftool's writers; 0, -errno */
int drain_print_slowly(struct drain_printer *p, const void *key,
		       const void *value);

/* drain_print_typed() - print its typed form alone; 0 or -errno */
int drain_print_typed(struct drain_printer *p, const void *key,
		      const void *value);

/* map_drain_fast.c */

/**
 * drain_fast_new() - find a fast way to print the entries of a map
 *
 * The first entry must be printed by drain_print_slowly() all the same.
 *
 * Return: NULL if there is none that prints the same bytes.
 */
struct drain_fast *drain_fast_new(struct drain_printer *p);
void drain_fast_free(struct drain_fast *f);
void drain_fast_entry(struct drain_fast *f, const void *key, const void *value);

/* map_drain_flat.c */

struct drain_flat;

/**
 * drain_flat_new() - flatten the BTF types of a map into a list of steps
 * @depth:	how deep the object that stands for an entry is nested
 * @pretty:	indent
 *
 * Return: NULL for types that it does not cover.
 */
struct drain_flat *drain_flat_new(struct drain_printer *p, int depth,
				  bool pretty);
void drain_flat_free(struct drain_flat *flat);
void drain_flat_entry(const struct drain_flat *flat, FILE *out,
		      const void *key, const void *value);

#endif /* __BPFTOOL_MAP_DRAIN_FAST_H */
