// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <pthread.h>
#include <sys/syscall.h>
#include <test_progs.h>
#include "cap_helpers.h"
#include "sync_map_access.skel.h"

#define NR_THREADS	2
#define NR_SWAPS	100

static const __u32 zero;

static int sync_map_access(void *attr, unsigned int size)
{
	return syscall(__NR_bpf, BPF_SYNC_MAP_ACCESS, attr, size);
}

/* The command takes no attributes, whatever their size, and whoever asks */
static void test_args(void)
{
	__u64 caps = 1ULL << CAP_BPF | 1ULL << CAP_SYS_ADMIN, old_caps = 0;
	static char large[8192];
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	ASSERT_OK(sync_map_access(NULL, 0), "none");

	ASSERT_EQ(sync_map_access(&attr, 0), -1, "pointer");
	ASSERT_EQ(errno, EINVAL, "pointer_errno");
	ASSERT_EQ(sync_map_access(NULL, 1), -1, "size");
	ASSERT_EQ(errno, EINVAL, "size_errno");
	ASSERT_EQ(sync_map_access(&attr, sizeof(attr)), -1, "both");
	ASSERT_EQ(errno, EINVAL, "both_errno");
	ASSERT_EQ(sync_map_access(large, sizeof(large)), -1, "too_large");
	ASSERT_EQ(errno, EINVAL, "too_large_errno");

	if (!ASSERT_OK(cap_disable_effective(caps, &old_caps), "drop_caps"))
		return;
	ASSERT_EQ(sync_map_access(&attr, sizeof(attr)), -1, "before_rights");
	ASSERT_EQ(errno, EINVAL, "before_rights_errno");
	ASSERT_OK(cap_enable_effective(old_caps, NULL), "restore_caps");
}

static void test_permission(void)
{
	__u64 sys_admin = 1ULL << CAP_SYS_ADMIN, bpf = 1ULL << CAP_BPF;
	__u64 old_caps = 0;

	if (!ASSERT_OK(cap_disable_effective(sys_admin | bpf, &old_caps), "drop_caps"))
		return;
	ASSERT_EQ(bpf_sync_map_access(), -EPERM, "none");

	ASSERT_OK(cap_enable_effective(bpf, NULL), "take_bpf");
	ASSERT_OK(bpf_sync_map_access(), "bpf");

	ASSERT_OK(cap_disable_effective(bpf, NULL), "drop_bpf");
	ASSERT_OK(cap_enable_effective(sys_admin, NULL), "take_sys_admin");
	ASSERT_OK(bpf_sync_map_access(), "sys_admin");

	ASSERT_OK(cap_enable_effective(old_caps, NULL), "restore_caps");
}

static int run(const struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

static void *run_once(void *prog)
{
	return (void *)(long)run(prog);
}

/* What a thread that waits has seen */
struct waiter {
	struct sync_map_access *skel;
	int err, left, done;
};

static void *wait_for_programs(void *ctx)
{
	struct waiter *w = ctx;

	w->err = bpf_sync_map_access();
	w->left = __atomic_load_n(&w->skel->bss->left, __ATOMIC_SEQ_CST);
	__atomic_store_n(&w->done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Waits up to 5 s, of which a program may use up its CPU's */
static bool becomes_true(int *flag)
{
	int i;

	for (i = 0; i < 5000 && !__atomic_load_n(flag, __ATOMIC_SEQ_CST); i++)
		usleep(1000);
	return __atomic_load_n(flag, __ATOMIC_SEQ_CST);
}

static __u64 read_counter(const struct bpf_map *map)
{
	__u64 value = -1;

	ASSERT_OK(bpf_map_lookup_elem(bpf_map__fd(map), &zero, &value), "read_counter");
	return value;
}

static int select_counter(struct sync_map_access *skel, __u32 which)
{
	return bpf_map_update_elem(bpf_map__fd(skel->maps.selector), &zero, &which, BPF_ANY);
}

/* While a program is inside of counter_0: use counter_1, and wait */
static void swap_and_wait(struct sync_map_access *skel)
{
	struct waiter waiter = { .skel = skel };
	pthread_t thread;

	if (!ASSERT_OK(select_counter(skel, 1), "select"))
		return;

	/* The control: without a wait, what the program adds is missed */
	ASSERT_EQ(read_counter(skel->maps.counter_0), 0, "read_too_early");
	ASSERT_EQ(skel->bss->left, 0, "still_inside");

	if (!ASSERT_OK(pthread_create(&thread, NULL, wait_for_programs, &waiter), "waiter"))
		return;
	usleep(200000);
	ASSERT_EQ(__atomic_load_n(&waiter.done, __ATOMIC_SEQ_CST), 0, "waits");

	__atomic_store_n(&skel->bss->may_leave, 1, __ATOMIC_SEQ_CST);
	ASSERT_OK(pthread_join(thread, NULL), "join_waiter");
	ASSERT_OK(waiter.err, "wait");
	ASSERT_EQ(waiter.left, 1, "left_before_return");
	ASSERT_EQ(read_counter(skel->maps.counter_0), 1, "read_after_wait");
	ASSERT_EQ(read_counter(skel->maps.counter_1), 0, "other");
}

static void test_wait(void)
{
	struct sync_map_access *skel;
	pthread_t thread;
	void *err;

	skel = sync_map_access__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open_and_load"))
		return;
	if (!ASSERT_OK(pthread_create(&thread, NULL, run_once, skel->progs.hold), "holder"))
		goto destroy;

	if (ASSERT_TRUE(becomes_true(&skel->bss->inside), "inside"))
		swap_and_wait(skel);

	__atomic_store_n(&skel->bss->may_leave, 1, __ATOMIC_SEQ_CST);
	ASSERT_OK(pthread_join(thread, &err), "join_holder");
	ASSERT_OK((long)err, "run");
destroy:
	sync_map_access__destroy(skel);
}

struct load {
	struct bpf_program *prog;
	int stop, err;
};

static void *run_until_stop(void *ctx)
{
	struct load *load = ctx;

	while (!__atomic_load_n(&load->stop, __ATOMIC_SEQ_CST) && !load->err)
		load->err = run(load->prog);
	return NULL;
}

/* Counts in threads while swaps() drains; returns what that has drained */
static __u64 drain_under_load(struct sync_map_access *skel, struct bpf_program *prog,
			      __u64 (*swaps)(struct sync_map_access *skel))
{
	struct load load = { .prog = prog };
	pthread_t threads[NR_THREADS];
	__u64 drained = 0;
	int i, started = 0;

	for (i = 0; i < NR_THREADS; i++, started++) {
		if (!ASSERT_OK(pthread_create(&threads[i], NULL, run_until_stop, &load), "load"))
			break;
	}
	if (started == NR_THREADS)
		drained = swaps(skel);
	__atomic_store_n(&load.stop, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < started; i++)
		ASSERT_OK(pthread_join(threads[i], NULL), "join_load");
	ASSERT_OK(load.err, "run");
	return drained;
}

static __u64 swap_by_selector(struct sync_map_access *skel)
{
	const struct bpf_map *counters[] = { skel->maps.counter_0, skel->maps.counter_1 };
	__u64 drained = 0, none = 0;
	int i, err;

	for (i = 0; i < NR_SWAPS; i++) {
		if (!ASSERT_OK(select_counter(skel, !(i % 2)), "select") ||
		    !ASSERT_OK(bpf_sync_map_access(), "wait"))
			break;
		drained += read_counter(counters[i % 2]);
		/* A large map takes its time; what is added now would be lost */
		usleep(1000);
		err = bpf_map_update_elem(bpf_map__fd(counters[i % 2]), &zero, &none, BPF_ANY);
		if (!ASSERT_OK(err, "clear"))
			break;
	}
	return drained;
}

/* Two maps take turns by an index: nothing but the command waits here */
static void test_selector(void)
{
	struct sync_map_access *skel;
	__u64 drained;

	skel = sync_map_access__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open_and_load"))
		return;
	drained = drain_under_load(skel, skel->progs.count_selected, swap_by_selector);
	ASSERT_GT(drained, 0, "drained_some");
	drained += read_counter(skel->maps.counter_0);
	drained += read_counter(skel->maps.counter_1);
	ASSERT_EQ(drained, skel->bss->counted, "drained_all");
	sync_map_access__destroy(skel);
}

/* Swaps the inner map for a new one, waits and reads the old one */
static bool swap_inner(struct sync_map_access *skel, int *inner, __u64 *drained)
{
	int next, err;
	__u64 value;

	next = bpf_map_create(BPF_MAP_TYPE_ARRAY, "counter", sizeof(__u32), sizeof(__u64), 1, NULL);
	if (!ASSERT_GE(next, 0, "create"))
		return false;
	err = bpf_map_update_elem(bpf_map__fd(skel->maps.outer), &zero, &next, BPF_ANY);
	if (!ASSERT_OK(err, "swap")) {
		close(next);
		return false;
	}
	if (ASSERT_OK(bpf_sync_map_access(), "wait") &&
	    ASSERT_OK(bpf_map_lookup_elem(*inner, &zero, &value), "read"))
		*drained += value;
	close(*inner);
	*inner = next;
	return true;
}

static __u64 swap_by_slot(struct sync_map_access *skel)
{
	int i, inner = dup(bpf_map__fd(skel->maps.counter_0));
	__u64 drained = 0;

	for (i = 0; i < NR_SWAPS && swap_inner(skel, &inner, &drained); i++)
		;
	close(inner);
	return drained;
}

/* The pattern that the command's comment in the header shows */
static void test_swap_and_drain(void)
{
	struct sync_map_access *skel;
	__u64 drained, value = 0;
	__u32 id;
	int fd;

	skel = sync_map_access__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open_and_load"))
		return;
	drained = drain_under_load(skel, skel->progs.count_inner, swap_by_slot);
	ASSERT_GT(drained, 0, "drained_some");

	/* The load went on for a moment, in the map that is in the slot now */
	if (!ASSERT_OK(bpf_map_lookup_elem(bpf_map__fd(skel->maps.outer), &zero, &id), "last_id"))
		goto destroy;
	fd = bpf_map_get_fd_by_id(id);
	if (!ASSERT_GE(fd, 0, "last"))
		goto destroy;
	ASSERT_OK(bpf_map_lookup_elem(fd, &zero, &value), "read_last");
	close(fd);
	ASSERT_EQ(drained + value, skel->bss->counted, "drained_all");
destroy:
	sync_map_access__destroy(skel);
}

void test_sync_map_access(void)
{
	if (test__start_subtest("args"))
		test_args();
	if (test__start_subtest("permission"))
		test_permission();
	if (test__start_subtest("wait"))
		test_wait();
	if (test__start_subtest("selector"))
		test_selector();
	if (test__start_subtest("swap_and_drain"))
		test_swap_and_drain();
}
