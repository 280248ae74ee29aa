// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The selector pattern under load: threads make system calls that a program
 * counts, while two counters take turns. A counter that was switched away from
 * and waited for is final; whatever is added to it later is a late write. The
 * switch is an update of an ordinary array, so nothing but the command waits.
 *
 * usage: sync_load OBJECT SECONDS THREADS SPIN [nowait]
 */
#include <err.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "sync_guest.h"

#define MAX_THREADS	64

static const __u32 key;
static bool stop;

static void *make_calls(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		syscall(SYS_getppid);
	return NULL;
}

static __u64 read_counter(int fd)
{
	__u64 value = 0;

	if (bpf_map_lookup_elem(fd, &key, &value))
		exit(1);
	return value;
}

/* One turn; returns how much was added to the counter after the wait */
static __u64 turn(int shared_fd, struct load_shared *shared, const int *counters,
		  bool wait)
{
	int old = counters[shared->active];
	__u64 final;

	shared->active = !shared->active;
	if (bpf_map_update_elem(shared_fd, &key, shared, BPF_ANY))
		exit(1);
	if (wait && bpf_sync_map_access())
		err(1, "can't wait");
	final = read_counter(old);
	/* Time for a late writer to show itself */
	usleep(2000);
	return read_counter(old) - final;
}

static void run(struct bpf_object *obj, struct load_shared *shared, int seconds,
		int threads, bool wait)
{
	const int counters[2] = {
		bpf_object__find_map_fd_by_name(obj, "counter0"),
		bpf_object__find_map_fd_by_name(obj, "counter1"),
	};
	int i, fd = bpf_object__find_map_fd_by_name(obj, "shared");
	time_t end = time(NULL) + seconds;
	pthread_t ids[MAX_THREADS];
	__u64 late = 0, begun;
	unsigned long turns = 0;

	for (i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, make_calls, NULL))
			exit(1);
	while (time(NULL) < end) {
		late += turn(fd, shared, counters, wait);
		turns++;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);

	begun = read_counter(bpf_object__find_map_fd_by_name(obj, "begun"));
	printf("calls %llu lost %lld turns %lu late %llu\n", (unsigned long long)begun,
	       (long long)(begun - read_counter(counters[0]) -
			   read_counter(counters[1])),
	       turns, (unsigned long long)late);
}

int main(int argc, char **argv)
{
	struct load_shared shared = { .target_pid = getpid() };
	struct bpf_object *obj;
	int threads;

	if (argc < 5)
		return 1;
	threads = atoi(argv[3]);
	if (threads < 1 || threads > MAX_THREADS)
		return 1;
	shared.spin = atoi(argv[4]);

	obj = bpf_object__open(argv[1]);
	if (!obj || bpf_object__load(obj))
		return 1;
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(obj, "shared"),
				&key, &shared, BPF_ANY))
		return 1;
	if (!bpf_program__attach(bpf_object__find_program_by_name(obj, "count")))
		return 1;

	run(obj, &shared, atoi(argv[2]), threads,
	    !(argc > 5 && !strcmp(argv[5], "nowait")));
	return 0;
}
