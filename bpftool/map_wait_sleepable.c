// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The ways to wait for sleepable BPF programs, which run under RCU Tasks Trace
 *
 * No system call is meant for that. Closing a uprobe's perf event waits as a side
 * effect, so each wait is proven by a canary: a sleepable program of ours that is
 * held in a page fault. The proof is that the kernel's wait began while the canary
 * was held, and had not returned HOLD_MS later, or GRACE_PERIODS times what an
 * ordinary grace period takes here, when the canary was let out. (Closing takes
 * up to three of these in any case.) What kept the wait is not shown: something
 * else that blocks close() for so long and ends right after would look the same.
 *
 * The kernel's wait can't be interrupted, so it has a process of its own.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/perf_event.h>

#include <bpf/bpf.h>

#include "kernel_btf.h"
#include "map_wait_canary.h"
#include "map_wait_impl.h"
#include "map_wait_sleepable.h"

#define UPROBE_TYPE_PATH	"/sys/bus/event_source/devices/uprobe/type"
#define HOLD_MS			100
#define HOLD_MS_MAX		1000
#define GRACE_PERIODS		8
/* The same after a proof was made just before */
#define HOLD_AGAIN_MS		50
/* For the waiting process to answer: other waits are kept by the canary too */
#define BEGIN_MS		1000
/* For a proof, which ends by itself; a shorter timeout is for the wait after it */
#define PROVE_MS		10000
/* Signals let the canary out, even SIGSTOP */
#define TRIES			3

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL		8U
#endif

struct map_wait_sleepable {
	struct map_wait_sleepable_opts opts;
	__u64 us;
	int uprobe_type;
	int prog, canary;	/* 0: none, as libbpf returns no fd below 3 */
	bool proven;
};

/* The process that waits. If the kernel's wait outlives us, so does this process. */
struct waiter {
	int sock;
	pid_t pid;
};

struct wait_msg {
	pid_t pid;
	int err;
};

static void say(int sock, int err)
{
	const struct wait_msg msg = { getpid(), err };

	if (send(sock, &msg, sizeof(msg), MSG_NOSIGNAL) == sizeof(msg) && !err)
		return;
	/* At exit the event might be closed before the socket, and that may wait */
	close(sock);
	_exit(1);
}

/* Reports three times that all went well: ready, beginning to wait, has waited.
 * Only async-signal-safe calls, as the caller may have threads. The event is a CPU's,
 * because for the first event of a task the kernel patches scheduler code.
 */
static void waiter_main(const struct perf_event_attr *attr, int file, int sock,
			int prog)
{
	int fds[] = { file, sock, prog }, i, fd;
	char go;

	/* Close all else, so that no reader of a pipe and no lock waits for this process,
	 * even if another wait keeps the event from getting its program (6.1, 6.12)
	 */
	for (i = 0; i < 3; i++)
		fds[i] = fcntl(fds[i], F_DUPFD, 3);
	for (i = 0; i < 3; i++)
		if (fds[i] < 0 || dup2(fds[i], i) < 0)
			say(sock, errno);
	sock = 1;
	if (syscall(__NR_close_range, 3, ~0U, 0))
		say(sock, errno);
	fd = syscall(__NR_perf_event_open, attr, -1, sched_getcpu(), -1, 0);
	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_BPF, 2))
		say(sock, errno);

	say(sock, 0);
	if (recv(sock, &go, 1, 0) != 1)
		_exit(1);
	say(sock, 0);
	if (close(fd))
		_exit(1);
	say(sock, 0);
}

/* A grandchild belongs to init, so the caller gets no zombie. The caller's signal
 * handlers don't run in it.
 */
static int fork_waiter(const struct perf_event_attr *attr, int file, int sock,
		       int prog)
{
	int status, ret, err = 0;
	sigset_t all, old;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (!pid) {
		pid = fork();
		if (pid)
			_exit(pid < 0 ? errno : 0);
		waiter_main(attr, file, sock, prog);
		_exit(0);
	}
	if (pid < 0)
		err = -errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return err;

	do {
		ret = waitpid(pid, &status, 0);
	} while (ret < 0 && errno == EINTR);

	/* Without a status the caller ignores SIGCHLD, or has a thread that waits */
	return ret == pid && WIFEXITED(status) ? -WEXITSTATUS(status) : 0;
}

/* Returns 0 once the process reports that all is well, or -errno */
static int waiter_hear(struct waiter *u, const struct map_wait_limit *l)
{
	struct wait_msg msg;
	int err;

	err = map_wait_readable(l, u->sock);
	if (err)
		return err;
	if (recv(u->sock, &msg, sizeof(msg), 0) != sizeof(msg))
		return -ECHILD;
	u->pid = msg.pid;

	return -msg.err;
}

/* The uprobe is on a file that has no other use and that no process runs, so no
 * breakpoint is set anywhere.
 */
static int waiter_start(struct waiter *u, const struct map_wait_sleepable *w,
			const struct map_wait_limit *l)
{
	struct perf_event_attr attr = { .type = w->uprobe_type, .size = sizeof(attr),
		.uprobe_path = (unsigned long)"/proc/self/fd/0" };
	int file, socks[2] = { -1, -1 }, err = 0;

	file = memfd_create("map_wait", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	if (file < 0 && errno == EINVAL)
		file = memfd_create("map_wait", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, 4096) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks))
		err = -errno;

	u->sock = socks[0];
	if (!err) {
		err = fork_waiter(&attr, file, socks[1], w->prog);
		close(socks[1]);
	}
	if (!err)
		err = waiter_hear(u, l);
	if (file >= 0)
		close(file);

	return err;
}

/* Once it has begun, it only closes the event */
static bool waiter_waits(const struct waiter *u)
{
	char path[32], line[512], *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", u->pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	state = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);

	return state && !strncmp(state, ") D", 3);
}

/* How long to hold the canary, or -errno */
static int hold_ms(const struct map_wait_sleepable *w)
{
	__u64 start = map_wait_now_us(), ms;
	int err;

	if (w->proven)
		return HOLD_AGAIN_MS;

	err = map_wait(NULL);
	if (err)
		return err;
	ms = GRACE_PERIODS * (map_wait_now_us() - start) / 1000;

	return ms < HOLD_MS ? HOLD_MS : ms > HOLD_MS_MAX ? HOLD_MS_MAX : ms;
}

/* Returns 0 if the wait began and did not return for @ms; -EPROTO if it did;
 * -EAGAIN if that can't be seen
 */
static int hold(struct waiter *u, int ms, const struct map_wait_limit *l)
{
	struct map_wait_limit held;
	int err;

	if (send(u->sock, "", 1, MSG_NOSIGNAL) != 1)
		return -errno;
	held = map_wait_sooner(l, BEGIN_MS);
	err = waiter_hear(u, &held);
	if (err)
		return err == -ETIMEDOUT && held.until < l->until ? -EAGAIN :
								    err;

	held = map_wait_sooner(l, ms);
	err = waiter_hear(u, &held);
	if (!err)
		return -EPROTO;
	if (err != -ETIMEDOUT || held.until == l->until)
		return err;

	return waiter_waits(u) ? 0 : -EAGAIN;
}

/* @what: the last step, for an error message */
static int proven_wait(const struct map_wait_sleepable *w, bool prove_only,
		       const struct map_wait_limit *l, const char **what)
{
	struct map_wait_canary canary;
	struct waiter u = { .sock = -1 };
	int ms, err, out;

	*what = "can't tell how long a grace period takes";
	ms = hold_ms(w);
	if (ms < 0)
		return ms;

	*what = "can't close a uprobe event in another process";
	err = waiter_start(&u, w, l);
	if (err)
		goto close_sock;

	*what = "can't hold a sleepable program in a page fault";
	err = map_wait_canary_start(&canary, w->canary, l);
	if (err)
		goto close_sock;

	*what = "the waiting process ended early";
	err = hold(&u, ms, l);
	out = map_wait_canary_end(&canary);
	if (!err && out)
		err = -EAGAIN;
	if (err)
		goto close_sock;

	/* Another sleepable program may keep the proof's wait from ending */
	if (!prove_only)
		err = waiter_hear(&u, l);

close_sock:
	if (u.sock >= 0)
		close(u.sock);

	return err;
}

static int run(const struct map_wait_sleepable *w, bool prove_only, char *why)
{
	const __u32 ms = prove_only && w->opts.timeout_ms < PROVE_MS ?
			 PROVE_MS : w->opts.timeout_ms;
	const struct map_wait_limit l = {
		map_wait_now_us() + ms * 1000ULL,
		w->opts.cancel_fd
	};
	const char *lacks = "can't wait with " MAP_WAIT_UPROBE;
	const char *what;
	int tries = 0, err;

	do {
		err = proven_wait(w, prove_only, &l, &what);
	} while (err == -EAGAIN && ++tries < TRIES);

	switch (err) {
	case 0:
		return 0;
	case -EPROTO:
		return map_wait_fail(why, err,
				     "%s: it returned while a sleepable program was running, so it does not wait on this kernel",
				     lacks);
	case -EAGAIN:
		return map_wait_fail(why, err,
				     "%s: a sleepable program could not be held in a page fault for long enough",
				     lacks);
	case -ETIMEDOUT:
		return map_wait_fail(why, err,
				     "%s: sleepable programs were still running after %g s",
				     lacks, ms / 1000.0);
	default:
		return map_wait_fail(why, err, "%s: %s: %s", lacks, what,
				     strerror(-err));
	}
}

int map_wait_sleepable_prove(struct map_wait_sleepable *w, char *why,
			     size_t why_size)
{
	char reason[MAP_WAIT_WHY];
	int err = run(w, true, reason);

	w->proven = !err;

	return map_wait_give(err, reason, why, why_size);
}

int map_wait_sleepable_run(struct map_wait_sleepable *w, char *why,
			   size_t why_size)
{
	__u64 start = map_wait_now_us();
	char reason[MAP_WAIT_WHY];
	int err = run(w, false, reason);

	w->us = map_wait_now_us() - start;

	return map_wait_give(err, reason, why, why_size);
}

/* bpf_call_rcu_tasks_trace: a kfunc that calls a program back after a grace
 * period of RCU Tasks Trace. No release has it so far.
 */
static const char *why_no_kfunc(void)
{
	return kernel_btf_has_name(MAP_WAIT_KFUNC) > 0 ?
	       "the kernel has it, but this version can't use it" :
	       "the kernel does not have the kfunc";
}

/* Returns 0, or -errno with what the kernel lacks */
static int prepare_uprobe(struct map_wait_sleepable *w, const char **lacks)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	FILE *f = fopen(UPROBE_TYPE_PATH, "re");
	int nr;

	*lacks = "the kernel has no uprobe events";
	if (!f)
		return -errno;
	nr = fscanf(f, "%d", &w->uprobe_type);
	fclose(f);
	if (nr != 1)
		return -EINVAL;

	*lacks = "can't load a sleepable program";
	w->canary = map_wait_canary_load();
	if (w->canary < 0)
		return w->canary;

	*lacks = "can't load a program for a uprobe";
	w->prog = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "wait_uprobe",
				"Dual BSD/GPL", nothing,
				sizeof(nothing) / sizeof(*nothing), NULL);

	return w->prog < 0 ? -errno : 0;
}

static int prepare(struct map_wait_sleepable *w, char *why)
{
	const char *name = w->opts.way, *lacks;
	int err;

	if (!w->opts.timeout_ms)
		w->opts.timeout_ms = MAP_WAIT_TIMEOUT_MS;

	if (name && !strcmp(name, MAP_WAIT_KFUNC))
		return map_wait_fail(why, -EOPNOTSUPP, "can't wait with %s (%s)",
				     name, why_no_kfunc());
	if (name && strcmp(name, MAP_WAIT_UPROBE))
		return map_wait_fail(why, -EINVAL,
				     "unknown provider '%s', expected one of: "
				     MAP_WAIT_SLEEPABLE_WAYS, name);

	err = prepare_uprobe(w, &lacks);
	if (!err)
		return 0;
	if (name)
		return map_wait_fail(why, -EOPNOTSUPP,
				     "can't wait with %s (%s: %s)", name, lacks,
				     strerror(-err));

	return map_wait_fail(why, -EOPNOTSUPP,
			     "can't wait for sleepable programs, no provider works: "
			     MAP_WAIT_KFUNC " (%s), " MAP_WAIT_UPROBE " (%s: %s)",
			     why_no_kfunc(), lacks, strerror(-err));
}

int map_wait_sleepable_open(struct map_wait_sleepable **wp,
			    const struct map_wait_sleepable_opts *opts,
			    char *why, size_t why_size)
{
	char reason[MAP_WAIT_WHY] = "out of memory";
	struct map_wait_sleepable *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (w && map_wait_opts_copy(&w->opts, sizeof(w->opts), opts))
		err = prepare(w, reason);
	else if (w)
		err = map_wait_fail(reason, -EINVAL, "the options are not valid");
	if (err) {
		map_wait_sleepable_close(w);
		w = NULL;
	}
	*wp = w;

	return map_wait_give(err, reason, why, why_size);
}

void map_wait_sleepable_close(struct map_wait_sleepable *w)
{
	if (!w)
		return;
	if (w->prog > 0)
		close(w->prog);
	if (w->canary > 0)
		close(w->canary);
	free(w);
}

int map_wait_sleepable(const struct map_wait_sleepable_opts *opts)
{
	struct map_wait_sleepable *w;
	int err;

	err = map_wait_sleepable_open(&w, opts, NULL, 0);
	if (!err)
		err = map_wait_sleepable_run(w, NULL, 0);
	map_wait_sleepable_close(w);

	return err;
}

const char *map_wait_sleepable_way(const struct map_wait_sleepable *w)
{
	return MAP_WAIT_UPROBE;
}

__u64 map_wait_sleepable_us(const struct map_wait_sleepable *w)
{
	return w->us;
}
