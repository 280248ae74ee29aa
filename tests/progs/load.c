// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* load: count events into a map-in-map as fast as the CPUs can
 *
 *	load --object FILE --pins DIR [OPTION...]
 *
 *	--object FILE	load.bpf.o
 *	--pins DIR	an empty folder on a bpffs; pins "outer" and "counters"
 *	--outer KIND	array (default) or hash
 *	--inner TYPE	of the maps in the slots (default: hash)
 *	--slots N	filled slots, keys 0 to N-1 (default: 1)
 *	--keys N	keys that are counted, 0 to N-1 (default: 64)
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
 * (failed), threads, milliseconds. So the slots hold or did hold
 * counted - missed - failed events. The pins stay.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "fault.h"
#include "inner.h"
#include "load.h"
#include "opts.h"

/* Events a system call. All of them are one RCU critical section, and the
 * longer that is, the fewer swaps there are.
 */
#define EVENTS_A_CALL	1000

#define MAX_THREADS	1024

#define FAULT_US	20000

struct load {
	const char *object, *pins;
	bool outer_hash, turns, bytes, plain, sleepable;
	__u32 slots, keys, threads;
	struct inner_template inner;

	struct bpf_object *obj;
	int prog_fd, uffd;
	pthread_t thread[MAX_THREADS];
	bool stop;
	int run_err;
};

static struct load l = {
	.inner.type = BPF_MAP_TYPE_HASH,
	.slots = 1,
	.keys = 64,
};

static void parse(char **argv)
{
	const char *outer = "array", *inner = "hash";
	const struct opt opts[] = {
		{ "object", .text = &l.object },
		{ "pins", .text = &l.pins },
		{ "outer", .text = &outer },
		{ "inner", .text = &inner },
		{ "slots", .num = &l.slots },
		{ "keys", .num = &l.keys },
		{ "threads", .num = &l.threads },
		{ "turns", .flag = &l.turns },
		{ "bytes", .flag = &l.bytes },
		{ "plain", .flag = &l.plain },
		{ "sleepable", .flag = &l.sleepable },
		{}
	};

	l.threads = sysconf(_SC_NPROCESSORS_ONLN);
	if (*parse_opts(argv, opts))
		errx(2, "too many words");
	l.outer_hash = !strcmp(outer, "hash");
	l.inner.type = map_type(inner);
	if (!l.object || !l.pins || l.inner.type < 0 || !l.slots || !l.keys ||
	    !l.threads || l.threads > MAX_THREADS)
		errx(2, "bad arguments");
}

static struct bpf_map *map_of(const struct load *l, const char *name)
{
	return bpf_object__find_map_by_name(l->obj, name);
}

/* Only that one is loaded, or the map would have sleepable users */
static struct bpf_program *program(const struct load *l)
{
	return bpf_object__find_program_by_name(l->obj, l->sleepable ?
						"load_sleepable" : "load");
}

static int open_object(struct load *l)
{
	struct bpf_program *prog;
	struct load_config *config;
	struct bpf_map *outer;
	size_t size;

	l->obj = bpf_object__open_file(l->object, NULL);
	if (!l->obj)
		return -1;

	/* const in older libbpf, although it is there to be written to */
	config = (void *)bpf_map__initial_value(map_of(l, ".data"), &size);
	if (!config || size != sizeof(*config))
		return -1;
	config->slots = l->slots;
	config->keys = l->keys;
	config->plain = l->plain;

	/* Room for two keys where one is meant: elements that are being
	 * deleted may still take some
	 */
	outer = map_of(l, "outer");
	if (l->outer_hash &&
	    bpf_map__set_type(outer, BPF_MAP_TYPE_HASH_OF_MAPS))
		return -1;
	if (bpf_map__set_max_entries(outer, l->slots) ||
	    bpf_map__set_max_entries(map_of(l, "plain"), 2 * l->keys) ||
	    inner_set_template(&l->inner, l->obj, outer, 2 * l->keys))
		return -1;

	l->inner.no_types = l->bytes;
	bpf_object__for_each_program(prog, l->obj)
		bpf_program__set_autoload(prog, prog == program(l));

	return bpf_object__load(l->obj);
}

static int pin(const struct load *l, int fd, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", l->pins, name);
	return bpf_obj_pin(fd, path);
}

static int fill_slots(struct load *l)
{
	int outer = bpf_map__fd(map_of(l, "outer")), fd, err = 0;
	__u32 slot;

	for (slot = 0; slot < l->slots && !err; slot++) {
		fd = inner_create(&l->inner, "load_inner");
		if (fd < 0)
			return -1;
		err = bpf_map_update_elem(outer, &slot, &fd, BPF_ANY);
		if (!err && l->turns && !slot)
			err = pin(l, fd, "turn0");
		close(fd);
	}

	return err;
}

static int pin_maps(struct load *l)
{
	int fd, err = 0;

	if (pin(l, bpf_map__fd(map_of(l, "outer")), "outer") ||
	    pin(l, bpf_map__fd(map_of(l, "counters")), "counters"))
		return -1;
	if (l->plain && pin(l, bpf_map__fd(map_of(l, "plain")), "plain"))
		return -1;

	if (l->turns) {
		fd = inner_create(&l->inner, "load_inner");
		err = fd < 0 ? -1 : pin(l, fd, "turn1");
		close(fd);
	}

	return err;
}

/* Answers the faults of all threads, each after a while */
static void *answer_faults(void *arg)
{
	const struct load *l = arg;
	struct uffd_msg msg;

	while (read(l->uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		struct uffdio_zeropage zero = {
			.range.start = msg.arg.pagefault.address &
				       -(__u64)FAULT_PAGE_SIZE,
			.range.len = FAULT_PAGE_SIZE,
		};

		usleep(FAULT_US);
		ioctl(l->uffd, UFFDIO_ZEROPAGE, &zero);
	}

	return NULL;
}

static int start_answers(struct load *l)
{
	pthread_t thread;

	l->uffd = fault_open();

	return l->uffd < 0 || pthread_create(&thread, NULL, answer_faults, l) ? -1 : 0;
}

/* The page is not there for the first event */
static int run_sleepable(const struct load *l, struct load_args *args)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args,
		    .ctx_size_in = sizeof(*args));
	int i, err;

	err = madvise((void *)args->page, FAULT_PAGE_SIZE, MADV_DONTNEED);
	for (i = 0; !err && i < EVENTS_A_CALL; i++)
		err = bpf_prog_test_run_opts(l->prog_fd, &opts);

	return err;
}

static void *run_program(void *arg)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = EVENTS_A_CALL);
	struct load *l = arg;
	struct load_args args = {};
	char packet[64] = {};

	if (l->sleepable)
		args.page = (unsigned long)fault_page(l->uffd, NULL);
	opts.data_in = packet;
	opts.data_size_in = sizeof(packet);
	while (!__atomic_load_n(&l->stop, __ATOMIC_RELAXED)) {
		opts.data_size_out = 0;
		if (l->sleepable ? !run_sleepable(l, &args) :
				   !bpf_prog_test_run_opts(l->prog_fd, &opts))
			continue;
		__atomic_store_n(&l->run_err, errno, __ATOMIC_RELAXED);
		break;
	}

	return NULL;
}

/* poll() is to be interrupted, that is all */
static void ignore(int sig)
{
}

/* Blocked otherwise, in the threads as well: a signal would cut a run short */
static void wait_for_end(const sigset_t *unblocked)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	ppoll(&in, 1, NULL, unblocked);
}

static __u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

static void report(const struct load *l, __u64 ms)
{
	int fd = bpf_map__fd(map_of(l, "counters"));
	__u64 count[LOAD_COUNTERS];
	__u32 i;

	for (i = 0; i < LOAD_COUNTERS; i++)
		count[i] = inner_read(fd, BPF_MAP_TYPE_PERCPU_ARRAY, i);

	printf("{\"counted\":%llu,\"missed\":%llu,\"failed\":%llu,\"threads\":%u,\"ms\":%llu}\n",
	       count[LOAD_COUNTED], count[LOAD_MISSED], count[LOAD_FAILED],
	       l->threads, ms);
}

static int run_threads(struct load *l)
{
	unsigned int started = 0;
	__u64 start = now_ms();
	sigset_t set, unblocked;

	signal(SIGTERM, ignore);
	signal(SIGINT, ignore);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, &unblocked))
		return -1;

	if (l->sleepable && start_answers(l)) {
		perror("load: can't answer page faults");
		return -1;
	}
	while (started < l->threads &&
	       !pthread_create(&l->thread[started], NULL, run_program, l))
		started++;
	if (started == l->threads) {
		printf("ready\n");
		fflush(stdout);
		wait_for_end(&unblocked);
	}

	__atomic_store_n(&l->stop, true, __ATOMIC_RELAXED);
	while (started > 0)
		pthread_join(l->thread[--started], NULL);

	if (l->run_err) {
		fprintf(stderr, "load: can't run the program: %s\n",
			strerror(l->run_err));
		return -1;
	}
	report(l, now_ms() - start);

	return 0;
}

int main(int argc, char **argv)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	parse(argv);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	if (open_object(&l) || fill_slots(&l) || pin_maps(&l)) {
		perror("load: can't set up");
		return 1;
	}

	l.prog_fd = bpf_program__fd(program(&l));
	return run_threads(&l) ? 1 : 0;
}
