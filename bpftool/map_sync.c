// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map sync: wait until no running program still uses what it got from a map */

#include <errno.h>
#include <stdio.h>

#include <bpf/libbpf.h>

#include "json_writer.h"
#include "main.h"
#include "map_wait.h"

static void log_line(__maybe_unused void *ctx, const char *line)
{
	fprintf(stderr, "%s\n", line);
}

int do_map_sync(int argc, char **argv)
{
	/* -d is kept in verifier_logs */
	LIBBPF_OPTS(map_wait_opts, opts, .log = verifier_logs ? log_line : NULL);
	char why[MAP_WAIT_WHY];
	struct map_wait *w;
	int err;

	if (argc && **argv && is_prefix(*argv, "using")) {
		NEXT_ARG();
		if (!argc) {
			p_err("'using' needs the name of a provider");
			return -1;
		}
		opts.way = GET_ARG();
	}
	if (argc) {
		p_err("unknown keyword '%s': map sync takes no MAP, it waits for all running programs",
		      *argv);
		return -1;
	}

	err = map_wait_open(&w, &opts, why, sizeof(why));
	if (!err)
		err = map_wait_run(w, why, sizeof(why));
	if (err) {
		p_err("%s", why);
	} else if (json_output) {
		jsonw_start_object(json_wtr);
		jsonw_string_field(json_wtr, "provider", map_wait_way(w));
		jsonw_uint_field(json_wtr, "wait_us", map_wait_us(w));
		jsonw_end_object(json_wtr);
	}
	map_wait_close(w);

	/* bpftool batch takes a leftover errno for a failure */
	errno = 0;

	return err ? -1 : 0;
}
