/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The command lines of map swap-drain and map drain */

#ifndef __BPFTOOL_MAP_DRAIN_ARGS_H
#define __BPFTOOL_MAP_DRAIN_ARGS_H

#include <signal.h>
#include <stdbool.h>

#include "map_ref.h"

struct drain_args {
	struct map_ref map;	/* MAP; for swap-drain the map-in-map */
	unsigned char *key;	/* of the slot, map.info.key_size bytes */
	bool all;		/* every filled slot */
	bool recover;		/* only print what other runs left */
	struct map_ref value;	/* the given replacement, fd -1: create one */
	const char *keep;	/* where to pin the drained map, or NULL */
	const char *way;	/* to wait, NULL: the best */
	const char *journal;	/* folder for the pins, NULL: the default */
	const char *since;	/* pin of the last reading, or NULL */
	const char *counters;	/* members or byte ranges, NULL: ask the audit */
	unsigned int timeout_ms;	/* 0: default */
	bool clear;
	bool quiet;
	bool force;
};

/**
 * swap_drain_args() - parse the words after "swap-drain"
 * drain_args() - parse the words after "drain"
 *
 * Report. drain_args_free() is due in either case. Return: 0 or -1.
 */
int swap_drain_args(struct drain_args *args, int argc, char **argv);
int drain_args(struct drain_args *args, int argc, char **argv);
void drain_args_free(struct drain_args *args);

/* drain_parse_seconds() - parse the argument of "timeout". Reports; 0 or -1 */
int drain_parse_seconds(const char *word, unsigned int *ms);

/* drain_check_pin() - can @what, "the map", be pinned there? Reports; 0 or -1 */
int drain_check_pin(const char *path, const char *what);

/* What SIGPIPE and SIGXFSZ did before a run */
struct drain_signals {
	struct sigaction on_pipe, on_limit;
};

/* drain_check_proc() - is /proc, which a verb needs, mounted? Reports; 0 or -1 */
int drain_check_proc(const char *verb);

/**
 * drain_begin() - get ready for output that can be printed only once
 *
 * Checks the standard descriptors, /proc and the rights of the caller, and
 * ignores the two signals until drain_end(). Reports.
 *
 * Return: 0 or -1.
 */
int drain_begin(const char *verb, struct drain_signals *before);

/* drain_end() - undo drain_begin(); returns the verb's result */
int drain_end(int err, const struct drain_signals *before);

#endif /* __BPFTOOL_MAP_DRAIN_ARGS_H */
