// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* move_load: count into a map as fast as the CPUs can while it is drained
 *
 *	move_load --object FILE --type TYPE [OPTION...]
 *
 *	--object FILE	move_load.bpf.o
 *	--seconds N	default: 1; SIGTERM ends the load sooner
 *	--keys N	default: 64
 *	--drainers N	threads that drain in a loop, default: 1
 *	--plain		add without atomics
 *	--since		print differences; one thread an entry
 *	--interrupt	a control: per-CPU values are moved from an interrupt
 *	--delete	a control: read, then delete
 *	--pause		sleep between calls: programs keep their CPU from going offline
 *	--pin FILE	drain nothing, leave that to others, who find the map there
 *
 * Prints how many events were counted and how many drains there were. Ends with 1
 * if what was drained and what is left is not what was counted.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "map_move.c"
#include "map_move_cpus.c"
#include "map_move_needs.c"
#include "move_load.h"
#include "opts.h"

#define THREADS_MAX	64
#define EVENTS_A_CALL	1000
#define RUNS_A_DRAIN	20
#define PAUSE_US	1000

struct sums {
	__u64 events, pair[2], slots;
};

static const char *object, *pin;
static __u32 type, keys = 64, seconds = 1, nr_drainers = 1;
static bool plain, since, interrupt, read_delete, pauses;
static struct map_ref map;
static int counted_fd, prog_fd, nr_cpus;
static bool stop_drains, stop_load;
static __u8 bytes[sizeof(struct move_value)];

static bool is_set(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void set(bool *flag, bool to)
{
	__atomic_store_n(flag, to, __ATOMIC_RELEASE);
}

static bool is_percpu(void)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_queue(__u32 of)
{
	return of == BPF_MAP_TYPE_QUEUE || of == BPF_MAP_TYPE_STACK;
}

static struct map_ref new_map(__u32 of)
{
	struct map_ref ref = {};
	__u32 len = sizeof(ref.info);

	ref.fd = bpf_map_create(of, "move_load", is_queue(of) ? 0 : 4,
				sizeof(struct move_value),
				is_queue(of) ? 4096 : keys, NULL);
	if (ref.fd < 0 || bpf_obj_get_info_by_fd(ref.fd, &ref.info, &len))
		err(2, "can't create a map");

	return ref;
}

/* A value that the programs write holds that, and one that was made does not */
static void check_others(const struct move_value *v, const char *where)
{
	if (type != BPF_MAP_TYPE_HASH || !v->events)
		return;
	if (strcmp(v->name, "counter") || v->time != 42 || v->flags != 7 ||
	    v->last != 9)
		errx(1, "%s: name '%.8s', time %llu, flags %u, last %u", where,
		     v->name, v->time, v->flags, v->last);
}

static void add_value(struct sums *sums, const struct move_value *v,
		      const char *where)
{
	int cpus = is_percpu() ? nr_cpus : 1, i, j;

	for (i = 0; i < cpus; i++, v++) {
		check_others(v, where);
		sums->events += v->events;
		sums->pair[0] += v->pair[0];
		sums->pair[1] += v->pair[1];
		for (j = 0; j < MOVE_SLOTS; j++)
			sums->slots += v->slots[j];
	}
}

static void add_map(struct sums *sums, const struct map_ref *ref,
		    const char *where)
{
	struct move_value *v = calloc(nr_cpus, sizeof(*v));
	__u32 key, next;
	bool more;

	if (is_queue(ref->info.type)) {
		while (!bpf_map_lookup_and_delete_elem(ref->fd, NULL, v))
			add_value(sums, v, where);
		free(v);
		return;
	}
	more = !bpf_map_get_next_key(ref->fd, NULL, &key);
	while (more) {
		if (!bpf_map_lookup_elem(ref->fd, &key, v))
			add_value(sums, v, where);
		/* From a key that is gone it would start over */
		more = !bpf_map_get_next_key(ref->fd, &key, &next);
		if (read_delete && ref->fd == map.fd && !is_set(&stop_load)) {
			/* On one CPU little else runs in between */
			sched_yield();
			bpf_map_delete_elem(ref->fd, &key);
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

static void drain(struct sums *sums, struct map_ref *last)
{
	struct map_ref stage = new_map(map_move_stage_type(type)), now = { .fd = -1 };
	struct map_move_opts opts = {
		.map = &map, .stage = &stage, .since = since, .verbose = true,
		.bytes = is_queue(type) ? NULL : bytes,
	};
	struct map_move_result res;
	struct map_move *m;
	char why[256] = "";
	int error, i;

	if (since) {
		now = new_map(type);
		opts.now = &now;
		opts.last = last->fd >= 0 ? last : NULL;
	}
	error = map_move_open(&m, &opts, why, sizeof(why));
	if (error)
		errx(2, "map_move_open: %s", why);
	if (interrupt) {
		load_interrupt(m);
		for (i = 0; i < 100 * RUNS_A_DRAIN; i++)
			run_interrupt(m);
	} else {
		/* Loading it takes far longer, with all CPUs busy */
		for (i = 0; i < (since || is_queue(type) ? 1 : RUNS_A_DRAIN); i++)
			error = map_move_run(m, &res);
		if (error || res.left || res.lost || res.shrank || res.unsure)
			errx(1, "map_move_run: %s, left %llu, lost %llu, shrank %llu, unsure %llu",
			     strerror(-error), res.left, res.lost, res.shrank,
			     res.unsure);
	}
	map_move_close(m);
	add_map(sums, &stage, "drained");
	close(stage.fd);
	if (since) {
		if (last->fd >= 0)
			close(last->fd);
		*last = now;
	}
}

struct drainer {
	pthread_t thread;
	struct sums sums;
	unsigned long drains;
};

static void *drainer_run(void *arg)
{
	struct drainer *d = arg;
	struct map_ref last = { .fd = -1 };
	bool end;

	do {
		end = is_set(&stop_drains);
		if (read_delete)
			add_map(&d->sums, &map, "read");
		else
			drain(&d->sums, &last);
		d->drains++;
	} while (!end);

	return NULL;
}

static void *load_run(void *arg)
{
	struct __sk_buff skb = { .mark = (unsigned long)arg };
	char packet[64] = {};

	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		    .data_size_in = sizeof(packet), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .repeat = EVENTS_A_CALL);

	while (!is_set(&stop_load)) {
		if (bpf_prog_test_run_opts(prog_fd, &opts) && errno != EINTR)
			err(2, "can't count");
		if (pauses)
			usleep(PAUSE_US);
	}

	return NULL;
}

static void load_program(void)
{
	const char *name = is_queue(type) ? "count_push" :
			   plain ? "count_plain" : "count_value";
	struct bpf_object *obj = bpf_object__open(object);
	struct bpf_program *prog;
	struct bpf_map *m;
	size_t size;
	struct move_config *conf;

	if (!obj)
		err(2, "can't open %s", object);
	bpf_object__for_each_program(prog, obj)
		bpf_program__set_autoload(prog,
					  !strcmp(bpf_program__name(prog), name));
	m = bpf_object__find_map_by_name(obj, ".data");
	conf = m ? (void *)bpf_map__initial_value(m, &size) : NULL;
	m = bpf_object__find_map_by_name(obj, "map");
	if (!conf || !m)
		err(2, "can't set up %s", object);
	/* Whoever drains it from outside has to find its types */
	bpf_map__set_type(m, type);
	bpf_map__set_max_entries(m, is_queue(type) ? 4096 : keys);
	if (is_queue(type))
		bpf_map__set_key_size(m, 0);
	if (!pin && bpf_map__reuse_fd(m, map.fd))
		err(2, "can't set up %s", object);
	conf->keys = keys;
	conf->own_key = since;
	if (bpf_object__load(obj))
		err(2, "can't load %s", object);
	if (pin && bpf_map__pin(m, pin))
		err(2, "can't pin %s", pin);
	prog_fd = bpf_program__fd(bpf_object__find_program_by_name(obj, name));
	counted_fd = bpf_map__fd(bpf_object__find_map_by_name(obj, "counted"));
}

static __u64 counted(void)
{
	__u64 *n = calloc(nr_cpus, sizeof(*n)), sum = 0;
	__u32 zero = 0;
	int i;

	if (bpf_map_lookup_elem(counted_fd, &zero, n))
		err(2, "can't read the events");
	for (i = 0; i < nr_cpus; i++)
		sum += n[i];
	free(n);

	return sum;
}

static void parse(char **argv)
{
	const char *type_name = "";
	const struct opt opts[] = {
		{ "object", .text = &object },
		{ "type", .text = &type_name },
		{ "seconds", .num = &seconds },
		{ "keys", .num = &keys },
		{ "drainers", .num = &nr_drainers },
		{ "plain", .flag = &plain },
		{ "since", .flag = &since },
		{ "interrupt", .flag = &interrupt },
		{ "delete", .flag = &read_delete },
		{ "pause", .flag = &pauses },
		{ "pin", .text = &pin },
		{}
	};

	parse_opts(argv, opts);
	type = map_type(type_name);
	if (pin)
		nr_drainers = 0;
	if (!object || !type || !keys || nr_drainers > THREADS_MAX)
		errx(2, "usage: move_load --object FILE --type TYPE ...");
}

/* SIGTERM is for wait_for_end() */
static sigset_t end_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);

	return set;
}

static void wait_for_end(const sigset_t *set)
{
	const struct timespec limit = { .tv_sec = seconds };

	sigtimedwait(set, NULL, &limit);
}

/* What all drainers got, and what is left, has to be what was counted */
static int report(const struct drainer *d, __u64 events)
{
	struct sums sums = {};
	unsigned long drains = 0;
	unsigned int i;
	bool good = true;

	if (!since)
		add_map(&sums, &map, "left");
	for (i = 0; i < nr_drainers; i++) {
		if (since)
			memset(&sums, 0, sizeof(sums));
		sums.events += d[i].sums.events;
		sums.pair[0] += d[i].sums.pair[0];
		sums.pair[1] += d[i].sums.pair[1];
		sums.slots += d[i].sums.slots;
		drains += d[i].drains;
		if (!since && i + 1 < nr_drainers)
			continue;
		printf("%s: %llu events in %lu drains, off by %lld, %lld %lld, %lld\n",
		       since ? "reader" : "all", events, drains,
		       (long long)(sums.events - events),
		       (long long)(sums.pair[0] - events),
		       (long long)(sums.pair[1] - 2 * events),
		       (long long)(sums.slots - events));
		good = good && sums.events == events && sums.pair[0] == events &&
		       sums.pair[1] == 2 * events && sums.slots == events;
	}

	return good ? 0 : 1;
}

static void mark_counters(void)
{
	memset(bytes + offsetof(struct move_value, events), 1, 8);
	memset(bytes + offsetof(struct move_value, pair), 1, 8);
	memset(bytes + offsetof(struct move_value, slots), 1, 4 * MOVE_SLOTS);
}

int main(int argc, char **argv)
{
	pthread_t load[THREADS_MAX];
	struct drainer drainers[THREADS_MAX] = {};
	unsigned int nr_load, i;
	sigset_t end;

	parse(argv);
	nr_cpus = libbpf_num_possible_cpus();
	nr_load = sysconf(_SC_NPROCESSORS_ONLN);
	if (nr_load > THREADS_MAX)
		nr_load = THREADS_MAX;
	mark_counters();
	if (!pin)
		map = new_map(type);
	end = end_signal();
	load_program();

	for (i = 0; i < nr_load; i++)
		pthread_create(&load[i], NULL, load_run, (void *)(unsigned long)i);
	for (i = 0; i < nr_drainers; i++)
		pthread_create(&drainers[i].thread, NULL, drainer_run, &drainers[i]);
	wait_for_end(&end);
	set(&stop_load, !read_delete);
	for (i = 0; stop_load && i < nr_load; i++)
		pthread_join(load[i], NULL);
	set(&stop_drains, true);
	for (i = 0; i < nr_drainers; i++)
		pthread_join(drainers[i].thread, NULL);
	if (!stop_load) {
		set(&stop_load, true);
		for (i = 0; i < nr_load; i++)
			pthread_join(load[i], NULL);
	}

	if (pin) {
		printf("%llu\n", counted());
		return 0;
	}
	return report(drainers, counted());
}
