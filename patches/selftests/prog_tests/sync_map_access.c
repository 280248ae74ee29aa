// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <test_progs.h>
#include "cap_helpers.h"
#include "sync_map_access.skel.h"

#define NR_THREADS	2
#define NR_SWAPS	100

static const __u32 zero;

static void test_args(void)
{
	__u64 caps = 1ULL << CAP_BPF | 1ULL << CAP_SYS_ADMIN, old_caps = 0;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	ASSERT_OK(bpf_sync_map_access(), "none");
	ASSERT_EQ(syscall(__NR_bpf, BPF_SYNC_MAP_ACCESS, &attr, sizeof(attr)), -1, "attr");
	ASSERT_EQ(errno, EINVAL, "attr_errno");

	if (!ASSERT_OK(cap_disable_effective(caps, &old_caps), "drop_caps"))
		return;
	ASSERT_EQ(bpf_sync_map_access(), -EPERM, "no_caps");
	ASSERT_OK(cap_enable_effective(1ULL << CAP_BPF, NULL), "take_bpf");
	ASSERT_OK(bpf_sync_map_access(), "bpf");
	ASSERT_OK(cap_enable_effective(old_caps, NULL), "restore_caps");
}

static void *run_once(void *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return (void *)(long)bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

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

/* Up to 5 s: the program may keep its CPU busy */
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

static bool select_counter(struct sync_map_access *skel, __u32 which)
{
	int fd = bpf_map__fd(skel->maps.selector);

	return ASSERT_OK(bpf_map_update_elem(fd, &zero, &which, BPF_ANY), "select");
}

/* Called while a program holds a value of counter_0 */
static void swap_and_wait(struct sync_map_access *skel)
{
	struct waiter waiter = { .skel = skel };
	pthread_t thread;

	if (!select_counter(skel, 1))
		return;

	/* The control: a read without the wait misses what the program adds */
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
}

static void test_wait(struct sync_map_access *skel)
{
	pthread_t thread;
	void *err;

	if (!ASSERT_OK(pthread_create(&thread, NULL, run_once, skel->progs.hold), "holder"))
		return;
	if (ASSERT_TRUE(becomes_true(&skel->bss->inside), "inside"))
		swap_and_wait(skel);
	__atomic_store_n(&skel->bss->may_leave, 1, __ATOMIC_SEQ_CST);
	ASSERT_OK(pthread_join(thread, &err), "join_holder");
	ASSERT_OK((long)err, "run");
}

/* A program that sleeps in a page fault does not keep the command from returning */
static void test_sleepable(struct sync_map_access *skel)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {};
	struct uffdio_zeropage page = {};
	struct pollfd pfd = { .events = POLLIN };
	struct uffd_msg msg;
	pthread_t thread;
	void *mem, *err;
	int uffd;

	mem = mmap(NULL, getpagesize(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!ASSERT_NEQ(mem, MAP_FAILED, "mmap"))
		return;
	uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	if (!ASSERT_GE(uffd, 0, "userfaultfd"))
		goto unmap;
	reg.range.start = (unsigned long)mem;
	reg.range.len = getpagesize();
	reg.mode = UFFDIO_REGISTER_MODE_MISSING;
	page.range = reg.range;
	if (!ASSERT_OK(ioctl(uffd, UFFDIO_API, &api), "api") ||
	    !ASSERT_OK(ioctl(uffd, UFFDIO_REGISTER, &reg), "register"))
		goto close;

	skel->bss->fault_addr = reg.range.start;
	if (!ASSERT_OK(pthread_create(&thread, NULL, run_once, skel->progs.hold_asleep), "sleeper"))
		goto close;
	pfd.fd = uffd;
	if (ASSERT_EQ(poll(&pfd, 1, 5000), 1, "asleep") &&
	    ASSERT_EQ(read(uffd, &msg, sizeof(msg)), sizeof(msg), "fault")) {
		ASSERT_OK(bpf_sync_map_access(), "wait");
		ASSERT_EQ(skel->bss->left, 0, "still_asleep");
	}
	ASSERT_OK(ioctl(uffd, UFFDIO_ZEROPAGE, &page), "wake");
	ASSERT_OK(pthread_join(thread, &err), "join_sleeper");
	ASSERT_OK((long)err, "run");
	ASSERT_EQ(read_counter(skel->maps.counter_0), 1, "added_later");
close:
	close(uffd);
unmap:
	munmap(mem, getpagesize());
}

struct load {
	struct bpf_program *prog;
	int stop, err;
};

static void *run_until_stop(void *ctx)
{
	struct load *load = ctx;

	while (!__atomic_load_n(&load->stop, __ATOMIC_SEQ_CST) && !load->err)
		load->err = (long)run_once(load->prog);
	return NULL;
}

static __u64 swap_and_drain(struct sync_map_access *skel)
{
	const struct bpf_map *counters[] = { skel->maps.counter_0, skel->maps.counter_1 };
	__u64 drained = 0, none = 0;
	int i, err;

	for (i = 0; i < NR_SWAPS; i++) {
		if (!select_counter(skel, !(i % 2)) ||
		    !ASSERT_OK(bpf_sync_map_access(), "wait"))
			break;
		drained += read_counter(counters[i % 2]);
		/* What is added between the read and the update would be lost */
		usleep(1000);
		err = bpf_map_update_elem(bpf_map__fd(counters[i % 2]), &zero, &none, BPF_ANY);
		if (!ASSERT_OK(err, "clear"))
			break;
	}
	return drained;
}

/* The example in the command's comment in linux/bpf.h */
static void test_selector(struct sync_map_access *skel)
{
	struct load load = { .prog = skel->progs.count };
	pthread_t threads[NR_THREADS];
	__u64 drained = 0;
	int i, err, started;

	for (started = 0; started < NR_THREADS; started++) {
		err = pthread_create(&threads[started], NULL, run_until_stop, &load);
		if (!ASSERT_OK(err, "load"))
			break;
	}
	if (started == NR_THREADS)
		drained = swap_and_drain(skel);
	__atomic_store_n(&load.stop, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < started; i++)
		ASSERT_OK(pthread_join(threads[i], NULL), "join_load");
	ASSERT_OK(load.err, "run");
	ASSERT_GT(drained, 0, "drained_some");
	drained += read_counter(skel->maps.counter_0);
	drained += read_counter(skel->maps.counter_1);
	ASSERT_EQ(drained, skel->bss->counted, "drained_all");
}

static void with_skel(void (*test)(struct sync_map_access *skel))
{
	struct sync_map_access *skel = sync_map_access__open_and_load();

	if (ASSERT_OK_PTR(skel, "open_and_load"))
		test(skel);
	sync_map_access__destroy(skel);
}

void test_sync_map_access(void)
{
	if (test__start_subtest("args"))
		test_args();
	if (test__start_subtest("wait"))
		with_skel(test_wait);
	if (test__start_subtest("sleepable"))
		with_skel(test_sleepable);
	if (test__start_subtest("selector"))
		with_skel(test_selector);
}
