// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* late: run a command while a BPF program is inside a map
 *
 *	late [OPTION...] -- COMMAND [ARG...]
 *
 *	--object FILE	late.bpf.o
 *	--pins DIR	an empty folder on a bpffs; "outer", or "selector",
 *			"first" and "second" are there while it runs
 *	--report FILE	what was seen, as JSON
 *	--selector	the program selects one of two maps by an index
 *	--outer KIND	array (default) or hash
 *	--inner TYPE	of the map in the slot (default: hash)
 *	--enter HOW	raw_tp (default), tc or iter: the kind of program
 *	--spin-ms N	how long the program stays inside (default: 1000)
 *	--not-cpu N	the program does not run on that CPU, if there is another
 *	--again		when it has left it goes in again, as long as it finds
 *			the same map: for commands that do more than wait
 *
 * The program runs in a thread on a CPU of its own, and the command on the
 * others. With one CPU they have to share it.
 *
 * In the report: did the command start while the program was inside, had it
 * left when the command ended, and when did it leave for the last time and the
 * command end (microseconds of CLOCK_MONOTONIC); how often the program was
 * inside, and what its counter was in the end.
 *
 * Exit status: 0 when there is a report, 77 when the kernel lacks something.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

#include <linux/types.h>

#include "inner.h"
#include "late.h"
#include "opts.h"
#include "run.h"

#define INSIDE_TIMEOUT_MS	60000

struct late {
	const char *object, *pins, *report;
	const char *how;		/* it is entered */
	bool by_selector, outer_hash, again;
	struct inner_template inner;
	__u32 spin_ms;
	int not_cpu;			/* -1: any will do */
	char **command;

	struct bpf_object *obj;
	struct late_state *state;
	int prog_fd, map_fd;		/* the map that the program adds to */
	struct bpf_link *iter;		/* NULL: entered by a test run */
	cpu_set_t prog_cpu, other_cpus;	/* none: there is one CPU only */

	int run_err;
	bool started_inside, left_at_exit, ended;
	__u64 exit_us;
	int status;			/* of the command */
};

static void parse(struct late *l, char **argv)
{
	const char *outer = "array", *inner = "hash", *not_cpu = "-1";
	const struct opt opts[] = {
		{ "object", .text = &l->object },
		{ "pins", .text = &l->pins },
		{ "report", .text = &l->report },
		{ "selector", .flag = &l->by_selector },
		{ "outer", .text = &outer },
		{ "inner", .text = &inner },
		{ "enter", .text = &l->how },
		{ "not-cpu", .text = &not_cpu },
		{ "again", .flag = &l->again },
		{ "spin-ms", .num = &l->spin_ms },
		{}
	};

	l->command = parse_opts(argv, opts);
	l->outer_hash = !strcmp(outer, "hash");
	l->inner.type = map_type(inner);
	l->not_cpu = atoi(not_cpu);
	if (!l->object || !l->pins || !l->report || !*l->command ||
	    l->inner.type < 0)
		errx(2, "bad arguments");
}

static struct bpf_map *map_of(const struct late *l, const char *name)
{
	return bpf_object__find_map_by_name(l->obj, name);
}

static int open_object(struct late *l)
{
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_loop,
				    NULL) == 0) {
		fprintf(stderr, "the kernel has no bpf_loop()\n");
		exit(EXIT_SKIP);
	}

	l->obj = bpf_object__open_file(l->object, NULL);
	if (!l->obj)
		return -1;

	if (l->outer_hash &&
	    bpf_map__set_type(map_of(l, "outer"), BPF_MAP_TYPE_HASH_OF_MAPS))
		return -1;
	if (inner_set_template(&l->inner, l->obj, map_of(l, "outer"), 16))
		return -1;

	return bpf_object__load(l->obj);
}

static int fill_slot(struct late *l)
{
	struct bpf_map *outer = map_of(l, "outer");
	const __u32 slot = 0;

	if (l->by_selector) {
		l->inner.type = bpf_map__type(map_of(l, "first"));
		l->map_fd = bpf_map__fd(map_of(l, "first"));
		return inner_write(l->map_fd, l->inner.type, LATE_MARK, 1);
	}

	l->map_fd = inner_create(&l->inner, "late_inner");
	if (l->map_fd < 0 ||
	    inner_write(l->map_fd, l->inner.type, LATE_MARK, 1))
		return -1;

	return bpf_map_update_elem(bpf_map__fd(outer), &slot, &l->map_fd,
				   BPF_ANY);
}

static int map_state(struct late *l)
{
	l->state = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
			MAP_SHARED, bpf_map__fd(map_of(l, "state")), 0);
	if (l->state == MAP_FAILED)
		return -1;
	l->state->by_selector = l->by_selector;
	l->state->spin_ns = l->spin_ms * 1000000ULL;

	return 0;
}

static const char * const to_pin[] = { "outer", "selector", "first", "second" };

/* The first one, or the others */
static int pin_maps(struct late *l, bool pin)
{
	char path[4096];
	int i;

	for (i = l->by_selector; i < (l->by_selector ? 4 : 1); i++) {
		snprintf(path, sizeof(path), "%s/%s", l->pins, to_pin[i]);
		if (!pin)
			unlink(path);
		else if (bpf_obj_pin(bpf_map__fd(map_of(l, to_pin[i])), path))
			return -1;
	}

	return 0;
}

/* The program's CPU lets nothing else run until it left: the command must not
 * be waiting for that one.
 */
static int split_cpus(struct late *l)
{
	int cpu;

	if (sched_getaffinity(0, sizeof(l->other_cpus), &l->other_cpus))
		return -1;
	CPU_ZERO(&l->prog_cpu);
	if (CPU_COUNT(&l->other_cpus) == 1)
		return 0;

	cpu = CPU_SETSIZE - 1;
	while (!CPU_ISSET(cpu, &l->other_cpus) || cpu == l->not_cpu)
		cpu--;
	CPU_CLR(cpu, &l->other_cpus);
	CPU_SET(cpu, &l->prog_cpu);

	return sched_setaffinity(0, sizeof(l->other_cpus), &l->other_cpus);
}

static __u64 read_flag(const __u64 *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

/* Read in this order: in between it may leave, but not go in unseen */
static bool is_inside(const struct late *l)
{
	__u64 left = read_flag(&l->state->left);

	return read_flag(&l->state->inside) != left;
}

static int run_once(const struct late *l)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	char packet[64] = {};
	ssize_t n;
	int fd;

	if (l->iter) {
		fd = bpf_iter_create(bpf_link__fd(l->iter));
		if (fd < 0)
			return -1;
		n = read(fd, packet, sizeof(packet));
		close(fd);
		return n < 0 ? -1 : 0;
	}

	if (!strcmp(l->how, "tc")) {
		opts.data_in = packet;
		opts.data_size_in = sizeof(packet);
		opts.repeat = 1;
	}

	return bpf_prog_test_run_opts(l->prog_fd, &opts);
}

static void *run_program(void *arg)
{
	struct late *l = arg;
	__u64 before;

	if (CPU_COUNT(&l->prog_cpu))
		sched_setaffinity(0, sizeof(l->prog_cpu), &l->prog_cpu);
	do {
		before = read_flag(&l->state->inside);
		if (run_once(l)) {
			__atomic_store_n(&l->run_err, errno, __ATOMIC_RELEASE);
			break;
		}
	} while (l->again && read_flag(&l->state->inside) != before &&
		 !__atomic_load_n(&l->ended, __ATOMIC_ACQUIRE));

	return NULL;
}

static int wait_until_inside(struct late *l)
{
	int ms;

	for (ms = 0; ms < INSIDE_TIMEOUT_MS; ms++) {
		if (read_flag(&l->state->inside))
			return 0;
		if (read_flag(&l->state->error) ||
		    __atomic_load_n(&l->run_err, __ATOMIC_ACQUIRE))
			break;
		usleep(1000);
	}

	fprintf(stderr, "late: the program did not run: %s\n",
		l->run_err ? strerror(l->run_err) : "it found no map");
	return -1;
}

static void watch_command(struct late *l)
{
	struct timespec now;

	l->started_inside = is_inside(l);
	l->status = run_command(l->command);

	/* Ordering, not timing: the flag first, before the time goes on */
	l->left_at_exit = !is_inside(l);
	clock_gettime(CLOCK_MONOTONIC, &now);
	l->exit_us = now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

static int report(struct late *l)
{
	FILE *f = fopen(l->report, "w");

	if (!f)
		return -1;
	fprintf(f, "{\"started_inside\":%s,\"left_at_exit\":%s,",
		l->started_inside ? "true" : "false",
		l->left_at_exit ? "true" : "false");
	fprintf(f, "\"left_us\":%llu,\"exit_us\":%llu,\"status\":%d,",
		l->state->left_ns / 1000, l->exit_us, l->status);
	fprintf(f, "\"runs\":%llu,\"final\":%llu}\n", l->state->left,
		inner_read(l->map_fd, l->inner.type, LATE_KEY));

	return fclose(f);
}

static int run(struct late *l)
{
	struct bpf_program *prog;
	pthread_t thread;
	char name[32];
	int err;

	snprintf(name, sizeof(name), "late_%s", l->how);
	prog = bpf_object__find_program_by_name(l->obj, name);
	if (!prog) {
		fprintf(stderr, "late: there is no program %s\n", name);
		return -1;
	}
	l->prog_fd = bpf_program__fd(prog);
	if (!strcmp(l->how, "iter")) {
		l->iter = bpf_program__attach_iter(prog, NULL);
		if (!l->iter) {
			perror("late: can't attach the iterator");
			return -1;
		}
	}
	if (pthread_create(&thread, NULL, run_program, l))
		return -1;

	err = wait_until_inside(l);
	if (!err)
		watch_command(l);
	__atomic_store_n(&l->ended, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);

	return err ?: report(l);
}

int main(int argc, char **argv)
{
	struct late l = {
		.how = "raw_tp",
		.spin_ms = 1000,
		.map_fd = -1,
	};
	int err;

	parse(&l, argv);

	err = open_object(&l) || fill_slot(&l) || map_state(&l) ||
	      pin_maps(&l, true) || split_cpus(&l);
	if (err)
		perror("late: can't set up");
	else
		err = run(&l);

	pin_maps(&l, false);
	bpf_link__destroy(l.iter);
	bpf_object__close(l.obj);
	return err ? 1 : 0;
}
