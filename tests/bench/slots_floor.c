// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The bare calls that "swap-drain all" can't do without on kernels before 6.8, where
 * each look into a slot and each update of one waits for a grace period, for a full
 * array_of_maps of hash maps: 256 threads wait together. Nothing is checked and
 * nothing printed but what the steps took: the floor for whatever does both.
 *
 * usage: slots_floor PIN_OF_OUTER NEW_FOLDER
 */
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "now.h"

#define SLOTS_MAX	4096
#define THREADS		256
#define BATCH		4096

struct slot {
	__u32 key, id, now;
	int old_fd, new_fd;
};

static struct slot slots[SLOTS_MAX];
static unsigned int nr_slots, next_slot;
static int outer;
static void (*work)(struct slot *slot);
static pthread_barrier_t start, end;

static double step_began;

/* step() - tell what the time since the last one went to */
static void step(const char *what)
{
	double now = now_us() / 1e3;

	if (what)
		printf("%s %.1f, ", what, now - step_began);
	step_began = now;
}

static void look_into(struct slot *slot)
{
	if (bpf_map_lookup_elem(outer, &slot->key, &slot->now))
		err(1, "can't look into slot %u", slot->key);
}

static void put_new(struct slot *slot)
{
	if (bpf_map_update_elem(outer, &slot->key, &slot->new_fd, BPF_ANY))
		err(1, "can't update slot %u", slot->key);
}

static void *worker(void *unused)
{
	unsigned int i;

	for (;;) {
		pthread_barrier_wait(&start);
		for (;;) {
			i = __atomic_fetch_add(&next_slot, 1, __ATOMIC_RELAXED);
			if (i >= nr_slots)
				break;
			work(&slots[i]);
		}
		pthread_barrier_wait(&end);
	}

	return unused;
}

static void by_threads(void (*fn)(struct slot *slot))
{
	work = fn;
	next_slot = 0;
	pthread_barrier_wait(&start);
	pthread_barrier_wait(&end);
}

static void start_threads(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int i;

	pthread_barrier_init(&start, NULL, THREADS + 1);
	pthread_barrier_init(&end, NULL, THREADS + 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&thread, &attr, worker, NULL))
			errx(1, "can't start thread %d", i);
}

static void make_new(struct slot *slot)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	LIBBPF_OPTS(bpf_map_create_opts, opts);

	slot->id = slot->now;
	slot->old_fd = bpf_map_get_fd_by_id(slot->id);
	if (slot->old_fd < 0 ||
	    bpf_obj_get_info_by_fd(slot->old_fd, &info, &len))
		err(1, "can't open map %u", slot->id);
	opts.map_flags = info.map_flags;
	slot->new_fd = bpf_map_create(info.type, info.name, info.key_size,
				      info.value_size, info.max_entries, &opts);
	if (slot->new_fd < 0)
		err(1, "can't create a map");
}

static void drain(struct slot *slot)
{
	static char keys[BATCH * 8], values[BATCH * 16];
	__u32 count = BATCH;
	char cursor[8];

	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	bpf_map_lookup_batch(slot->old_fd, NULL, cursor, keys, values, &count,
			     &opts);
}

static void for_slots(void (*fn)(struct slot *slot))
{
	unsigned int i;

	for (i = 0; i < nr_slots; i++)
		fn(&slots[i]);
}

static const char *folder;

static void path_of(const struct slot *slot, char path[4096])
{
	snprintf(path, 4096, "%s/%u", folder, slot->id);
}

static void keep_old(struct slot *slot)
{
	char path[4096];

	path_of(slot, path);
	if (bpf_obj_pin(slot->old_fd, path))
		err(1, "can't pin %s", path);
}

static void let_go(struct slot *slot)
{
	char path[4096];

	path_of(slot, path);
	unlink(path);
	close(slot->old_fd);
	close(slot->new_fd);
}

int main(int argc, char **argv)
{
	struct rlimit limit = { 2 * SLOTS_MAX + 64, 2 * SLOTS_MAX + 64 };
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (argc != 3)
		errx(2, "usage: slots_floor PIN_OF_OUTER NEW_FOLDER");
	folder = argv[2];
	step(NULL);
	setrlimit(RLIMIT_NOFILE, &limit);
	outer = bpf_obj_get(argv[1]);
	if (outer < 0 || bpf_obj_get_info_by_fd(outer, &info, &len) ||
	    info.max_entries > SLOTS_MAX || mkdir(folder, 0700))
		err(1, "can't open %s or make %s", argv[1], folder);
	for (nr_slots = 0; nr_slots < info.max_entries; nr_slots++)
		slots[nr_slots].key = nr_slots;
	start_threads();
	step("threads");

	by_threads(look_into);
	step("find");
	for_slots(make_new);
	step("create");
	for_slots(keep_old);
	step("pin");
	by_threads(put_new);
	step("update");
	by_threads(look_into);
	step("look again");
	for_slots(drain);
	step("read");
	for_slots(let_go);
	rmdir(folder);
	step("let go");
	puts("milliseconds each");

	return 0;
}
