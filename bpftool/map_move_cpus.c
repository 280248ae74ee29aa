// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The CPUs that a thread is pinned to */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "map_move_cpus.h"

/* Before another try */
#define PAUSE_MS	10

bool *move_cpu_list(const char *name, unsigned int *nr)
{
	unsigned long from, to;
	bool *set = NULL, *tmp;
	char path[64], *line = NULL, *at;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/%s", name);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	*nr = 0;
	if (getline(&line, &size, f) < 0)
		goto out;
	for (at = line; *at >= '0' && *at <= '9'; at += *at == ',') {
		from = strtoul(at, &at, 10);
		to = *at == '-' ? strtoul(at + 1, &at, 10) : from;
		tmp = realloc(set, to + 1);
		if (!tmp || to < from || from < *nr) {
			free(tmp ? : set);
			set = NULL;
			break;
		}
		set = tmp;
		memset(set + *nr, 0, from - *nr);
		memset(set + from, 1, to + 1 - from);
		*nr = to + 1;
	}
out:
	free(line);
	fclose(f);
	return set;
}

int move_cpu_is_online(unsigned int cpu)
{
	unsigned int nr;
	bool *online = move_cpu_list("online", &nr);
	bool is = online && cpu < nr && online[cpu];

	free(online);

	return online ? is : -ENOENT;
}

int move_cpu_pin(unsigned int cpu)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	struct cpu_mask mask = {};
	int err;

	CPU_SET_S(cpu, sizeof(mask), mask.sets);
	err = sched_setaffinity(0, sizeof(mask), mask.sets) ? -errno : 0;
	/* One that comes or goes is online while no thread may run there */
	if (err == -EINVAL)
		nanosleep(&pause, NULL);

	return err;
}
