// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* move_load: count into a map as fast as the CPUs can while it is drained
 *
 *	move_load --object FILE --type TYPE [OPTION...]
 *
 *	--object FILE	move_load.bpf.o
 *	--seconds N	default: 1; with --pin SIGTERM ends the load sooner
 *	--plain		add without atomics
 *	--since		one thread an entry: plain adds then lose nothing
 *	--pause		sleep between calls: programs keep their CPU from going offline
 *	--pin FILE	drain nothing, leave that to others, who find the map there
 *	--interrupt	a control: per-CPU values are moved from an interrupt
 *	--delete	a control: read, then delete
 *
 * With --pin it prints how many events were counted. Else it drains by itself, and ends
 * with 1 if what was drained and what is left is not what was counted.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "inner.h"
#include "map_move.c"
#include "map_move_cpus.c"
#include "map_move_needs.c"
#include "shared.h"
#include "opts.h"

#define THREADS_MAX	64
#define EVENTS_A_CALL	1000
#define RUNS_A_DRAIN	20
#define PAUSE_US	1000

struct sums {
	__u64 events, pair[2], slots;
};

static const char *object, *pin;
static __u32 type, seconds = 1;
static bool plain, own_key, interrupt, read_delete, pauses;
static struct map_ref map;
static int counted_fd, prog_fd, nr_cpus;
static bool stop;
static __u8 bytes[sizeof(struct move_value)];

static bool is_queue(void)
{
	return type == BPF_MAP_TYPE_QUEUE || type == BPF_MAP_TYPE_STACK;
}

static void add_value(struct sums *sums, const struct move_value *v)
{
	int cpus = inner_is_percpu(type) ? nr_cpus : 1, i, j;

	for (i = 0; i < cpus; i++, v++) {
		sums->events += v->events;
		sums->pair[0] += v->pair[0];
		sums->pair[1] += v->pair[1];
		for (j = 0; j < MOVE_SLOTS; j++)
			sums->slots += v->slots[j];
	}
}

static void add_map(struct sums *sums, int fd, bool delete)
{
	struct move_value *v = calloc(nr_cpus, sizeof(*v));
	__u32 key, next;
	bool more;

	more = !bpf_map_get_next_key(fd, NULL, &key);
	while (more) {
		if (!bpf_map_lookup_elem(fd, &key, v))
			add_value(sums, v);
		/* From a key that is gone it would start over */
		more = !bpf_map_get_next_key(fd, &key, &next);
		if (delete) {
			/* On one CPU little else runs in between */
			sched_yield();
			bpf_map_delete_elem(fd, &key);
		}
		key = next;
	}
	free(v);
}

/* A program of another type, as the mover's can't be run so */
static void load_interrupt(struct map_move *m)
{
	__typeof__(*m->skel->rodata) rodata = *m->skel->rodata;
	struct bpf_program *prog;

	map_move_bpf__destroy(m->skel);
	m->skel = map_move_bpf__open();
	if (!m->skel || use_maps(m))
		err(2, "can't open the program");
	*m->skel->rodata = rodata;
	bpf_object__for_each_program(prog, m->skel->obj)
		bpf_program__set_autoload(prog, prog == program(m));
	bpf_program__set_type(program(m), BPF_PROG_TYPE_RAW_TRACEPOINT);
	if (map_move_bpf__load(m->skel))
		err(2, "can't load the program");
}

static void run_interrupt(struct map_move *m)
{
	unsigned int cpu;

	for (cpu = 0; cpu < (unsigned int)nr_cpus; cpu++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .cpu = cpu,
			    .flags = BPF_F_TEST_RUN_ON_CPU);

		if (bpf_prog_test_run_opts(bpf_program__fd(program(m)), &opts))
			err(2, "can't run the program");
	}
}

static void drain(struct sums *sums)
{
	struct map_ref stage = map;
	struct map_move_opts opts = {
		.map = &map, .stage = &stage, .verbose = true, .bytes = bytes,
	};
	struct map_move_result res;
	struct map_move *m;
	char why[256] = "";
	int error = 0, i;

	stage.fd = bpf_map_create(map_move_stage_type(type), "stage", 4,
				  sizeof(struct move_value), MOVE_KEYS, NULL);
	if (stage.fd < 0)
		err(2, "can't create a map");
	if (map_move_open(&m, &opts, why, sizeof(why)))
		errx(2, "map_move_open: %s", why);
	if (interrupt)
		load_interrupt(m);
	/* Loading it takes far longer, with all CPUs busy */
	for (i = 0; i < (interrupt ? 100 : 1) * RUNS_A_DRAIN && !error; i++) {
		if (interrupt)
			run_interrupt(m);
		else
			error = map_move_run(m, &res);
	}
	if (error)
		errx(2, "map_move_run: %s", strerror(-error));
	map_move_close(m);
	add_map(sums, stage.fd, false);
	close(stage.fd);
}

static void *load_run(void *arg)
{
	struct __sk_buff skb = { .mark = (unsigned long)arg };
	char packet[64] = {};

	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		    .data_size_in = sizeof(packet), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .repeat = EVENTS_A_CALL);

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		if (bpf_prog_test_run_opts(prog_fd, &opts) && errno != EINTR)
			err(2, "can't count");
		if (pauses)
			usleep(PAUSE_US);
	}

	return NULL;
}

static void load_program(void)
{
	const char *name = is_queue() ? "count_push" :
			   plain ? "count_plain" : "count_value";
	struct bpf_object *obj = bpf_object__open(object);
	__u32 len = sizeof(map.info);
	struct bpf_program *prog;
	struct bpf_map *m;
	size_t size;
	__u32 *conf;

	if (!obj)
		err(2, "can't open %s", object);
	bpf_object__for_each_program(prog, obj)
		bpf_program__set_autoload(prog,
					  !strcmp(bpf_program__name(prog), name));
	m = bpf_object__find_map_by_name(obj, ".bss");
	conf = m ? (void *)bpf_map__initial_value(m, &size) : NULL;
	m = bpf_object__find_map_by_name(obj, "map");
	if (!conf || !m)
		err(2, "can't set up %s", object);
	bpf_map__set_type(m, type);
	bpf_map__set_max_entries(m, is_queue() ? 4096 : MOVE_KEYS);
	if (is_queue())
		bpf_map__set_key_size(m, 0);
	*conf = own_key;
	if (bpf_object__load(obj))
		err(2, "can't load %s", object);
	map.fd = bpf_map__fd(m);
	if (bpf_obj_get_info_by_fd(map.fd, &map.info, &len) ||
	    (pin && bpf_map__pin(m, pin)))
		err(2, "can't pin %s", pin);
	prog_fd = bpf_program__fd(bpf_object__find_program_by_name(obj, name));
	counted_fd = bpf_object__find_map_fd_by_name(obj, "counted");
}

static void parse(char **argv)
{
	const char *type_name = "";
	const struct opt opts[] = {
		{ "object", .text = &object },
		{ "type", .text = &type_name },
		{ "seconds", .num = &seconds },
		{ "plain", .flag = &plain },
		{ "since", .flag = &own_key },
		{ "interrupt", .flag = &interrupt },
		{ "delete", .flag = &read_delete },
		{ "pause", .flag = &pauses },
		{ "pin", .text = &pin },
		{}
	};

	parse_opts(argv, opts);
	type = map_type(type_name);
	if (!object || !type)
		errx(2, "usage: move_load --object FILE --type TYPE ...");
}

static void drain_for_seconds(struct sums *sums)
{
	time_t end = time(NULL) + seconds;

	while (time(NULL) <= end) {
		if (read_delete)
			add_map(sums, map.fd, true);
		else
			drain(sums);
	}
}

/* What was drained, and what is left, has to be what was counted */
static int report(const struct sums *sums, __u64 events)
{
	printf("%llu events, off by %lld, %lld %lld, %lld\n", events,
	       (long long)(sums->events - events),
	       (long long)(sums->pair[0] - events),
	       (long long)(sums->pair[1] - 2 * events),
	       (long long)(sums->slots - events));

	return sums->events == events && sums->pair[0] == events &&
	       sums->pair[1] == 2 * events && sums->slots == events ? 0 : 1;
}

static void mark_counters(void)
{
	memset(bytes + offsetof(struct move_value, events), 1, 8);
	memset(bytes + offsetof(struct move_value, pair), 1, 8);
	memset(bytes + offsetof(struct move_value, slots), 1, 4 * MOVE_SLOTS);
}

int main(int argc, char **argv)
{
	long nr_load = sysconf(_SC_NPROCESSORS_ONLN), i;
	pthread_t load[THREADS_MAX];
	struct timespec limit = {};
	struct sums sums = {};
	__u64 events;
	sigset_t set;

	parse(argv);
	nr_cpus = libbpf_num_possible_cpus();
	if (nr_load > THREADS_MAX)
		nr_load = THREADS_MAX;
	limit.tv_sec = seconds;
	mark_counters();
	/* Before the map is pinned, and in the threads as well */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	load_program();

	for (i = 0; i < nr_load; i++)
		pthread_create(&load[i], NULL, load_run, (void *)i);
	if (pin)
		sigtimedwait(&set, NULL, &limit);
	else
		drain_for_seconds(&sums);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < nr_load; i++)
		pthread_join(load[i], NULL);

	events = inner_read(counted_fd, BPF_MAP_TYPE_PERCPU_ARRAY, 0);
	if (!events)
		errx(2, "no event was counted");
	if (pin) {
		printf("%llu\n", events);
		return 0;
	}
	add_map(&sums, map.fd, false);
	return report(&sums, events);
}
