// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* wq_hold: run a command while a bpf_wq callback is inside a map
 *
 *	wq_hold OBJECT DIR COMMAND [ARG...]
 *
 * The callback, of wq_callback.bpf.c, has looked a value up and spins until
 * the command has ended; then it adds 1000 to the value. It has a CPU for itself, if
 * there are others, but not $NOT_CPU. The object's maps are pinned in DIR.
 *
 * Exit status: the command's; 77 when the callback lets nothing else run, as
 * on one CPU with a kernel that does not preempt.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mman.h>

#include <linux/types.h>

#include "reach_load.h"
#include "shared.h"

#define TIMEOUT_MS	60000

static bool wait_for(const __u64 *flag)
{
	int ms;

	for (ms = 0; ms < TIMEOUT_MS; ms++) {
		if (__atomic_load_n(flag, __ATOMIC_ACQUIRE))
			return true;
		usleep(1000);
	}

	return false;
}

static struct wq_state *map_state(struct bpf_object *obj)
{
	int fd = bpf_object__find_map_fd_by_name(obj, "state");
	void *at;

	at = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
		  MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

static void *run_program(void *arg)
{
	char packet[64] = {};

	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		    .data_size_in = sizeof(packet), .repeat = 1);

	if (bpf_prog_test_run_opts(*(int *)arg, &opts))
		perror("wq_hold: can't run the program");

	return NULL;
}

/* The callback runs on the CPU of its program. What a kernel that does not preempt
 * has put there too would not run until it ends.
 */
static int start(struct bpf_object *obj, struct wq_state *state)
{
	static int fd;
	cpu_set_t last, others;
	pthread_attr_t attr;
	pthread_t thread;
	const char *not = getenv("NOT_CPU");
	int cpu = CPU_SETSIZE - 1;

	fd = bpf_program__fd(bpf_object__find_program_by_name(obj, "wq_start"));
	if (sched_getaffinity(0, sizeof(others), &others))
		return -1;
	while (cpu && (!CPU_ISSET(cpu, &others) || (not && cpu == atoi(not))))
		cpu--;
	CPU_ZERO(&last);
	CPU_SET(cpu, &last);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(last), &last);
	if (CPU_COUNT(&others) > 1)
		CPU_CLR(cpu, &others);
	if (sched_setaffinity(0, sizeof(others), &others) ||
	    pthread_create(&thread, &attr, run_program, &fd))
		return -1;
	if (wait_for(&state->inside))
		return 0;

	errno = ECANCELED;
	return -1;
}

int main(int argc, char **argv)
{
	struct wq_state *state;
	struct bpf_object *obj;
	int status;

	if (argc < 4)
		return 2;

	obj = reach_load(argv[1], "wq_start", argv[2]);
	if (!obj) {
		perror("wq_hold: can't load the program");
		return 1;
	}
	state = map_state(obj);
	if (!state || start(obj, state)) {
		perror("wq_hold: the callback did not run");
		return 1;
	}

	status = run_command(argv + 3);
	__atomic_store_n(&state->release, 1, __ATOMIC_RELEASE);
	if (!wait_for(&state->left)) {
		fprintf(stderr, "wq_hold: the callback did not end\n");
		return 1;
	}
	if (state->overdue) {
		fprintf(stderr, "the callback let nothing else run\n");
		return EXIT_SKIP;
	}

	return status;
}
