// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map sync: wait until no running program still uses what it got from
 * a map before the call.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "json_writer.h"
#include "main.h"
#include "map_msg.h"
#include "map_wait.h"

/* Reports */
static int parse_timeout(int argc, char **argv, struct map_wait_opts *opts)
{
	unsigned long seconds = 0;
	char *end = NULL;

	if (!opts->sleepable)
		return map_err("'timeout' goes with 'sleepable': the other wait is short");
	if (!argc)
		return map_err("'timeout' needs a number of seconds");
	if (isdigit(**argv))
		seconds = strtoul(*argv, &end, 10);
	if (!seconds || *end || seconds > UINT_MAX / 1000)
		return map_err("timeout '%s' is not a number of seconds from 1 to %u",
			       *argv, UINT_MAX / 1000);
	opts->timeout_ms = seconds * 1000;

	return 0;
}

/* The word is not the next keyword; reports */
static int unexpected(const char *word, const struct map_wait_opts *opts)
{
	if (opts->way || opts->sleepable)
		map_err("what is '%s'?", word);
	else
		map_err("unknown keyword '%s', expected 'sleepable' or 'using': map sync takes no MAP, it waits for all programs",
			word);

	return -1;
}

/* Reports */
static int parse_args(int argc, char **argv, struct map_wait_opts *opts)
{
	for (; argc; argc--, argv++) {
		if (!**argv) {
			return unexpected(*argv, opts);
		} else if (is_prefix(*argv, "sleepable") && !opts->sleepable) {
			opts->sleepable = true;
		} else if (is_prefix(*argv, "timeout") && !opts->timeout_ms) {
			NEXT_ARG();
			if (parse_timeout(argc, argv, opts))
				return -1;
		} else if (is_prefix(*argv, "using") && !opts->way) {
			NEXT_ARG();
			if (!argc)
				return map_err("'using' needs the name of a provider");
			opts->way = *argv;
		} else {
			return unexpected(*argv, opts);
		}
	}

	return 0;
}

static void print_wait(const char *way, __u64 us)
{
	jsonw_string_field(json_wtr, "provider", way);
	jsonw_uint_field(json_wtr, "wait_us", us);
}

static void print_result(const struct map_wait *w)
{
	const char *sleepable = map_wait_sleepable_way(w);

	if (!json_output)
		return;

	jsonw_start_object(json_wtr);
	print_wait(map_wait_way(w), map_wait_us(w));
	if (sleepable) {
		jsonw_name(json_wtr, "sleepable");
		jsonw_start_object(json_wtr);
		print_wait(sleepable, map_wait_sleepable_us(w));
		jsonw_end_object(json_wtr);
	}
	jsonw_end_object(json_wtr);
}

int do_map_sync(int argc, char **argv)
{
	LIBBPF_OPTS(map_wait_opts, opts, .log = map_debug_line);
	char why[MAP_WAIT_WHY];
	struct map_wait *w;
	int err;

	if (parse_args(argc, argv, &opts))
		return -1;

	err = map_wait_open(&w, &opts, why, sizeof(why)) ? :
	      map_wait_run(w, why, sizeof(why));
	if (err)
		map_err("%s", why);
	else
		print_result(w);
	map_wait_close(w);
	if (err)
		return -1;

	/* bpftool batch takes a leftover errno for a failure */
	errno = 0;
	return 0;
}
