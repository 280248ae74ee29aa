// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* wait_use: calls map_wait as a C program does; linked with libbpf and the
 * library alone
 *
 *	wait_use CASE
 *
 * Exit status: 0 if all is as it should be.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "map_wait.h"
#include "map_wait_sleepable.h"
#include "now.h"

#define THREADS	8
#define RUNS	4

#define CHECK(cond)							\
	do {								\
		if (!(cond)) {						\
			fprintf(stderr, "line %d: not so: %s\n",	\
				__LINE__, #cond);			\
			exit(1);					\
		}							\
	} while (0)

static unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int nr = 0;

	while (readdir(dir))
		nr++;
	closedir(dir);

	return nr;
}

static void defaults(void)
{
	struct map_wait *w;

	CHECK(!map_wait(NULL));
	CHECK(!map_wait_open(&w, NULL, NULL, 0));
	CHECK(!map_wait_run(w, NULL, 0));
	CHECK(map_wait_us(w));
	CHECK(strstr(MAP_WAIT_WAYS, map_wait_way(w)));
	map_wait_close(w);
	map_wait_close(NULL);
}

/* The trace tells whether the two inner maps take turns */
static void turns(void)
{
	LIBBPF_OPTS(map_wait_opts, opts, .way = MAP_WAIT_UPDATE);
	struct map_wait *w;
	int i;

	CHECK(!map_wait_open(&w, &opts, NULL, 0));
	CHECK(map_wait_by_update(w));
	for (i = 0; i < RUNS; i++)
		CHECK(!map_wait_run(w, NULL, 0));
	map_wait_close(w);
}

static void options(void)
{
	struct {
		struct map_wait_opts opts;
		char more[8];
	} later = { .opts = { .sz = sizeof(later) } };
	LIBBPF_OPTS(map_wait_sleepable_opts, sleepable);
	LIBBPF_OPTS(map_wait_opts, opts, .way = "none");
	char why[MAP_WAIT_WHY] = "";
	struct map_wait *w;

	CHECK(map_wait_open(&w, &opts, why, sizeof(why)) == -EINVAL);
	CHECK(strstr(why, "unknown provider 'none'") && !w);
	opts.way = MAP_WAIT_MEMBARRIER;
	opts.sz = 2;
	CHECK(map_wait(&opts) == -EINVAL);

	/* A later header's struct may be larger, an earlier one's smaller */
	CHECK(!map_wait(&later.opts));
	later.more[7] = 1;
	CHECK(map_wait(&later.opts) == -EINVAL);
	opts.sz = offsetof(struct map_wait_opts, way);
	CHECK(!map_wait(&opts));

	/* One byte is enough for no text */
	opts.sz = sizeof(opts);
	opts.way = "none";
	CHECK(map_wait_open(&w, &opts, why, 1) == -EINVAL && !*why);

	sleepable.way = MAP_WAIT_MEMBARRIER;
	CHECK(map_wait_sleepable(&sleepable) == -EINVAL);
	sleepable.sz = 2;
	CHECK(map_wait_sleepable(&sleepable) == -EINVAL);
}

static void *one_thread(void *arg)
{
	int i;

	for (i = 0; i < RUNS / 2; i++)
		if (map_wait(NULL) || map_wait_sleepable(NULL))
			return arg;

	return NULL;
}

static void threads(void)
{
	unsigned int before = open_fds();
	pthread_t ids[THREADS];
	void *failed;
	int i;

	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&ids[i], NULL, one_thread, ids));
	for (i = 0; i < THREADS; i++) {
		CHECK(!pthread_join(ids[i], &failed));
		CHECK(!failed);
	}
	CHECK(open_fds() == before);
}

static sig_atomic_t children;

static void on_child(int sig)
{
	children++;
}

/* Whatever the caller does with children, and with its memory */
static void callers(void)
{
	CHECK(!map_wait_sleepable(NULL));
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	signal(SIGCHLD, SIG_IGN);
	CHECK(!map_wait_sleepable(NULL));
	signal(SIGCHLD, on_child);
	CHECK(!map_wait_sleepable(NULL));
	CHECK(!mlockall(MCL_CURRENT | MCL_FUTURE));
	CHECK(!map_wait_sleepable(NULL));
}

/* The update of a slot is the wait, so the other way is proven before it */
static void after_update(void)
{
	LIBBPF_OPTS(map_wait_opts, opts, .way = MAP_WAIT_UPDATE,
		    .after_update = true);
	unsigned int before = open_fds();
	struct map_wait_sleepable *sleepable;
	unsigned long long start = now_us();
	struct map_wait *w;

	CHECK(!map_wait_open(&w, &opts, NULL, 0));
	CHECK(!map_wait_sleepable_open(&sleepable, NULL, NULL, 0));
	CHECK(!map_wait_sleepable_prove(sleepable, NULL, 0));
	CHECK(now_us() - start > 100000);
	CHECK(!map_wait_us(w) && !map_wait_sleepable_us(sleepable));
	CHECK(!map_wait_run(w, NULL, 0) && !map_wait_us(w));
	CHECK(!map_wait_sleepable_run(sleepable, NULL, 0));
	CHECK(map_wait_sleepable_us(sleepable) > 50000);
	CHECK(!strcmp(map_wait_sleepable_way(sleepable), MAP_WAIT_UPROBE));
	map_wait_sleepable_close(sleepable);
	map_wait_close(w);
	CHECK(open_fds() == before);
}

/* Run while a sleepable program is held */
static void limits(void)
{
	LIBBPF_OPTS(map_wait_sleepable_opts, opts, .timeout_ms = 300);
	struct map_wait_sleepable *w;
	unsigned long long start = now_us();
	__u64 one = 1;
	int fd;

	CHECK(map_wait_sleepable(&opts) == -ETIMEDOUT);
	CHECK(now_us() - start >= 300000 && now_us() - start < 2000000);

	fd = eventfd(0, 0);
	CHECK(fd > 0 && write(fd, &one, sizeof(one)) == sizeof(one));
	opts.cancel_fd = fd;
	opts.timeout_ms = 0;
	start = now_us();
	CHECK(map_wait_sleepable(&opts) == -ECANCELED);
	CHECK(now_us() - start < 2000000);
	close(fd);

	/* What is held can't keep the proof from succeeding */
	opts.cancel_fd = 0;
	opts.timeout_ms = 5000;
	start = now_us();
	CHECK(!map_wait_sleepable_open(&w, &opts, NULL, 0));
	CHECK(!map_wait_sleepable_prove(w, NULL, 0));
	CHECK(now_us() - start < 4000000);
	map_wait_sleepable_close(w);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "defaults", defaults },
	{ "turns", turns },
	{ "options", options },
	{ "threads", threads },
	{ "callers", callers },
	{ "after_update", after_update },
	{ "limits", limits },
};

int main(int argc, char **argv)
{
	unsigned int i;

	for (i = 0; argc == 2 && i < sizeof(cases) / sizeof(*cases); i++) {
		if (strcmp(argv[1], cases[i].name))
			continue;
		cases[i].run();
		return 0;
	}

	return 2;
}
