/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Printing maps: the same bytes as "bpftool map dump" */

#ifndef __BPFTOOL_MAP_PRINT_H
#define __BPFTOOL_MAP_PRINT_H

#include <stdbool.h>

#include <linux/bpf.h>

#include "json_writer.h"

struct btf;

/* A line on the terminal with the progress of a long run. It is shown only if the
 * run takes more than a second, stderr is a terminal, and stdout is a file or a
 * device: a pipe may end in a pager on the same terminal.
 */
struct map_progress {
	bool on;
	bool shown;		/* and not yet erased */
	unsigned long long entries;
	unsigned long long start_ms, next_ms;
};

void map_progress_start(struct map_progress *pr);
/* map_progress() - one more entry was printed */
void map_progress(struct map_progress *pr);
/* map_progress_hide() - erase the line, before something else goes to stderr */
void map_progress_hide(struct map_progress *pr);

/* The output of a run: one map, as "map dump" prints it, or a list of maps */
struct map_doc {
	json_writer_t *wtr;	/* NULL: plain text; ours where that is typed */
	bool list;
	unsigned int maps;	/* printed so far */
	int err;		/* first error of stdout, 0 or -errno */
	/* The types of the map that was printed last: the maps of a map-in-map
	 * usually share them.
	 */
	struct btf *btf;	/* NULL: not all of them can be printed */
	__u32 btf_id, key_type_id, value_type_id;
	struct map_progress progress;
};

struct map_printer {
	struct map_doc *doc;
	const struct bpf_map_info *info;
	struct btf *btf;	/* the document's, NULL: print bytes only */
	unsigned int count;	/* entries printed so far */
	/* Entries for which it returns true are skipped. NULL: none are. */
	bool (*skip)(const void *key, const void *value, void *ctx);
	void *skip_ctx;
};

/**
 * map_doc_init() - get what a document needs; prints nothing yet
 * @list:	print a list of maps
 * @typed:	every map in it has BTF, so that plain output is typed
 *
 * Reports. map_doc_free() is due in either case. Return: 0 or -1.
 */
int map_doc_init(struct map_doc *doc, bool list, bool typed);
void map_doc_free(struct map_doc *doc);
void map_doc_begin(struct map_doc *doc);
/* map_doc_end() - print the end; 0 once all was written, or -errno */
int map_doc_end(struct map_doc *doc);

/* map_is_typed() - does the map have BTF to print it with? */
bool map_is_typed(const struct bpf_map_info *info);

/**
 * map_printer_init() - get what printing a map needs; prints nothing yet
 *
 * The printer is valid until the next map_printer_init() or map_doc_free() of
 * the same document. Return: 0 or -errno.
 */
int map_printer_init(struct map_printer *p, struct map_doc *doc,
		     const struct bpf_map_info *info);

/* Where a map in a list came from: slots of a map-in-map; or just that map */
struct map_label {
	__u32 outer_id;
	__u32 key_size;
	const unsigned char **keys;
	unsigned int nr_keys;	/* 0: the slots are no longer known */
};

/* map_print_begin() - print what goes before the first entry of a map
 * @label:	printed only in a list
 */
void map_print_begin(struct map_printer *p, const struct map_label *label);

/**
 * map_print_entry() - print an entry
 * @key:	its key, NULL for a map that has no keys
 * @value:	its value, or all CPUs' values
 *
 * Return: 0, or -errno if it could not be written.
 */
int map_print_entry(struct map_printer *p, const void *key, const void *value);

/* map_print_end() - print what goes after the last entry
 * @whole:	false if an error ended it early: only close what is open
 */
void map_print_end(struct map_printer *p, bool whole);

/* map_stdout_flush() - flush; 0 once all was written, or -errno */
int map_stdout_flush(void);

#endif /* __BPFTOOL_MAP_PRINT_H */
