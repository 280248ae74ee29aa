// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The ways to wait for running BPF programs, and the choice among them */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "kernel_btf.h"
#include "map_wait_impl.h"

#define COMMAND			"BPF_SYNC_MAP_ACCESS"
#define CPUS_ONLINE_PATH	"/sys/devices/system/cpu/online"

struct map_wait {
	struct map_wait_opts opts;
	const struct way *way;
	__u64 us;
	/* For map_in_map_update. 0: none, as libbpf returns no fd below 3 */
	int outer, inner[2];
	unsigned int updates;
};

struct way {
	const char *name;
	/* Does the running kernel have it? Sets up what wait() needs, so that the
	 * time of that is not measured. Both return 0, or -errno and a reason;
	 * wait() need not give one.
	 */
	int (*prepare)(struct map_wait *w, char *why);
	int (*wait)(struct map_wait *w, char *why);
};

int map_wait_fail(char *why, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, MAP_WAIT_WHY, fmt, ap);
	va_end(ap);

	return err;
}

int map_wait_give(int err, const char *reason, char *why, size_t why_size)
{
	if (err && why && why_size)
		snprintf(why, why_size, "%s", reason);

	return err;
}

bool map_wait_opts_copy(void *dst, size_t size, const void *opts)
{
	const size_t sz = opts ? *(const size_t *)opts : size;
	size_t i;

	for (i = size; i < sz; i++)
		if (((const char *)opts)[i])
			return false;
	if (opts)
		memcpy(dst, opts, sz < size ? sz : size);

	return sz >= sizeof(sz);
}

__u64 map_wait_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return (__u64)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void log_line(const struct map_wait *w, const char *fmt, ...)
{
	char line[MAP_WAIT_WHY];
	va_list ap;

	if (!w->opts.log)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	w->opts.log(w->opts.log_ctx, line);
}

/* On another kernel the number may be another command, and a 0 from that would be
 * taken for a wait. So the kernel's own BTF has to have it under this name.
 */
static int command_prepare(struct map_wait *w, char *why)
{
	/* Parsing types takes tens of milliseconds: only do it if the name is there */
	int found = kernel_btf_has_name(COMMAND), number = -1, id, i;
	struct btf *btf = found > 0 ? btf__load_vmlinux_btf() : NULL;
	const struct btf_type *t;

	if (found < 0 || (found && !btf))
		return map_wait_fail(why, -EOPNOTSUPP,
				     "the kernel's BTF can't be read: %s",
				     strerror(found < 0 ? -found : errno));

	id = btf ? btf__find_by_name_kind(btf, "bpf_cmd", BTF_KIND_ENUM) : 0;
	t = id > 0 ? btf__type_by_id(btf, id) : NULL;
	for (i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_enum(t)[i].name_off), COMMAND))
			number = btf_enum(t)[i].val;
	btf__free(btf);
	if (number == BPF_SYNC_MAP_ACCESS)
		return 0;

	return map_wait_fail(why, -EOPNOTSUPP, "the kernel%s", number < 0 ?
			     " does not have the command" :
			     "'s command has another number");
}

static int command_wait(struct map_wait *w, char *why)
{
	return bpf_sync_map_access();
}

bool map_wait_kernel_has_command(void)
{
	char why[MAP_WAIT_WHY];

	return !command_prepare(NULL, why);
}

static int make_inner(void)
{
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "sync_inner", 4, 4, 1, NULL);
}

/* Whether an update waits can only be probed by timing it, so go by the release.
 * The commit is in map_wait.h.
 */
static int update_prepare(struct map_wait *w, char *why)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	struct utsname uts = {};
	int major, minor;

	if (uname(&uts) || sscanf(uts.release, "%d.%d", &major, &minor) != 2 ||
	    major < 4 || (major == 4 && minor < 20))
		return map_wait_fail(why, -EOPNOTSUPP,
				     "kernel '%s' does not wait, 4.20 and later do",
				     uts.release);
	if (w->opts.after_update)
		return 0;

	w->inner[0] = make_inner();
	if (w->inner[0] > 0)
		w->inner[1] = make_inner();
	opts.inner_map_fd = w->inner[0];
	if (w->inner[1] > 0)
		w->outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS,
					  "sync_outer", 4, 4, 1, &opts);
	if (w->outer <= 0)
		return map_wait_fail(why, -errno, "can't create a scratch map: %s",
				     strerror(errno));

	return 0;
}

/* Each update changes the slot, in case a kernel one day skips the wait where
 * nothing changed.
 */
static int update_wait(struct map_wait *w, char *why)
{
	const int *inner = &w->inner[++w->updates & 1];
	const __u32 key = 0;

	return bpf_map_update_elem(w->outer, &key, inner, BPF_ANY);
}

/* With one CPU online membarrier returns at once, without waiting. Several CPUs
 * are a list ("0,2") or a range ("0-3").
 */
static int several_cpus_online(char *why)
{
	FILE *f = fopen(CPUS_ONLINE_PATH, "re");
	char cpus[256];
	int err = 0;

	if (!f || !fgets(cpus, sizeof(cpus), f) || !strpbrk(cpus, ",-"))
		err = map_wait_fail(why, -EOPNOTSUPP,
				    "it does not wait while one CPU is online, and %s does not list more",
				    CPUS_ONLINE_PATH);
	if (f)
		fclose(f);

	return err;
}

static int membarrier_prepare(struct map_wait *w, char *why)
{
	int cmds = syscall(__NR_membarrier, MEMBARRIER_CMD_QUERY, 0);

	if (cmds < 0)
		return map_wait_fail(why, -EOPNOTSUPP,
				     "the kernel has no membarrier: %s",
				     strerror(errno));

	/* Under nohz_full the command answers EINVAL and is not listed */
	if (!(cmds & MEMBARRIER_CMD_GLOBAL))
		return map_wait_fail(why, -EOPNOTSUPP,
				     "the kernel refuses its global command, as under nohz_full");

	return several_cpus_online(why);
}

static int membarrier_wait(struct map_wait *w, char *why)
{
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0))
		return -errno;

	/* A CPU may have gone offline between the check and the call */
	return several_cpus_online(why);
}

static const struct way ways[] = {
	{ MAP_WAIT_COMMAND,	command_prepare,	command_wait },
	{ MAP_WAIT_UPDATE,	update_prepare,		update_wait },
	{ MAP_WAIT_MEMBARRIER,	membarrier_prepare,	membarrier_wait },
	{}
};

/* Take the first way that works, behind one that does not, or the one that was asked for */
static int choose(struct map_wait *w, char *why)
{
	const char *name = w->opts.way;
	char reason[MAP_WAIT_WHY];
	const struct way *way;
	int len, err = -EINVAL;

	len = snprintf(why, MAP_WAIT_WHY, "can't wait %s", name ? "with" :
		       "for running programs, no provider works:");
	for (way = w->way ? w->way + 1 : ways; way->name; way++) {
		if (name && strcmp(name, way->name))
			continue;
		if (!way->prepare(w, reason)) {
			log_line(w, "provider %s: used", way->name);
			w->way = way;
			return 0;
		}
		log_line(w, "provider %s: passed over, %s", way->name, reason);
		len += snprintf(why + len, MAP_WAIT_WHY - len, "%s %s (%.200s)",
				err == -EINVAL ? "" : ",", way->name, reason);
		err = -EOPNOTSUPP;
	}
	if (err == -EINVAL)
		map_wait_fail(why, err, "unknown provider '%s', expected one of: "
			      MAP_WAIT_WAYS, name);

	return err;
}

int map_wait_open(struct map_wait **wp, const struct map_wait_opts *opts,
		  char *why, size_t why_size)
{
	char reason[MAP_WAIT_WHY] = "out of memory";
	struct map_wait *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (w && map_wait_opts_copy(&w->opts, sizeof(w->opts), opts))
		err = choose(w, reason);
	else if (w)
		err = map_wait_fail(reason, -EINVAL, "the options are not valid");
	if (err) {
		map_wait_close(w);
		w = NULL;
	}
	*wp = w;

	return map_wait_give(err, reason, why, why_size);
}

int map_wait_run(struct map_wait *w, char *why, size_t why_size)
{
	__u64 start = map_wait_now_us();
	char reason[MAP_WAIT_WHY];
	int err;

	do {
		*reason = '\0';
		if (w->opts.after_update && map_wait_by_update(w))
			return 0;
		err = w->way->wait(w, reason);
		/* Who may not issue the command may still have another way */
	} while (err == -EPERM && w->way == ways && !w->opts.way && !choose(w, reason));
	w->us = map_wait_now_us() - start;
	if (!err)
		log_line(w, "provider %s: waited %llu us", w->way->name, w->us);
	else if (why && why_size)
		snprintf(why, why_size, "can't wait with %s: %s", w->way->name,
			 *reason ? reason : strerror(-err));

	return err;
}

void map_wait_close(struct map_wait *w)
{
	if (!w)
		return;
	if (w->outer > 0)
		close(w->outer);
	if (w->inner[0] > 0)
		close(w->inner[0]);
	if (w->inner[1] > 0)
		close(w->inner[1]);
	free(w);
}

int map_wait(const struct map_wait_opts *opts)
{
	struct map_wait *w;
	int err;

	err = map_wait_open(&w, opts, NULL, 0) ? : map_wait_run(w, NULL, 0);
	map_wait_close(w);

	return err;
}

const char *map_wait_way(const struct map_wait *w)
{
	return w->way->name;
}

__u64 map_wait_us(const struct map_wait *w)
{
	return w->us;
}

bool map_wait_by_update(const struct map_wait *w)
{
	return !strcmp(w->way->name, MAP_WAIT_UPDATE);
}
