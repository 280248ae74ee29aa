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

#include "inner.h"
#include "now.h"
#include "opts.h"
#include "run.h"
#include "shared.h"

#define INSIDE_TIMEOUT_MS	60000

static const char *object, *pins, *report_file;
static const char *how = "raw_tp";		/* the program is entered */
static bool by_selector, outer_hash, again;
static struct inner_template inner;
static __u32 spin_ms = 1000;
static int not_cpu;			/* -1: any will do */
static char **command;

static struct bpf_object *obj;
static struct late_state *state;
static int prog_fd, map_fd;		/* the map that the program adds to */
static struct bpf_link *iter;		/* NULL: entered by a test run */
static cpu_set_t prog_cpu, other_cpus;	/* none: there is one CPU only */
static bool ended;

static void parse(char **argv)
{
	const char *outer = "array", *type = "hash", *cpu = "-1";
	const struct opt opts[] = {
		{ "object", .text = &object },
		{ "pins", .text = &pins },
		{ "report", .text = &report_file },
		{ "selector", .flag = &by_selector },
		{ "outer", .text = &outer },
		{ "inner", .text = &type },
		{ "enter", .text = &how },
		{ "not-cpu", .text = &cpu },
		{ "again", .flag = &again },
		{ "spin-ms", .num = &spin_ms },
		{}
	};

	command = parse_opts(argv, opts);
	outer_hash = !strcmp(outer, "hash");
	inner.type = map_type(type);
	not_cpu = atoi(cpu);
	if (!object || !pins || !report_file || !*command)
		errx(2, "bad arguments");
}

static struct bpf_map *map_of(const char *name)
{
	return bpf_object__find_map_by_name(obj, name);
}

static void load_object(void)
{
	struct bpf_program *prog;
	char name[32];

	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_loop,
				    NULL) == 0)
		errx(EXIT_SKIP, "the kernel has no bpf_loop()");

	obj = bpf_object__open_file(object, NULL);
	if (!obj || inner_set_template(&inner, obj, outer_hash, 16) ||
	    bpf_object__load(obj))
		err(1, "can't load %s", object);
	snprintf(name, sizeof(name), "late_%s", how);
	prog = bpf_object__find_program_by_name(obj, name);
	if (!prog)
		errx(1, "there is no program %s", name);
	prog_fd = bpf_program__fd(prog);
	if (!strcmp(how, "iter")) {
		iter = bpf_program__attach_iter(prog, NULL);
		if (!iter)
			err(1, "can't attach the iterator");
	}
}

static void fill_slot(void)
{
	const __u32 slot = 0;

	if (by_selector) {
		inner.type = bpf_map__type(map_of("first"));
		map_fd = bpf_map__fd(map_of("first"));
	} else {
		map_fd = inner_create(&inner, "late_inner");
	}
	if (map_fd < 0 || inner_write(map_fd, inner.type, LATE_MARK, 1) ||
	    (!by_selector &&
	     bpf_map_update_elem(bpf_map__fd(map_of("outer")), &slot, &map_fd,
				 BPF_ANY)))
		err(1, "can't fill the slot");
}

static void map_state(void)
{
	state = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
		     MAP_SHARED, bpf_map__fd(map_of("state")), 0);
	if (state == MAP_FAILED)
		err(1, "can't map the state");
	state->by_selector = by_selector;
	state->spin_ns = spin_ms * 1000000ULL;
}

/* The first one, or the others */
static const char * const to_pin[] = { "outer", "selector", "first", "second" };

static const char *pin_path(int i)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", pins, to_pin[i]);
	return path;
}

static void unpin_maps(void)
{
	int i;

	for (i = 0; i < 4; i++)
		unlink(pin_path(i));
}

static void pin_maps(void)
{
	int i;

	atexit(unpin_maps);
	for (i = by_selector; i < (by_selector ? 4 : 1); i++)
		if (bpf_obj_pin(bpf_map__fd(map_of(to_pin[i])), pin_path(i)))
			err(1, "can't pin %s", to_pin[i]);
}

/* The program's CPU lets nothing else run until it left: the command must not
 * be waiting for that one.
 */
static void split_cpus(void)
{
	int cpu = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof(other_cpus), &other_cpus))
		err(1, "can't tell the CPUs");
	if (CPU_COUNT(&other_cpus) == 1)
		return;

	while (!CPU_ISSET(cpu, &other_cpus) || cpu == not_cpu)
		cpu--;
	CPU_CLR(cpu, &other_cpus);
	CPU_SET(cpu, &prog_cpu);
	if (sched_setaffinity(0, sizeof(other_cpus), &other_cpus))
		err(1, "can't leave CPU %d", cpu);
}

static __u64 read_flag(const __u64 *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

/* Read in this order: in between it may leave, but not go in unseen */
static bool is_inside(void)
{
	__u64 left = read_flag(&state->left);

	return read_flag(&state->inside) != left;
}

static int run_once(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	char packet[64] = {};
	ssize_t n;
	int fd;

	if (iter) {
		fd = bpf_iter_create(bpf_link__fd(iter));
		if (fd < 0)
			return -1;
		n = read(fd, packet, sizeof(packet));
		close(fd);
		return n < 0 ? -1 : 0;
	}

	if (!strcmp(how, "tc")) {
		opts.data_in = packet;
		opts.data_size_in = sizeof(packet);
		opts.repeat = 1;
	}

	return bpf_prog_test_run_opts(prog_fd, &opts);
}

static void *run_program(void *arg)
{
	__u64 before;

	if (CPU_COUNT(&prog_cpu))
		sched_setaffinity(0, sizeof(prog_cpu), &prog_cpu);
	do {
		before = read_flag(&state->inside);
		if (run_once())
			err(1, "the program did not run");
	} while (again && read_flag(&state->inside) != before &&
		 !__atomic_load_n(&ended, __ATOMIC_ACQUIRE));

	return NULL;
}

static void wait_until_inside(void)
{
	int ms;

	for (ms = 0; ms < INSIDE_TIMEOUT_MS; ms++) {
		if (read_flag(&state->inside))
			return;
		if (read_flag(&state->error))
			break;
		usleep(1000);
	}

	errx(1, "the program did not run, or found no map");
}

int main(int argc, char **argv)
{
	bool started_inside, left_at_exit;
	unsigned long long exit_us;
	pthread_t thread;
	int status;
	FILE *f;

	parse(argv);
	load_object();
	fill_slot();
	map_state();
	pin_maps();
	split_cpus();
	if (pthread_create(&thread, NULL, run_program, NULL))
		errx(1, "can't start a thread");
	wait_until_inside();

	started_inside = is_inside();
	status = run_command(command);
	/* Ordering, not timing: the flag first, before the time goes on */
	left_at_exit = !is_inside();
	exit_us = now_us();
	__atomic_store_n(&ended, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);

	f = fopen(report_file, "w");
	if (!f)
		err(1, "%s", report_file);
	fprintf(f, "{\"started_inside\":%s,\"left_at_exit\":%s,",
		started_inside ? "true" : "false", left_at_exit ? "true" : "false");
	fprintf(f, "\"left_us\":%llu,\"exit_us\":%llu,\"status\":%d,",
		state->left_ns / 1000, exit_us, status);
	fprintf(f, "\"runs\":%llu,\"final\":%llu}\n", state->left,
		inner_read(map_fd, inner.type, LATE_KEY));

	return fclose(f) ? 1 : 0;
}
