/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Errors of the map verbs that must stay valid JSON whatever is in them */

#ifndef __BPFTOOL_MAP_ERR_H
#define __BPFTOOL_MAP_ERR_H

#include <stdbool.h>
#include <stdio.h>

#include <linux/compiler.h>

/* What a reader must know of the data when something failed after the swap */
struct map_err_state {
	bool swapped;		/* the slot holds the replacement by now */
	const char *pinned;	/* where the old map is; NULL: not pinned */
	bool to_stderr;		/* stdout failed, or is complete already */
};

/**
 * map_err() - report an error, as p_err() does
 * @fmt:	format of the message
 *
 * Unlike p_err() it escapes the message in JSON, so that a file name or a
 * keyword with a quote in it can't break the document.
 */
void __printf(1, 2) map_err(const char *fmt, ...);

/**
 * map_err_state() - report an error together with where the data is
 * @state:	what to tell after the message, with JSON as fields; NULL before
 *		the swap, when there is nothing to tell
 * @fmt:	format of the message
 */
void __printf(2, 3) map_err_state(const struct map_err_state *state,
				  const char *fmt, ...);

/** map_debug() - say something on stderr when -d was given, also with -j */
void __printf(1, 2) map_debug(const char *fmt, ...);

/** map_warn() - say something on stderr, also with -j */
void __printf(1, 2) map_warn(const char *fmt, ...);

#endif /* __BPFTOOL_MAP_ERR_H */
