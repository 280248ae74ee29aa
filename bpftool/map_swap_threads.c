// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: many calls that wait, waiting together */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "map_swap_threads.h"

/* More of them were slower again */
#define THREADS_MAX	256
#define THREAD_STACK	65536

bool batch_waits_once(void)
{
	struct utsname uts;
	int major, minor;

	if (uname(&uts) ||
	    sscanf(uts.release, "%d.%d", &major, &minor) != 2)
		return false;

	return major > 6 || (major == 6 && minor >= 8);
}

struct work {
	unsigned int nr;
	unsigned int next;	/* taken by whoever comes first */
	void (*fn)(unsigned int i, void *ctx);
	void *ctx;
};

static void *work_on(void *arg)
{
	struct work *work = arg;
	unsigned int i;

	for (;;) {
		i = __atomic_fetch_add(&work->next, 1, __ATOMIC_RELAXED);
		if (i >= work->nr)
			return NULL;
		work->fn(i, work->ctx);
	}
}

void run_in_threads(unsigned int nr, void (*fn)(unsigned int i, void *ctx),
		    void *ctx)
{
	struct work work = { .nr = nr, .fn = fn, .ctx = ctx };
	pthread_t threads[THREADS_MAX];
	pthread_attr_t attr;
	unsigned int i, started;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	for (started = 0; started < THREADS_MAX && started + 1 < nr; started++)
		if (pthread_create(&threads[started], &attr, work_on, &work))
			break;
	pthread_attr_destroy(&attr);

	/* This one works too: without any other thread it is only slow */
	work_on(&work);
	for (i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}
