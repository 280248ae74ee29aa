/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Messages of the map verbs
 *
 * What functions of the map verbs return, and who reports an error:
 *
 * - A function returns 0 or a negative errno and prints nothing. Some have a
 *   positive result too; their comment says so.
 * - A function whose comment says "Reports" has printed exactly one error when
 *   it returns -1. It never returns another negative number.
 *
 * map_err() and map_err_at() return -1, so that the second kind can end in
 * "return map_err(...)".
 */

#ifndef __BPFTOOL_MAP_MSG_H
#define __BPFTOOL_MAP_MSG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include <linux/compiler.h>

/* Where the data is after a map was taken from the programs */
struct map_place {
	const char *pinned;	/* path of the pin, or of the folder of several */
	const char *journal;	/* folder for "recover", NULL: the default */
	bool moved;		/* by map drain; else a slot was swapped */
	bool to_stderr;		/* stdout failed, or is complete already */
};

/**
 * map_err_at() - print an error that tells where the data is
 * @at:		the place; NULL, or without a path, as long as no map was touched
 * @fmt:	format of the message
 *
 * The message ends with the command that prints the data. In JSON the path and
 * the command are the members "pinned" and "recover".
 *
 * Return: -1
 */
int __printf(2, 3) map_err_at(const struct map_place *at, const char *fmt, ...);

/* map_err() - print an error as p_err() does; returns -1
 * map_err_stderr() - the same to stderr, with -j too, as stdout can't be used
 */
#define map_err(...)		map_err_at(NULL, __VA_ARGS__)
#define map_err_stderr(...)	\
	map_err_at(&(const struct map_place){ .to_stderr = true }, __VA_ARGS__)

/* map_warn() - print a warning to stderr, with -j too */
void __printf(1, 2) map_warn(const char *fmt, ...);

/* map_debug() - print to stderr if -d was given, with -j too */
void __printf(1, 2) map_debug(const char *fmt, ...);

/* map_debug_line() - the same, as the log callback of map_wait */
void map_debug_line(void *ctx, const char *line);

/* map_place_text() - "old map is pinned at PATH; ..." with the command to print
 * it; for a terminal
 */
#define MAP_PLACE_TEXT	(5 * PATH_MAX + 128)
void map_place_text(const struct map_place *at, char text[MAP_PLACE_TEXT]);

/* map_recover_command() - the command that prints what is in a journal, quoted
 * for a shell; @journal as in struct map_place
 */
void map_recover_command(const char *journal, char *cmd, size_t size);

#endif /* __BPFTOOL_MAP_MSG_H */
