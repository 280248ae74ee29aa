// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The ways to wait for sleepable BPF programs, which run under RCU Tasks Trace
 *
 * No system call is made for that. Closing a uprobe's perf event waits as a side
 * effect, so each wait is proven by a canary: a sleepable program of ours that is
 * held in a page fault. Shown is that the kernel's wait began while the canary
 * was inside, and had not returned HOLD_MS later, or GRACE_PERIODS times what an
 * ordinary grace period takes here, when the canary was let out. (Closing takes
 * up to three of these in any case.) Not shown is what kept it: something else
 * that blocks close() for so long and ends right after would look the same.
 *
 * The kernel's wait can't be interrupted, so it has a process of its own.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/membarrier.h>
#include <linux/perf_event.h>

#include <bpf/bpf.h>

#include "kernel_btf.h"
#include "map_wait_impl.h"

#define UPROBE_TYPE_PATH	"/sys/bus/event_source/devices/uprobe/type"
#define HOLD_MS			100
#define HOLD_MS_MAX		1000
#define GRACE_PERIODS		8
/* Where a proof has been made just before */
#define HOLD_AGAIN_MS		50
/* For that process to answer: others wait for the canary, too */
#define BEGIN_MS		1000
/* For a proof, which ends by itself: a shorter limit is for the wait after it */
#define PROVE_MS		10000
/* Signals let the canary out, even SIGSTOP */
#define TRIES			3

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL		8U
#endif

/*
 * bpf_call_rcu_tasks_trace: a kfunc that calls a program back after a grace
 * period of RCU Tasks Trace. No release has it so far.
 */
static int kfunc_prepare(struct map_wait *w, char *why, size_t size)
{
	bool found = kernel_btf_has_name(MAP_WAIT_KFUNC) > 0;

	return map_wait_fail(-EOPNOTSUPP, why, size,
			     found ? "the kernel has it, but this version can't use it" :
				     "the kernel does not have the kfunc");
}

static const struct map_wait_kind kfunc = {
	MAP_WAIT_KFUNC, kfunc_prepare
};

/* The process that waits. Where the kernel's wait outlives us, so does it. */

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

	if (send(sock, &msg, sizeof(msg), MSG_NOSIGNAL) == sizeof(msg))
		return;
	/* At the end the event may be closed first, and that may wait */
	close(sock);
	_exit(1);
}

/* Says three times that all went well: it is ready, it begins to wait, it has
 * waited. Only what may be called after fork() in a program with threads.
 */
static void waiter_main(const struct perf_event_attr *attr, int sock, int prog)
{
	unsigned int lo, hi;
	char go;
	int fd;

	fd = syscall(__NR_perf_event_open, attr, 0, -1, -1,
		     PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog)) {
		say(sock, errno);
		_exit(1);
	}

	/* No reader of a pipe of ours waits for this process, nor does anyone
	 * for a lock. close_range() is older than what the canary needs.
	 */
	lo = sock < fd ? sock : fd;
	hi = sock < fd ? fd : sock;
	syscall(__NR_close_range, hi + 1, ~0U, 0);
	if (hi > lo + 1)
		syscall(__NR_close_range, lo + 1, hi - 1, 0);
	if (lo)
		syscall(__NR_close_range, 0, lo - 1, 0);

	say(sock, 0);
	if (recv(sock, &go, 1, 0) != 1)
		_exit(1);
	say(sock, 0);
	if (close(fd))
		_exit(1);
	say(sock, 0);
}

/* A grandchild belongs to init: the caller gets no zombie. Its handlers of
 * signals don't run in there.
 */
static int fork_waiter(const struct perf_event_attr *attr, int sock, int prog)
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
		waiter_main(attr, sock, prog);
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

	/* Without it the caller ignores SIGCHLD, or has a thread that waits */
	return ret == pid && WIFEXITED(status) ? -WEXITSTATUS(status) : 0;
}

/* Returns 0 when it says that all is well, or -errno */
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

/* The uprobe is on a file that has no other use, and that no process runs: so
 * there is no breakpoint anywhere.
 */
static int waiter_start(struct waiter *u, const struct map_wait *w,
			const struct map_wait_limit *l)
{
	struct perf_event_attr attr = { .type = w->uprobe_type,
					.size = sizeof(attr) };
	int file, socks[2] = { -1, -1 }, err = 0;
	char path[32];

	file = memfd_create("map_wait", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	if (file < 0 && errno == EINVAL)
		file = memfd_create("map_wait", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, 4096) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks))
		err = -errno;

	u->sock = socks[0];
	if (!err) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
		attr.uprobe_path = (unsigned long)path;
		err = fork_waiter(&attr, socks[1], w->prog);
		close(socks[1]);
	}
	if (!err)
		err = waiter_hear(u, l);
	if (file >= 0)
		close(file);

	return err;
}

/* Once it began, it does nothing but to close */
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

/* For how long the canary is held */
static __u64 hold_ms(const struct map_wait *w)
{
	__u64 ms, us = w->us, start = map_wait_now_us();

	if (w->proven)
		return HOLD_AGAIN_MS;

	/* No wait took place so far: see how long one is */
	if (!us && !syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0))
		us = map_wait_now_us() - start;
	ms = GRACE_PERIODS * us / 1000;

	return ms < HOLD_MS ? HOLD_MS : ms > HOLD_MS_MAX ? HOLD_MS_MAX : ms;
}

/* Returns 0 if the wait began and did not return for so long; -EPROTO if it
 * did; -EAGAIN if that can't be seen
 */
static int hold(struct waiter *u, __u64 ms, const struct map_wait_limit *l)
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

/* @what: what was done last */
static int proven_wait(struct map_wait *w, bool prove_only,
		       const struct map_wait_limit *l, const char **what)
{
	struct map_wait_canary canary;
	__u64 ms = hold_ms(w);
	struct waiter u;
	int err, out;

	*what = "can't close a uprobe event in another process";
	err = waiter_start(&u, w, l);
	if (err)
		goto close_sock;

	*what = "can't hold a sleepable program in a page fault";
	err = map_wait_canary_start(&canary, w->canary, l);
	if (err)
		goto close_sock;

	*what = "the process that waits ended early";
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

static int uprobe_run(struct map_wait *w, bool prove_only, char *why,
		      size_t size)
{
	const __u32 ms = prove_only && w->opts.timeout_ms < PROVE_MS ?
			 PROVE_MS : w->opts.timeout_ms;
	const struct map_wait_limit l = {
		map_wait_now_us() + ms * 1000ULL,
		w->opts.cancel_fd
	};
	const char *what;
	int tries = 0, err;

	do {
		err = proven_wait(w, prove_only, &l, &what);
	} while (err == -EAGAIN && ++tries < TRIES);

	if (err == -EPROTO)
		return map_wait_fail(err, why, size,
				     "it returned while a sleepable program was running, so it is no wait on this kernel");
	if (err == -EAGAIN)
		return map_wait_fail(err, why, size,
				     "a sleepable program could not be held in a page fault for long enough");
	if (err == -ETIMEDOUT)
		return map_wait_fail(err, why, size,
				     "sleepable programs were still running after %g s",
				     ms / 1000.0);
	if (err)
		return map_wait_fail(err, why, size, "%s: %s", what,
				     strerror(-err));

	return 0;
}

static int uprobe_wait(struct map_wait *w, char *why, size_t size)
{
	return uprobe_run(w, false, why, size);
}

static int load_program(enum bpf_prog_type type, const char *name,
			const struct bpf_insn *insns, size_t nr, __u32 flags)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = flags);

	return bpf_prog_load(type, name, "Dual BSD/GPL", insns, nr, &opts);
}

static int read_uprobe_type(int *type)
{
	FILE *f = fopen(UPROBE_TYPE_PATH, "re");
	int err = 0;

	if (!f)
		return -errno;
	if (fscanf(f, "%d", type) != 1)
		err = -EINVAL;
	fclose(f);

	return err;
}

static int uprobe_prepare(struct map_wait *w, char *why, size_t size)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	/* return bpf_copy_from_user(stack, 8, ctx->page) */
	const struct bpf_insn canary[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_3,
		  .src_reg = BPF_REG_1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1,
		  .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1,
		  .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2,
		  .imm = 8 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_copy_from_user },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int err = read_uprobe_type(&w->uprobe_type);

	if (err)
		return map_wait_fail(-EOPNOTSUPP, why, size,
				     "the kernel has no uprobe events: %s",
				     strerror(-err));

	w->canary = load_program(BPF_PROG_TYPE_SYSCALL, "wait_canary", canary,
				 sizeof(canary) / sizeof(*canary),
				 BPF_F_SLEEPABLE);
	if (w->canary < 0)
		return map_wait_fail(-EOPNOTSUPP, why, size,
				     "can't load a sleepable program: %s",
				     strerror(errno));

	w->prog = load_program(BPF_PROG_TYPE_KPROBE, "wait_uprobe", nothing,
			       sizeof(nothing) / sizeof(*nothing), 0);
	if (w->prog < 0)
		return map_wait_fail(-EOPNOTSUPP, why, size,
				     "can't load a program for a uprobe: %s",
				     strerror(errno));

	return 0;
}

static const struct map_wait_kind uprobe = {
	MAP_WAIT_UPROBE, uprobe_prepare, uprobe_wait
};

const struct map_wait_kind * const map_wait_sleepable_kinds[] = {
	&kfunc,
	&uprobe,
	NULL
};

int map_wait_prove(struct map_wait *w, char *why, size_t size)
{
	char reason[MAP_WAIT_WHY / 2];
	int err;

	if (w->sleepable != &uprobe)
		return 0;
	err = uprobe_run(w, true, reason, sizeof(reason));
	if (err)
		return map_wait_fail(err, why, size, "can't wait with %s: %s",
				     w->sleepable->name, reason);
	w->proven = true;

	return 0;
}
