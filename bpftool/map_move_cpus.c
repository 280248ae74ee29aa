// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The CPUs that a thread is pinned to */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/libbpf_internal.h>

#include "map_move_impl.h"

/* Before another try */
#define PAUSE_MS	10

bool *move_cpu_list(const char *name, int *nr)
{
	char path[64], *line = NULL;
	bool *set = NULL;
	size_t size = 0;
	FILE *f;

	*nr = 0;
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/%s", name);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	if (getline(&line, &size, f) >= 0)
		parse_cpu_mask_str(line, &set, nr);
	free(line);
	fclose(f);

	return set;
}

int move_cpu_is_online(int cpu)
{
	int nr;
	bool *online = move_cpu_list("online", &nr);
	bool is = online && cpu < nr && online[cpu];

	free(online);

	return online ? is : -ENOENT;
}

int move_cpu_pin(int cpu)
{
	struct cpu_mask mask = {};
	int err;

	CPU_SET_S(cpu, sizeof(mask), mask.sets);
	err = sched_setaffinity(0, sizeof(mask), mask.sets) ? -errno : 0;
	/* While it comes or goes, a CPU is online but no thread may run there */
	if (err == -EINVAL)
		usleep(PAUSE_MS * 1000);

	return err;
}
