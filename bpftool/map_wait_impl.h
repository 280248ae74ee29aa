/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the files of map_wait have in common */

#ifndef __MAP_WAIT_IMPL_H
#define __MAP_WAIT_IMPL_H

#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include <linux/types.h>

#include "map_wait.h"

/* One way to wait */
struct map_wait_kind {
	const char *name;
	/* Does the running kernel have it? Sets up what wait() needs, outside
	 * of the time that is measured. Returns 0, or -errno with @why.
	 */
	int (*prepare)(struct map_wait *w, char *why, size_t size);
	/* Returns 0 only when the wait took place, or -errno with @why */
	int (*wait)(struct map_wait *w, char *why, size_t size);
};

struct map_wait {
	struct map_wait_opts opts;
	const struct map_wait_kind *kind, *sleepable;
	__u64 us, sleepable_us;
	/* map_in_map_update */
	int outer, inner[2];
	unsigned int updates;
	/* uprobe */
	int uprobe_type, prog, canary;
	bool proven;
};

/* map_wait_fail() - put a reason into @why and return @err */
int map_wait_fail(int err, char *why, size_t size, const char *fmt, ...);

/* map_wait_log() - hand a line to opts.log */
void map_wait_log(const struct map_wait *w, const char *fmt, ...);

/* map_wait_sleepable.c; ends with NULL */
extern const struct map_wait_kind * const map_wait_sleepable_kinds[];

/* Make sure that the way for sleepable programs waits on this kernel */
int map_wait_prove(struct map_wait *w, char *why, size_t size);

/* map_wait_canary.c */

struct map_wait_limit {
	__u64 until;		/* as map_wait_now_us() */
	int cancel_fd;
};

/* map_wait_sooner() - @ms from now, or @l if that is earlier */
struct map_wait_limit map_wait_sooner(const struct map_wait_limit *l, __u64 ms);

/* map_wait_readable() - wait until @fd can be read from
 *
 * Returns 0, -ETIMEDOUT, -ECANCELED or -errno.
 */
int map_wait_readable(const struct map_wait_limit *l, int fd);

/* Whoever is killed lets it out */
struct map_wait_canary {
	void *page;
	size_t page_size;
	int prog, uffd;
	int err;		/* of the run, or what the program returned */
	pthread_t thread;
};

/* map_wait_canary_start() - run it until it is held
 *
 * Returns 0, to be ended then; or -errno and nothing is left.
 */
int map_wait_canary_start(struct map_wait_canary *c, int prog,
			  const struct map_wait_limit *l);

/* map_wait_canary_end() - let it out
 *
 * Returns 0 if it was inside until then, or why it was not.
 */
int map_wait_canary_end(struct map_wait_canary *c);

static inline __u64 map_wait_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return (__u64)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

#endif /* __MAP_WAIT_IMPL_H */
