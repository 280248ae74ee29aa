// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* load: count events into a map-in-map as fast as the CPUs can
 *
 *	load --object FILE --pins DIR [OPTION...]
 *
 *	--object FILE	load.bpf.o
 *	--pins DIR	an empty folder on a bpffs; pins "outer"
 *	--outer KIND	array (default) or hash
 *	--inner TYPE	of the maps in the slots (default: hash)
 *	--slots N	filled slots, keys 0 to N-1 (default: 1)
 *	--threads N	default: the CPUs online
 *	--bytes		no types for what is in the maps in the slots
 *	--turns		pins the map in slot 0 as "turn0", and another one like
 *			it as "turn1"
 *	--sleepable	by a program that may sleep, an event a call: it reads a page
 *			of user space, whose faults take a while
 *	--plain		counts into an ordinary map as well, pinned as "plain"
 *
 * Prints "ready" when the threads run, runs until stdin is closed or SIGTERM
 * or SIGINT comes, and ends with a report, one line of JSON: events counted,
 * those that found no inner map (missed) or could not be counted in it
 * (failed). So the slots hold or did hold counted - missed - failed events.
 * The pins stay.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "fault.h"
#include "inner.h"
#include "shared.h"
#include "opts.h"

/* Events a system call. All of them are one RCU critical section, and the
 * longer that is, the fewer swaps there are.
 */
#define EVENTS_A_CALL	1000

#define MAX_THREADS	1024

#define FAULT_US	20000

static const char *object, *pins;
static bool outer_hash, turns, plain, sleepable, stop;
static __u32 slots = 1, threads;
static struct inner_template inner = { .type = BPF_MAP_TYPE_HASH };
static struct bpf_object *obj;
static int prog_fd, uffd;

static void parse(char **argv)
{
	const char *outer = "array", *type = "hash";
	const struct opt opts[] = {
		{ "object", .text = &object },
		{ "pins", .text = &pins },
		{ "outer", .text = &outer },
		{ "inner", .text = &type },
		{ "slots", .num = &slots },
		{ "threads", .num = &threads },
		{ "turns", .flag = &turns },
		{ "bytes", .flag = &inner.no_types },
		{ "plain", .flag = &plain },
		{ "sleepable", .flag = &sleepable },
		{}
	};

	threads = sysconf(_SC_NPROCESSORS_ONLN);
	if (*parse_opts(argv, opts))
		errx(2, "too many words");
	outer_hash = !strcmp(outer, "hash");
	inner.type = map_type(type);
	if (!object || !pins || !slots || !threads || threads > MAX_THREADS)
		errx(2, "bad arguments");
}

static struct bpf_map *map_of(const char *name)
{
	return bpf_object__find_map_by_name(obj, name);
}

static void load_object(void)
{
	/* Only that one, or the map would have sleepable users */
	const char *name = sleepable ? "load_sleepable" : "load";
	struct load_config *config;
	struct bpf_program *prog;
	size_t size;

	obj = bpf_object__open_file(object, NULL);
	if (!obj)
		err(1, "can't open %s", object);

	/* const in older libbpf, although it is there to be written to */
	config = (void *)bpf_map__initial_value(map_of(".data"), &size);
	if (!config || size != sizeof(*config))
		errx(1, "no settings in %s", object);
	config->slots = slots;
	config->plain = plain;

	/* Room for two keys where one is meant: elements that are being
	 * deleted may still take some
	 */
	if (bpf_map__set_max_entries(map_of("outer"), slots) ||
	    bpf_map__set_max_entries(map_of("plain"), 2 * LOAD_KEYS) ||
	    inner_set_template(&inner, obj, outer_hash, 2 * LOAD_KEYS))
		err(1, "can't set up the maps");
	bpf_object__for_each_program(prog, obj)
		bpf_program__set_autoload(prog,
					  !strcmp(bpf_program__name(prog), name));
	if (bpf_object__load(obj))
		err(1, "can't load %s", object);
	prog_fd = bpf_program__fd(bpf_object__find_program_by_name(obj, name));
}

static void pin(int fd, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", pins, name);
	if (bpf_obj_pin(fd, path))
		err(1, "%s", path);
}

static void fill_and_pin(void)
{
	int outer = bpf_map__fd(map_of("outer")), fd;
	__u32 slot;

	for (slot = 0; slot < slots; slot++) {
		fd = inner_create(&inner, "load_inner");
		if (fd < 0 || bpf_map_update_elem(outer, &slot, &fd, BPF_ANY))
			err(1, "can't fill slot %u", slot);
		if (turns && !slot)
			pin(fd, "turn0");
		close(fd);
	}
	pin(outer, "outer");
	if (plain)
		pin(bpf_map__fd(map_of("plain")), "plain");
	if (turns)
		pin(inner_create(&inner, "load_inner"), "turn1");
}

/* Answers the faults of all threads, each after a while */
static void *answer_faults(void *arg)
{
	struct uffd_msg msg;

	while (read(uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		struct uffdio_zeropage zero = {
			.range.start = msg.arg.pagefault.address &
				       -(__u64)FAULT_PAGE_SIZE,
			.range.len = FAULT_PAGE_SIZE,
		};

		usleep(FAULT_US);
		ioctl(uffd, UFFDIO_ZEROPAGE, &zero);
	}

	return NULL;
}

/* The page is not there for the first event */
static int run_sleepable(struct sleep_args *args)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args,
		    .ctx_size_in = sizeof(*args));
	int i, err;

	err = madvise((void *)args->page, FAULT_PAGE_SIZE, MADV_DONTNEED);
	for (i = 0; !err && i < EVENTS_A_CALL; i++)
		err = bpf_prog_test_run_opts(prog_fd, &opts);

	return err;
}

static void *run_program(void *arg)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = EVENTS_A_CALL);
	struct sleep_args args = {};
	char packet[64] = {};

	if (sleepable)
		args.page = (unsigned long)fault_page(uffd, NULL);
	opts.data_in = packet;
	opts.data_size_in = sizeof(packet);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		opts.data_size_out = 0;
		if (sleepable ? run_sleepable(&args) :
				bpf_prog_test_run_opts(prog_fd, &opts))
			err(1, "can't run the program");
	}

	return NULL;
}

/* poll() is to be interrupted, that is all */
static void ignore(int sig)
{
}

static void report(void)
{
	int fd = bpf_map__fd(map_of("counters"));

	printf("{\"counted\":%llu,\"missed\":%llu,\"failed\":%llu}\n",
	       inner_read(fd, BPF_MAP_TYPE_PERCPU_ARRAY, LOAD_COUNTED),
	       inner_read(fd, BPF_MAP_TYPE_PERCPU_ARRAY, LOAD_MISSED),
	       inner_read(fd, BPF_MAP_TYPE_PERCPU_ARRAY, LOAD_FAILED));
}

int main(int argc, char **argv)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	pthread_t thread[MAX_THREADS], answers;
	sigset_t set, unblocked;
	unsigned int i;

	parse(argv);
	load_object();
	fill_and_pin();

	/* Blocked in the threads as well: a signal would cut a run short */
	signal(SIGTERM, ignore);
	signal(SIGINT, ignore);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, &unblocked);

	if (sleepable) {
		uffd = fault_open();
		if (uffd < 0 || pthread_create(&answers, NULL, answer_faults, NULL))
			err(1, "can't answer page faults");
	}
	for (i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, run_program, NULL))
			errx(1, "can't start thread %u", i);
	printf("ready\n");
	fflush(stdout);
	ppoll(&in, 1, NULL, &unblocked);

	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	report();

	return 0;
}
