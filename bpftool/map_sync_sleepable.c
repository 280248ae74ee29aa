// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map sync sleepable: wait for sleepable programs after the others */

#include <errno.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "json_writer.h"
#include "main.h"
#include "map_drain_args.h"
#include "map_msg.h"
#include "map_sync_sleepable.h"
#include "map_wait.h"

static bool is_sleepable_way(const char *word)
{
	return !strcmp(word, MAP_WAIT_KFUNC) || !strcmp(word, MAP_WAIT_UPROBE);
}

/* Reports */
static int parse_args(int argc, char **argv, struct map_wait_opts *opts,
		      struct map_wait_sleepable_opts *sleepable)
{
	bool timeout, using;

	for (; argc; argc--, argv++) {
		timeout = **argv && is_prefix(*argv, "timeout");
		using = **argv && is_prefix(*argv, "using");
		if ((!timeout || sleepable->timeout_ms) &&
		    (!using || opts->way || sleepable->way))
			return map_err("what is '%s'?", *argv);
		if (argc == 1)
			return map_err("'%s' needs an argument",
				       timeout ? "timeout" : "using");
		NEXT_ARG();
		if (timeout) {
			if (drain_parse_seconds(*argv, &sleepable->timeout_ms))
				return -1;
		} else if (is_sleepable_way(*argv)) {
			sleepable->way = *argv;
		} else {
			opts->way = *argv;
		}
	}

	return 0;
}

void map_sync_print(const char *way, __u64 us)
{
	jsonw_string_field(json_wtr, "provider", way);
	jsonw_uint_field(json_wtr, "wait_us", us);
}

void map_sync_print_sleepable(const struct map_wait_sleepable *w)
{
	jsonw_name(json_wtr, "sleepable");
	jsonw_start_object(json_wtr);
	map_sync_print(map_wait_sleepable_way(w), map_wait_sleepable_us(w));
	jsonw_end_object(json_wtr);
}

/* Reports */
static int sync_sleepable(int argc, char **argv)
{
	LIBBPF_OPTS(map_wait_sleepable_opts, sleepable_opts);
	LIBBPF_OPTS(map_wait_opts, opts, .log = map_debug_line);
	struct map_wait_sleepable *sleepable = NULL;
	struct map_wait *w = NULL;
	char why[MAP_WAIT_WHY];
	int err;

	if (parse_args(argc, argv, &opts, &sleepable_opts) ||
	    drain_check_proc("map sync sleepable"))
		return -1;

	err = map_wait_open(&w, &opts, why, sizeof(why));
	if (!err)
		err = map_wait_sleepable_open(&sleepable, &sleepable_opts, why,
					      sizeof(why));
	if (!err)
		err = map_wait_run(w, why, sizeof(why));
	if (!err)
		err = map_wait_sleepable_run(sleepable, why, sizeof(why));
	if (err) {
		map_err("%s", why);
	} else if (json_output) {
		jsonw_start_object(json_wtr);
		map_sync_print(map_wait_way(w), map_wait_us(w));
		map_sync_print_sleepable(sleepable);
		jsonw_end_object(json_wtr);
	}
	map_wait_sleepable_close(sleepable);
	map_wait_close(w);

	/* bpftool batch takes a leftover errno for a failure */
	errno = 0;

	return err ? -1 : 0;
}

int do_map_sync_sleepable(int argc, char **argv)
{
	if (argc && **argv && is_prefix(*argv, "sleepable"))
		return sync_sleepable(argc - 1, argv + 1);

	return do_map_sync(argc, argv);
}
