/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Reading out, printing and emptying a map that no program uses any more */

#ifndef __BPFTOOL_MAP_DRAIN_H
#define __BPFTOOL_MAP_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "json_writer.h"
#include "map_err.h"
#include "map_swap.h"

/* map_drain_print.c: the same bytes as "bpftool map dump" */

/* What is needed to print maps of one form, kept from one map to the next. It
 * takes longer to make than to print a small map, and the maps of a map-in-map
 * are usually of the same form.
 */
struct drain_form {
	struct btf *btf;	/* NULL: print bytes only */
	struct drain_fast *fast;	/* NULL: this form has no fast way */
	/* Of which maps: type 0 is none */
	__u32 type, key_size, value_size;
	__u32 btf_id, btf_key_type_id, btf_value_type_id;
};

/* What a run prints: one map as "map dump" prints one, or a list of them as
 * it prints several.
 */
struct drain_doc {
	json_writer_t *wtr;	/* NULL: plain text */
	bool own_wtr;		/* wtr is for typed plain output only */
	bool list;
	bool open;		/* begun and not yet ended */
	unsigned int maps;	/* printed so far */
	struct drain_form form;
};

struct drain_printer {
	struct drain_doc *doc;
	const struct bpf_map_info *info;
	/* As in struct drain_form; borrowed, and never freed through this */
	struct btf *btf;
	struct drain_fast *fast;
	FILE *out;
	bool as_dump;		/* go on after an entry that can't be shown */
	unsigned int count;	/* entries printed so far */
	unsigned int told;	/* of these, to drain_progress() */
};

/**
 * drain_doc_init() - get what a document needs; prints nothing yet
 * @list:	print a list of maps
 * @typed:	every map in it has BTF, so that plain output is typed
 *
 * Reports what is wrong. drain_doc_free() is due in either case.
 *
 * Return: 0 or -1.
 */
int drain_doc_init(struct drain_doc *doc, bool list, bool typed);
void drain_doc_free(struct drain_doc *doc);
void drain_doc_begin(struct drain_doc *doc);
/* drain_doc_end() - what stands at the end; 0 once all went out, or -errno */
int drain_doc_end(struct drain_doc *doc);

/* drain_is_typed() - does the map have BTF to print it with? */
bool drain_is_typed(const struct bpf_map_info *info);

/**
 * drain_printer_init() - get everything that printing a map needs
 * @state:	what an error has to tell of the data, NULL before the swap
 *
 * Prints nothing yet. Reports what is wrong. What the printer borrows is there
 * until the next drain_printer_init() or drain_doc_free() of the same document.
 *
 * Return: 0 or -1.
 */
int drain_printer_init(struct drain_printer *p, struct drain_doc *doc,
		       const struct bpf_map_info *info,
		       const struct map_err_state *state);

/* drain_value_size() - bytes that a lookup in such a map returns */
size_t drain_value_size(const struct bpf_map_info *info);
bool drain_is_percpu(const struct bpf_map_info *info);
/* drain_percpu_step() - bytes from one CPU's value to the next one's */
size_t drain_percpu_step(const struct bpf_map_info *info);

/* Where a map in a list came from: slots of a map-in-map; or just that map */
struct drain_label {
	__u32 outer_id;
	__u32 key_size;
	const unsigned char **keys;
	unsigned int nr_keys;	/* 0: the slots are not known any more */
};

/* drain_print_begin() - what stands before the first entry of a map
 * @label:	is not printed but in a list
 */
void drain_print_begin(struct drain_printer *p,
		       const struct drain_label *label);

/**
 * drain_print_entry() - print an entry
 * @key:	its key, NULL for a map that has no keys
 * @value:	its value, or all CPUs' values
 *
 * Return: 0, or -errno if it could not be written or shown in full.
 */
int drain_print_entry(struct drain_printer *p, const void *key,
		      const void *value);

/* drain_print_end() - what stands after the last entry
 * @whole:	false when an error ended it early: closes what is open only
 */
void drain_print_end(struct drain_printer *p, bool whole);

/* map_drain_out.c */

/* drain_out_start() - buffer stdout whole, until drain_out_end() */
void drain_out_start(void);
void drain_out_end(void);

/**
 * drain_out_error() - has anything that was printed failed to go out?
 *
 * To be asked right after something was printed: later errno may tell of another
 * thing. The first error is remembered.
 *
 * Return: 0 or -errno.
 */
int drain_out_error(void);

/* drain_flush() - write out; 0 once all went out, or -errno */
int drain_flush(void);

/* map_drain.c */

/**
 * map_drain() - print every entry of a map; pop them where that is how it is
 * @old:	the map
 * @p:		prints them
 * @what:	where to put what failed, to stand after "can't"
 *
 * Return: 0 once every entry was read and printed, though not yet flushed; or
 * -errno.
 */
int map_drain(const struct map_ref *old, struct drain_printer *p,
	      const char **what);

/**
 * map_drain_batches() - the same, but only if the kernel reads batches of it
 *
 * The map may change meanwhile: what is deleted before it is read is left out.
 *
 * Return: as map_drain(), or 1 if it can't be read so and nothing was printed.
 */
int map_drain_batches(const struct map_ref *old, struct drain_printer *p,
		      const char **what);

/* map_clear() - empty a map; 0 or -errno */
int map_clear(const struct map_ref *map);

#endif /* __BPFTOOL_MAP_DRAIN_H */
