// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The ways to wait for running BPF programs, and the choice among them */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include <bpf/bpf.h>

#include "kernel_btf.h"
#include "map_wait_impl.h"

#define CPUS_ONLINE_PATH	"/sys/devices/system/cpu/online"

int map_wait_fail(int err, char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);

	return err;
}

void map_wait_log(const struct map_wait *w, const char *fmt, ...)
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

/*
 * bpf_sync_map_access: the bpf(2) command made for it. On a kernel that was
 * not built with this header the number may be another command, and a 0 from
 * that would be taken for a wait. So the number is used only where the running
 * kernel's own BTF gives it this name.
 */
static int command_prepare(struct map_wait *w, char *why, size_t size)
{
	int ret = kernel_btf_enumerator_is("bpf_cmd", "BPF_SYNC_MAP_ACCESS",
					   BPF_SYNC_MAP_ACCESS);

	if (ret > 0)
		return 0;
	if (!ret)
		return map_wait_fail(-EOPNOTSUPP, why, size,
				     "the kernel does not have the command");
	if (ret == -ERANGE)
		return map_wait_fail(-EOPNOTSUPP, why, size,
				     "the kernel's command has another number");

	return map_wait_fail(-EOPNOTSUPP, why, size,
			     "the kernel's BTF can't be read: %s",
			     strerror(-ret));
}

static int command_wait(struct map_wait *w, char *why, size_t size)
{
	if (bpf_sync_map_access())
		return map_wait_fail(-errno, why, size, "%s", strerror(errno));

	return 0;
}

bool map_wait_kernel_has_command(void)
{
	char why[MAP_WAIT_WHY];

	return !command_prepare(NULL, why, sizeof(why));
}

/*
 * map_in_map_update: an update of a map-in-map slot returns after a grace
 * period, since commit 1ae80cf31938 ("bpf: wait for running BPF programs when
 * updating map-in-map") in Linux 4.20. It is done on a private scratch map.
 */
static int update_prepare(struct map_wait *w, char *why, size_t size)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	struct utsname uts;
	int major, minor;

	if (uname(&uts) || sscanf(uts.release, "%d.%d", &major, &minor) != 2)
		return map_wait_fail(-EOPNOTSUPP, why, size,
				     "can't read the kernel's release");

	/* It can't be probed but by timing it, so the release has to tell */
	if (major < 4 || (major == 4 && minor < 20))
		return map_wait_fail(-EOPNOTSUPP, why, size,
				     "kernel %s does not wait, 4.20 and later do",
				     uts.release);

	/* The caller brings its own map-in-map */
	if (w->opts.after_update)
		return 0;

	w->inner[0] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sync_inner", 4, 4, 1,
				     NULL);
	if (w->inner[0] >= 0) {
		opts.inner_map_fd = w->inner[0];
		w->outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS,
					  "sync_outer", 4, 4, 1, &opts);
	}
	if (w->outer < 0)
		return map_wait_fail(-errno, why, size,
				     "can't create a scratch map: %s",
				     strerror(errno));

	return 0;
}

/* Each update changes the slot: a kernel that one day skips the wait where
 * nothing changed is no danger then.
 */
static int update_wait(struct map_wait *w, char *why, size_t size)
{
	int *inner = &w->inner[w->updates & 1];
	const __u32 key = 0;

	if (*inner < 0)
		*inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sync_inner", 4, 4,
					1, NULL);
	if (*inner < 0)
		return map_wait_fail(-errno, why, size,
				     "can't create a scratch map: %s",
				     strerror(errno));

	/* A failed update does not wait */
	if (bpf_map_update_elem(w->outer, &key, inner, BPF_ANY))
		return map_wait_fail(-errno, why, size,
				     "can't update the scratch map: %s",
				     strerror(errno));
	w->updates++;

	return 0;
}

/*
 * membarrier: MEMBARRIER_CMD_GLOBAL waits for an RCU grace period, but
 * returns at once, without waiting, while one CPU is online.
 */

/* Several CPUs are a list ("0,2") or a range ("0-3") */
static int several_cpus_online(char *why, size_t size)
{
	char cpus[256];
	FILE *f;

	f = fopen(CPUS_ONLINE_PATH, "re");
	if (!f)
		return map_wait_fail(-EOPNOTSUPP, why, size,
				     "can't tell how many CPUs are online: %s: %s",
				     CPUS_ONLINE_PATH, strerror(errno));
	if (!fgets(cpus, sizeof(cpus), f))
		cpus[0] = '\0';
	fclose(f);

	if (!strpbrk(cpus, ",-"))
		return map_wait_fail(-EOPNOTSUPP, why, size,
				     "it does not wait while one CPU is online");

	return 0;
}

static int membarrier_prepare(struct map_wait *w, char *why, size_t size)
{
	int cmds;

	cmds = syscall(__NR_membarrier, MEMBARRIER_CMD_QUERY, 0);
	if (cmds < 0)
		return map_wait_fail(-EOPNOTSUPP, why, size,
				     "the kernel has no membarrier: %s",
				     strerror(errno));

	/* Under nohz_full the command answers EINVAL and is not listed */
	if (!(cmds & MEMBARRIER_CMD_GLOBAL))
		return map_wait_fail(-EOPNOTSUPP, why, size,
				     "the kernel refuses its global command, as under nohz_full");

	return several_cpus_online(why, size);
}

static int membarrier_wait(struct map_wait *w, char *why, size_t size)
{
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0))
		return map_wait_fail(-errno, why, size, "%s", strerror(errno));

	/* A CPU may have gone offline between the check and the call */
	return several_cpus_online(why, size);
}

static const struct map_wait_kind command = {
	MAP_WAIT_COMMAND, command_prepare, command_wait
};

static const struct map_wait_kind map_in_map_update = {
	MAP_WAIT_UPDATE, update_prepare, update_wait
};

static const struct map_wait_kind membarrier = {
	MAP_WAIT_MEMBARRIER, membarrier_prepare, membarrier_wait
};

static const struct map_wait_kind * const kinds[] = {
	&command,
	&map_in_map_update,
	&membarrier,
	NULL
};

static bool is_listed(const struct map_wait_kind * const *list,
		      const char *name)
{
	for (; *list; list++)
		if (!strcmp((*list)->name, name))
			return true;

	return false;
}

/* The first of @list that works, or the one of this name */
static int choose(struct map_wait *w, const struct map_wait_kind * const *list,
		  const char *name, const struct map_wait_kind **chosen,
		  char *why, size_t size)
{
	char tried[MAP_WAIT_WHY] = "", reason[MAP_WAIT_WHY / 4];
	int err = -EOPNOTSUPP;
	size_t len = 0;

	for (; *list; list++) {
		if (name && strcmp(name, (*list)->name))
			continue;

		err = (*list)->prepare(w, reason, sizeof(reason));
		if (!err) {
			map_wait_log(w, "provider %s: used", (*list)->name);
			*chosen = *list;
			return 0;
		}

		map_wait_log(w, "provider %s: passed over, %s", (*list)->name,
			     reason);
		len += snprintf(tried + len, sizeof(tried) - len, "%s%s (%s)",
				len ? ", " : "", (*list)->name, reason);
		if (len >= sizeof(tried))
			len = sizeof(tried) - 1;
	}

	if (name)
		return map_wait_fail(err, why, size, "can't wait with %s",
				     tried);

	return map_wait_fail(-EOPNOTSUPP, why, size,
			     "can't wait for %s programs, no provider works: %s",
			     list[-1] == &membarrier ? "running" : "sleepable",
			     tried);
}

static int choose_all(struct map_wait *w, char *why, size_t size)
{
	const char *name = w->opts.way, *sleepable = NULL;
	int err;

	if (name && is_listed(map_wait_sleepable_kinds, name)) {
		if (!w->opts.sleepable && !w->opts.after_update)
			return map_wait_fail(-EINVAL, why, size,
					     "provider %s waits for sleepable programs only",
					     name);
		sleepable = name;
		name = NULL;
	}
	if (name && !is_listed(kinds, name))
		return map_wait_fail(-EINVAL, why, size,
				     "unknown provider '%s', expected one of: %s%s",
				     name, MAP_WAIT_WAYS, w->opts.sleepable ?
				     " | " MAP_WAIT_SLEEPABLE_WAYS : "");

	err = choose(w, kinds, name, &w->kind, why, size);
	if (err || !w->opts.sleepable)
		return err;

	err = choose(w, map_wait_sleepable_kinds, sleepable, &w->sleepable, why,
		     size);
	if (!err && w->opts.after_update)
		err = map_wait_prove(w, why, size);

	return err;
}

/* A caller built with a later header may have set what is not known here */
static bool opts_valid(const struct map_wait_opts *opts)
{
	const char *end = (const char *)opts + opts->sz, *p;

	if (opts->sz < sizeof(opts->sz))
		return false;
	for (p = (const char *)opts + sizeof(*opts); p < end; p++)
		if (*p)
			return false;

	return true;
}

int map_wait_open(struct map_wait **wp, const struct map_wait_opts *opts,
		  char *why, size_t why_size)
{
	char unused[MAP_WAIT_WHY];
	struct map_wait *w;
	int err;

	*wp = NULL;
	if (!why || !why_size) {
		why = unused;
		why_size = sizeof(unused);
	}
	if (opts && !opts_valid(opts))
		return map_wait_fail(-EINVAL, why, why_size,
				     "the options are not valid");

	w = calloc(1, sizeof(*w));
	if (!w)
		return map_wait_fail(-ENOMEM, why, why_size, "%s",
				     strerror(ENOMEM));
	w->outer = -1;
	w->inner[0] = -1;
	w->inner[1] = -1;
	w->prog = -1;
	w->canary = -1;
	if (opts)
		memcpy(&w->opts, opts, opts->sz < sizeof(*opts) ? opts->sz :
		       sizeof(*opts));
	if (!w->opts.timeout_ms)
		w->opts.timeout_ms = MAP_WAIT_TIMEOUT_MS;

	err = choose_all(w, why, why_size);
	if (err) {
		map_wait_close(w);
		return err;
	}
	*wp = w;

	return 0;
}

static int run_one(struct map_wait *w, const struct map_wait_kind *kind,
		   __u64 *us, char *why, size_t size)
{
	char reason[MAP_WAIT_WHY / 2];
	__u64 start = map_wait_now_us();
	int err;

	err = kind->wait(w, reason, sizeof(reason));
	*us = map_wait_now_us() - start;
	if (err)
		return map_wait_fail(err, why, size, "can't wait with %s: %s",
				     kind->name, reason);
	map_wait_log(w, "provider %s: waited %llu us", kind->name, *us);

	return 0;
}

int map_wait_run(struct map_wait *w, char *why, size_t why_size)
{
	char unused[MAP_WAIT_WHY];
	int err = 0;

	if (!why || !why_size) {
		why = unused;
		why_size = sizeof(unused);
	}

	w->us = 0;
	if (!w->opts.after_update || !map_wait_by_update(w))
		err = run_one(w, w->kind, &w->us, why, why_size);
	if (!err && w->sleepable)
		err = run_one(w, w->sleepable, &w->sleepable_us, why, why_size);

	return err;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void map_wait_close(struct map_wait *w)
{
	if (!w)
		return;
	close_fd(w->outer);
	close_fd(w->inner[0]);
	close_fd(w->inner[1]);
	close_fd(w->prog);
	close_fd(w->canary);
	free(w);
}

int map_wait(const struct map_wait_opts *opts)
{
	struct map_wait *w;
	int err;

	err = map_wait_open(&w, opts, NULL, 0);
	if (!err)
		err = map_wait_run(w, NULL, 0);
	map_wait_close(w);

	return err;
}

const char *map_wait_way(const struct map_wait *w)
{
	return w->kind->name;
}

__u64 map_wait_us(const struct map_wait *w)
{
	return w->us;
}

const char *map_wait_sleepable_way(const struct map_wait *w)
{
	return w->sleepable ? w->sleepable->name : NULL;
}

__u64 map_wait_sleepable_us(const struct map_wait *w)
{
	return w->sleepable_us;
}

bool map_wait_by_update(const struct map_wait *w)
{
	return w->kind == &map_in_map_update;
}
