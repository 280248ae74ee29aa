// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Issues the command from many processes at once, as fast as it goes.
 *
 * usage: sync_hammer PROCESSES SECONDS
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "now.h"

struct result {
	unsigned long calls;
	unsigned long failed;
	unsigned long longest_us;
};

static void hammer(struct result *r, unsigned long end)
{
	unsigned long start, us;

	while ((start = now_us()) < end) {
		if (bpf_sync_map_access())
			r->failed++;
		r->calls++;
		us = now_us() - start;
		if (us > r->longest_us)
			r->longest_us = us;
	}
}

int main(int argc, char **argv)
{
	int i, n = argc == 3 ? atoi(argv[1]) : 0;
	struct result *results, all = {};
	unsigned long end;

	if (n < 1)
		return 1;
	results = mmap(NULL, n * sizeof(*results), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (results == MAP_FAILED)
		return 1;

	end = now_us() + atoi(argv[2]) * 1000000UL;
	for (i = 0; i < n; i++) {
		if (fork())
			continue;
		hammer(&results[i], end);
		exit(0);
	}
	while (wait(NULL) > 0 || errno == EINTR)
		;

	for (i = 0; i < n; i++) {
		/* One that never got its turn has been starved */
		if (!results[i].calls)
			all.failed++;
		all.calls += results[i].calls;
		all.failed += results[i].failed;
		if (results[i].longest_us > all.longest_us)
			all.longest_us = results[i].longest_us;
	}
	printf("processes %d calls %lu failed %lu longest_us %lu\n", n, all.calls,
	       all.failed, all.longest_us);
	return !!all.failed;
}
