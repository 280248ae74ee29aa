// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map sync: wait until no running program still uses what it got from
 * a map before the call.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "json_writer.h"
#include "main.h"
#include "map_err.h"
#include "map_sync.h"
#include "map_sync_providers.h"

#define WHY_MAX	256

__u64 map_sync_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return (__u64)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static bool provider_works(const struct map_sync_provider *p, bool update,
			   char *why, size_t size)
{
	if (p->probe(why, size))
		return false;
	if (p->prepare && !(update && p->by_update) && p->prepare(why, size))
		return false;

	return true;
}

const struct map_sync_provider *map_sync_choose(const char *name, bool update)
{
	char tried[ERR_MAX_LEN] = "", why[WHY_MAX];
	const struct map_sync_provider *p;
	bool known = false;
	size_t len = 0;
	int i;

	for (i = 0; map_sync_providers[i]; i++) {
		p = map_sync_providers[i];
		if (name && strcmp(name, p->name))
			continue;
		known = true;

		if (provider_works(p, update, why, sizeof(why))) {
			map_debug("provider %s: used", p->name);
			return p;
		}

		map_debug("provider %s: passed over, %s", p->name, why);
		len += snprintf(tried + len, sizeof(tried) - len, "%s%s (%s)",
				len ? ", " : "", p->name, why);
		if (len >= sizeof(tried))
			len = sizeof(tried) - 1;
	}

	if (!known)
		map_err("unknown provider '%s', expected one of: "
			MAP_SYNC_PROVIDER_NAMES, name);
	else if (name)
		map_err("can't wait with %s", tried);
	else
		map_err("can't wait for running programs, no provider works: %s",
			tried);

	return NULL;
}

int map_sync_wait(const struct map_sync_provider *p, __u64 *wait_us,
		  char *why, size_t size)
{
	__u64 start = map_sync_now_us();
	int err;

	err = p->wait(why, size);
	*wait_us = map_sync_now_us() - start;

	return err;
}

void map_sync_done(const struct map_sync_provider *p)
{
	if (p && p->release)
		p->release();
}

static int parse_args(int argc, char **argv, const char **name)
{
	*name = NULL;
	if (!argc)
		return 0;

	if (!**argv || !is_prefix(*argv, "using")) {
		map_err("unknown keyword '%s', expected 'using': map sync takes no MAP, it waits for all programs",
			*argv);
		return -1;
	}
	NEXT_ARG();
	if (!argc) {
		map_err("'using' needs the name of a provider");
		return -1;
	}
	*name = GET_ARG();

	if (argc) {
		map_err("what is '%s'?", *argv);
		return -1;
	}

	return 0;
}

int do_map_sync(int argc, char **argv)
{
	const struct map_sync_provider *p;
	char why[WHY_MAX];
	const char *name;
	__u64 wait_us;
	int err;

	if (parse_args(argc, argv, &name))
		return -1;

	p = map_sync_choose(name, false);
	if (!p)
		return -1;

	err = map_sync_wait(p, &wait_us, why, sizeof(why));
	map_sync_done(p);
	if (err) {
		map_err("can't wait with %s: %s", p->name, why);
		return -1;
	}

	map_debug("provider %s: waited %llu us", p->name, wait_us);
	if (json_output) {
		jsonw_start_object(json_wtr);
		jsonw_string_field(json_wtr, "provider", p->name);
		jsonw_uint_field(json_wtr, "wait_us", wait_us);
		jsonw_end_object(json_wtr);
	}

	/* bpftool batch takes a leftover errno for a failure */
	errno = 0;
	return 0;
}
