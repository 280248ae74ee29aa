// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Runs a counting program as fast as it can in several threads:
 *
 *	faults_load OBJECT DIR THREADS
 *
 * Pins DIR/outer, with a map in slot 0, and DIR/a and DIR/b, two more that fit
 * (a is the one in the slot); says "ready"; on SIGTERM stops, and says how
 * often the program ran and how often it had nowhere to count.
 */

#include <err.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define REPEAT	500	/* a grace period can't end in the midst of them */

static bool stop;

static void *run(void *arg)
{
	unsigned char packet[64] = {};

	LIBBPF_OPTS(bpf_test_run_opts, opts,
		    .data_in = packet,
		    .data_size_in = sizeof(packet),
		    .repeat = REPEAT);

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		if (bpf_prog_test_run_opts(*(int *)arg, &opts))
			err(1, "BPF_PROG_TEST_RUN");

	return NULL;
}

static int make_inner(const char *dir, const char *name)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "faults_inner", 4, 8, 64,
				NULL);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (fd < 0 || bpf_obj_pin(fd, path))
		err(1, "%s", path);

	return fd;
}

static unsigned long long counter(int fd, __u32 which)
{
	int cpu, cpus = libbpf_num_possible_cpus();
	__u64 *values = calloc(cpus, sizeof(*values));
	unsigned long long sum = 0;

	if (!values || bpf_map_lookup_elem(fd, &which, values))
		err(1, "counter");
	for (cpu = 0; cpu < cpus; cpu++)
		sum += values[cpu];
	free(values);

	return sum;
}

int main(int argc, char **argv)
{
	int prog_fd, inner_fd, counters_fd, i, threads, sig;
	struct bpf_object *obj;
	pthread_t thread[64];
	char path[PATH_MAX];
	__u32 slot = 0;
	sigset_t set;

	if (argc != 4)
		errx(2, "usage: faults_load OBJECT DIR THREADS");
	threads = atoi(argv[3]);
	if (threads < 1 || threads > 64)
		errx(2, "1 to 64 threads");

	obj = bpf_object__open_file(argv[1], NULL);
	if (!obj || bpf_object__load(obj))
		errx(1, "can't load %s", argv[1]);
	snprintf(path, sizeof(path), "%s/outer", argv[2]);
	if (bpf_map__pin(bpf_object__find_map_by_name(obj, "outer"), path))
		err(1, "%s", path);
	inner_fd = make_inner(argv[2], "a");
	make_inner(argv[2], "b");
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(obj, "outer"),
				&slot, &inner_fd, BPF_ANY))
		err(1, "slot");
	counters_fd = bpf_object__find_map_fd_by_name(obj, "counters");
	prog_fd = bpf_program__fd(bpf_object__next_program(obj, NULL));

	/* Only main() hears of it */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, run, &prog_fd))
			errx(1, "thread");

	puts("ready");
	fflush(stdout);
	sigwait(&set, &sig);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	printf("counted %llu missed %llu\n", counter(counters_fd, 0),
	       counter(counters_fd, 1));

	return 0;
}
