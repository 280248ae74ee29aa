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
static void start(struct bpf_object *obj, struct wq_state *state)
{
	static int fd;
	cpu_set_t last, others;
	pthread_attr_t attr;
	pthread_t thread;
	const char *not = getenv("NOT_CPU");
	int cpu = CPU_SETSIZE - 1;

	fd = bpf_program__fd(bpf_object__find_program_by_name(obj, "wq_start"));
	if (sched_getaffinity(0, sizeof(others), &others))
		err(1, "can't tell the CPUs");
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
		err(1, "can't create a thread");
	if (!wait_for(&state->inside))
		errx(1, "the callback did not run");
}

int main(int argc, char **argv)
{
	struct wq_state *state;
	struct bpf_object *obj;
	int status;

	if (argc < 4)
		return 2;

	obj = reach_load(argv[1], "wq_start", argv[2]);
	if (!obj)
		err(1, "can't load the program");
	state = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
		     bpf_object__find_map_fd_by_name(obj, "state"), 0);
	if (state == MAP_FAILED)
		err(1, "can't map the state");
	start(obj, state);

	status = run_command(argv + 3);
	__atomic_store_n(&state->release, 1, __ATOMIC_RELEASE);
	if (!wait_for(&state->left))
		errx(1, "the callback did not end");
	if (state->overdue)
		errx(EXIT_SKIP, "the callback let nothing else run");

	return status;
}
