// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: many calls that wait, waiting together */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
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

/* To start them costs more than to wait with them: they stay for the next piece
 * of work, and end with the process.
 */
static struct {
	unsigned int started;
	struct work *work;
	sem_t go, done;
} pool;

static void work_on(struct work *work)
{
	unsigned int i;

	for (;;) {
		i = __atomic_fetch_add(&work->next, 1, __ATOMIC_RELAXED);
		if (i >= work->nr)
			return;
		work->fn(i, work->ctx);
	}
}

static void wait_for(sem_t *sem)
{
	while (sem_wait(sem))
		;	/* a signal's handler came between */
}

static void *worker(void *unused)
{
	for (;;) {
		wait_for(&pool.go);
		work_on(pool.work);
		sem_post(&pool.done);
	}

	return unused;
}

/* Starts more threads, at most so many, each of which begins to work at once: the
 * first ones wait together while the last ones are not there yet. Signals are for
 * the thread that knows what to say of them. Returns how many.
 */
static unsigned int start_threads(unsigned int wanted)
{
	unsigned int before_that = pool.started;
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;

	if (!pool.started) {
		sem_init(&pool.go, 0, 0);
		sem_init(&pool.done, 0, 0);
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	/* Some machines want more */
	if (pthread_attr_setstacksize(&attr, THREAD_STACK))
		pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	while (pool.started < THREADS_MAX &&
	       pool.started - before_that < wanted &&
	       !pthread_create(&thread, &attr, worker, NULL)) {
		pool.started++;
		sem_post(&pool.go);
	}
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);

	return pool.started - before_that;
}

void run_in_threads(unsigned int nr, void (*fn)(unsigned int i, void *ctx),
		    void *ctx)
{
	struct work work = { .nr = nr, .fn = fn, .ctx = ctx };
	unsigned int i, helpers = 0;

	pool.work = &work;
	for (; helpers < pool.started && helpers + 1 < nr; helpers++)
		sem_post(&pool.go);
	if (helpers + 1 < nr)
		helpers += start_threads(nr - 1 - helpers);

	/* This one works too: without any other thread it is only slow */
	work_on(&work);
	for (i = 0; i < helpers; i++)
		wait_for(&pool.done);
}
