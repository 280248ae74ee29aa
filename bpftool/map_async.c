// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What may run on after a grace period: sleepable programs, and callbacks */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/bpf.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "main.h"
#include "map_async.h"
#include "skeleton/map_sleepable.h"

/* Values in struct map_async_progs */
#define ANSWER_YES	1
#define ANSWER_NO	(-1)

/* These run in softirq, or under a lock of their caller, and can't be made
 * sleepable. Don't add a type because it has no sleepable programs today:
 * tracepoint and raw_tracepoint got some in Linux 7.1.
 */
static bool never_sleeps(__u32 type)
{
	switch (type) {
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_XDP:
	case BPF_PROG_TYPE_PERF_EVENT:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
	case BPF_PROG_TYPE_CGROUP_DEVICE:
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
	case BPF_PROG_TYPE_SOCK_OPS:
	case BPF_PROG_TYPE_SK_SKB:
	case BPF_PROG_TYPE_SK_MSG:
	case BPF_PROG_TYPE_SK_REUSEPORT:
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
		return true;
	default:
		return false;
	}
}

/* Returns 0 or -errno */
static int try_load(__u32 type, size_t nr_insns, __u32 flags)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },	/* R0 = 0 */
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd;

	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = flags);

	fd = bpf_prog_load(type, NULL, "Dual BSD/GPL", insns, nr_insns, &opts);
	if (fd < 0)
		return -errno;
	close(fd);

	return 0;
}

/* No, if the kernel rejects a program only because it is sleepable. @otherwise:
 * what comes of loading it if it is not
 */
static signed char ask(__u32 type, size_t nr_insns, int otherwise)
{
	return try_load(type, nr_insns, 0) == otherwise &&
	       try_load(type, nr_insns, BPF_F_SLEEPABLE) == -EINVAL ?
		       ANSWER_NO : ANSWER_YES;
}

/* Unknown flags are rejected first, then a program without instructions */
bool map_async_kernel_sleeps(struct map_async_progs *progs)
{
	if (!progs->sleepers)
		progs->sleepers = ask(BPF_PROG_TYPE_SOCKET_FILTER, 0, -E2BIG);

	return progs->sleepers == ANSWER_YES;
}

/* Can programs of a type sleep? If the kernel loads none, assume that they can. */
static bool type_sleeps(struct map_async_progs *progs, __u32 type)
{
	if (never_sleeps(type))
		return false;
	/* These are known to sleep, and can't be probed without a target */
	if (type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_LSM ||
	    type == BPF_PROG_TYPE_STRUCT_OPS || type == BPF_PROG_TYPE_EXT ||
	    type >= PROG_TYPES_MAX)
		return true;

	if (!progs->types[type])
		progs->types[type] = ask(type, 2, 0);

	return progs->types[type] == ANSWER_YES;
}

#ifdef BPFTOOL_WITHOUT_SKELETONS

static int run_iterator(struct map_async_progs *progs)
{
	return -EOPNOTSUPP;
}

#else /* BPFTOOL_WITHOUT_SKELETONS */

#include "map_sleepable.skel.h"

/* The kernel never splits an entry between two reads of whole ones */
static int read_list(int fd, struct map_async_progs *progs)
{
	struct map_sleepable_entry entries[1024];
	void *list;
	ssize_t n;

	progs->nr = 0;
	for (;;) {
		n = read(fd, entries, sizeof(entries));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return n ? -errno : 0;

		list = realloc(progs->list, progs->nr * sizeof(*entries) + n);
		if (!list)
			return -ENOMEM;
		progs->list = list;
		memcpy(&progs->list[progs->nr], entries, n);
		progs->nr += n / sizeof(*entries);
	}
}

static int run_iterator(struct map_async_progs *progs)
{
	struct map_sleepable_bpf *skel;
	libbpf_print_fn_t print;
	int fd, err;

	set_max_rlimit();

	/* The caller reports the error, so silence libbpf */
	print = verifier_logs ? NULL : libbpf_set_print(NULL);
	skel = map_sleepable_bpf__open_and_load();
	err = skel ? map_sleepable_bpf__attach(skel) : -errno;
	if (!verifier_logs)
		libbpf_set_print(print);
	if (err)
		goto destroy;

	fd = bpf_iter_create(bpf_link__fd(skel->links.list));
	if (fd < 0) {
		err = -errno;
		goto destroy;
	}
	err = read_list(fd, progs);
	close(fd);

destroy:
	map_sleepable_bpf__destroy(skel);
	return err;
}

#endif /* BPFTOOL_WITHOUT_SKELETONS */

static const struct map_sleepable_entry *
find_entry(struct map_async_progs *progs, __u32 id)
{
	size_t i;

	for (;;) {
		for (i = 0; i < progs->nr; i++)
			if (progs->list[i].id == id)
				return &progs->list[i];
		if (progs->asked)
			return NULL;
		progs->asked = true;
		progs->err = run_iterator(progs);
	}
}

int map_async_sleepable(struct map_async_progs *progs, __u32 id, __u32 type)
{
	const struct map_sleepable_entry *e;

	/* Programs of this type are always sleepable */
	if (type == BPF_PROG_TYPE_SYSCALL)
		return 1;
	if (!map_async_kernel_sleeps(progs) || !type_sleeps(progs, type))
		return 0;

	e = find_entry(progs, id);
	if (e)
		return !!e->sleepable;

	return progs->err ? : -ENOENT;
}

__u32 map_async_target(struct map_async_progs *progs, __u32 id)
{
	const struct map_sleepable_entry *e = find_entry(progs, id);

	return e ? e->target : 0;
}

void map_async_renew(struct map_async_progs *progs)
{
	progs->asked = false;
	progs->err = 0;
}

void map_async_free(struct map_async_progs *progs)
{
	free(progs->list);
}
