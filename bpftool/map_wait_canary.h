/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A sleepable program of ours, held in a page fault */

#ifndef __MAP_WAIT_CANARY_H
#define __MAP_WAIT_CANARY_H

#include <pthread.h>
#include <stddef.h>

#include <linux/types.h>

struct map_wait_limit {
	__u64 until;		/* as map_wait_now_us() */
	int cancel_fd;		/* 0: none */
};

/* map_wait_sooner() - @ms from now, or @l if that is earlier */
struct map_wait_limit map_wait_sooner(const struct map_wait_limit *l, __u64 ms);

/* map_wait_readable() - wait until @fd can be read from
 *
 * Returns 0, -ETIMEDOUT, -ECANCELED or -errno.
 */
int map_wait_readable(const struct map_wait_limit *l, int fd);

/* Killing the process lets it out */
struct map_wait_canary {
	void *page;
	size_t page_size;
	int prog, uffd;
	int err;		/* of the run, or what the program returned */
	pthread_t thread;
};

/* map_wait_canary_load() - load the program; returns a descriptor or -errno */
int map_wait_canary_load(void);

/* map_wait_canary_start() - run it until it is held
 *
 * Returns 0, and map_wait_canary_end() is due; or -errno, -EAGAIN if it could
 * not be held this time.
 */
int map_wait_canary_start(struct map_wait_canary *c, int prog,
			  const struct map_wait_limit *l);

/* map_wait_canary_end() - let it out
 *
 * Returns 0 if it was inside until then, or why it was not.
 */
int map_wait_canary_end(struct map_wait_canary *c);

#endif /* __MAP_WAIT_CANARY_H */
