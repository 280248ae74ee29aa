// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The ways to wait for sleepable BPF programs, which run under RCU Tasks Trace
 *
 * No system call is made for that. Closing a uprobe's perf event waits as a side
 * effect, so each wait is proven by a canary: a sleepable program of ours that is
 * held in a page fault. Shown is that the kernel's wait began while the canary
 * was inside, and had not returned after HOLD_MS, or twice the time that an
 * ordinary grace period took just before, when the canary was let out. Not shown
 * is what kept it: something else that blocks close() for so long and ends right
 * after would look the same.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/perf_event.h>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpacked"
#include <linux/userfaultfd.h>
#pragma GCC diagnostic pop

#include <bpf/bpf.h>

#include "kernel_btf.h"
#include "map_wait_impl.h"

#define UPROBE_TYPE_PATH	"/sys/bus/event_source/devices/uprobe/type"
#define HOLD_MS			50
#define HOLD_MS_MAX		1000
/* A program of somebody else's may hold the grace period of the proof */
#define PROOF_END_MS		500
/* A signal lets the canary out, SIGSTOP for one */
#define TRIES			3

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL		8U
#endif

#define INSN(op, dst, src, offset, immediate)				\
	((struct bpf_insn) { .code = (op), .dst_reg = (dst),		\
			     .src_reg = (src), .off = (offset),		\
			     .imm = (immediate) })

/*
 * bpf_call_rcu_tasks_trace: a kfunc that calls a program back after a grace
 * period of RCU Tasks Trace. No release has it so far.
 */
static int kfunc_prepare(struct map_wait *w, char *why, size_t size)
{
	if (kernel_btf_has_name(MAP_WAIT_KFUNC) > 0)
		return map_wait_fail(-EOPNOTSUPP, why, size,
				     "the kernel has it, but this version can't use it");

	return map_wait_fail(-EOPNOTSUPP, why, size,
			     "the kernel does not have the kfunc");
}

static int kfunc_wait(struct map_wait *w, char *why, size_t size)
{
	return map_wait_fail(-EOPNOTSUPP, why, size, "not implemented");
}

static const struct map_wait_kind kfunc = {
	MAP_WAIT_KFUNC, kfunc_prepare, kfunc_wait
};

/* The wait's own process, which outlives us where the kernel's wait does */

enum wait_step { STEP_OPEN, STEP_ATTACH, STEP_READY, STEP_CLOSING, STEP_DONE };

struct wait_msg {
	enum wait_step step;
	int err;
	pid_t pid;
};

struct waiter {
	int sock, file;
	char path[32];
	struct perf_event_attr attr;
};

/* Only what may be called after fork() in a program with threads */
static void close_others(int keep, int keep_too, unsigned int max)
{
	unsigned int lo = keep < keep_too ? keep : keep_too;
	unsigned int hi = keep < keep_too ? keep_too : keep, fd;

#ifdef __NR_close_range
	if (!syscall(__NR_close_range, hi + 1, ~0U, 0)) {
		if (lo)
			syscall(__NR_close_range, 0, lo - 1, 0);
		if (hi > lo + 1)
			syscall(__NR_close_range, lo + 1, hi - 1, 0);
		return;
	}
#endif
	for (fd = 0; fd < max; fd++)
		if (fd != lo && fd != hi)
			close(fd);
}

static void say(int sock, enum wait_step step, int err)
{
	const struct wait_msg msg = { step, err, getpid() };

	if (send(sock, &msg, sizeof(msg), MSG_NOSIGNAL) != sizeof(msg))
		_exit(1);
}

static void __attribute__((noreturn))
waiter_main(const struct waiter *u, int sock, int prog, unsigned int max_fds)
{
	char go;
	int fd;

	fd = syscall(__NR_perf_event_open, &u->attr, 0, -1, -1,
		     PERF_FLAG_FD_CLOEXEC);
	if (fd < 0) {
		say(sock, STEP_OPEN, errno);
		_exit(1);
	}
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog)) {
		say(sock, STEP_ATTACH, errno);
		_exit(1);
	}

	/* Neither the reader of a pipe nor who waits for a lock waits for us */
	close_others(sock, fd, max_fds);
	say(sock, STEP_READY, 0);
	if (recv(sock, &go, 1, 0) != 1)
		_exit(1);

	say(sock, STEP_CLOSING, 0);
	if (close(fd))
		_exit(1);
	say(sock, STEP_DONE, 0);
	_exit(0);
}

/* A grandchild belongs to init, so that nobody has to wait for it */
static int fork_waiter(const struct waiter *u, int sock, int prog)
{
	long max_fds = sysconf(_SC_OPEN_MAX);
	sigset_t all, old;
	int err = 0, ret;
	pid_t pid;

	/* No handler of the caller's runs in there */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (!pid) {
		pid = fork();
		if (pid)
			_exit(pid < 0 ? errno : 0);
		waiter_main(u, sock, prog, max_fds > 0 ? max_fds : 65536);
	}
	if (pid < 0)
		err = -errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return err;

	while ((ret = waitpid(pid, &err, 0)) < 0 && errno == EINTR)
		;
	/* ECHILD: the caller ignores SIGCHLD, or waits for any child */
	if (ret == pid && WIFEXITED(err))
		return -WEXITSTATUS(err);

	return 0;
}

static void waiter_close(struct waiter *u)
{
	if (u->sock >= 0)
		close(u->sock);
	if (u->file >= 0)
		close(u->file);
}

/* The uprobe is on a file that has no other use, and that nothing ever runs:
 * so there is no breakpoint anywhere.
 */
static int waiter_start(struct waiter *u, int type, int prog)
{
	int socks[2], err;

	u->sock = -1;
	u->file = memfd_create("map_wait", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	if (u->file < 0 && errno == EINVAL)
		u->file = memfd_create("map_wait", MFD_CLOEXEC);
	if (u->file < 0 || ftruncate(u->file, 4096) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks))
		return -errno;

	snprintf(u->path, sizeof(u->path), "/proc/self/fd/%d", u->file);
	memset(&u->attr, 0, sizeof(u->attr));
	u->attr.size = sizeof(u->attr);
	u->attr.type = type;
	u->attr.uprobe_path = (unsigned long)u->path;

	u->sock = socks[0];
	err = fork_waiter(u, socks[1], prog);
	close(socks[1]);

	return err;
}

/* Time and cancellation */

struct limit {
	__u64 until;
	int cancel_fd;
};

/* Wait until one of two descriptors is readable, fd2 -1: there is none. Returns
 * which, 0 or 1; -ETIMEDOUT or -ECANCELED.
 */
static int wait_readable(const struct limit *l, int fd, int fd2)
{
	struct pollfd fds[3] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = fd2, .events = POLLIN },
		{ .fd = l->cancel_fd ? : -1, .events = POLLIN },
	};
	__u64 now;
	int n;

	do {
		now = map_wait_now_us();
		n = poll(fds, 3, now < l->until ?
			 (int)((l->until - now + 999) / 1000) : 0);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			return fds[2].revents ? -ECANCELED : !fds[0].revents;
	} while (n < 0 || map_wait_now_us() < l->until);

	return -ETIMEDOUT;
}

/* Returns 0 and the next message, or -errno */
static int waiter_hear(const struct waiter *u, const struct limit *l,
		       struct wait_msg *msg)
{
	int ret = wait_readable(l, u->sock, -1);

	if (ret < 0)
		return ret;
	if (recv(u->sock, msg, sizeof(*msg), 0) != sizeof(*msg))
		return -ECHILD;

	return -msg->err;
}

/* It does nothing after STEP_CLOSING but to close */
static bool waiter_sleeps(pid_t pid)
{
	char path[32], line[512], *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	state = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);

	return state && !strncmp(state, ") D", 3);
}

/* The canary */

struct canary {
	void *page;
	size_t page_size;
	int prog, uffd, ended;
	int err;		/* of the run, or what the program returned */
	pthread_t thread;
};

static void *canary_main(void *arg)
{
	struct canary *c = arg;
	__u64 ctx = (unsigned long)c->page, one = 1;

	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx));

	c->err = bpf_prog_test_run_opts(c->prog, &opts) ? -errno :
		 (int)opts.retval;
	if (write(c->ended, &one, sizeof(one)) < 0)
		c->err = -errno;

	return NULL;
}

/* Let it out; returns 0 if it was inside until then, or why it was not */
static int canary_end(struct canary *c)
{
	struct uffdio_range range = { (unsigned long)c->page, c->page_size };
	int err;

	ioctl(c->uffd, UFFDIO_UNREGISTER, &range);
	close(c->uffd);
	pthread_join(c->thread, NULL);
	err = c->err;
	close(c->ended);
	munmap(c->page, c->page_size);

	return err;
}

static int canary_page(struct canary *c)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	/* poll() of a userfaultfd that blocks is an error */
	c->uffd = syscall(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (c->uffd < 0)
		return -errno;
	/* Under mlockall() the page is there already */
	munlock(c->page, c->page_size);
	madvise(c->page, c->page_size, MADV_DONTNEED);

	reg.range.start = (unsigned long)c->page;
	reg.range.len = c->page_size;
	if (ioctl(c->uffd, UFFDIO_API, &api) ||
	    ioctl(c->uffd, UFFDIO_REGISTER, &reg))
		return -errno;

	return 0;
}

static int canary_thread(struct canary *c)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&c->thread, NULL, canary_main, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);

	return -err;
}

/* Returns 0 once it is inside, to be ended then; or -errno and nothing is left */
static int canary_start(struct canary *c, int prog, const struct limit *l)
{
	int err;

	memset(c, 0, sizeof(*c));
	c->prog = prog;
	c->uffd = -1;
	c->page_size = sysconf(_SC_PAGESIZE);
	c->page = mmap(NULL, c->page_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->page == MAP_FAILED)
		return -errno;
	c->ended = eventfd(0, EFD_CLOEXEC);
	err = c->ended < 0 ? -errno : canary_page(c) ? : canary_thread(c);
	if (err)
		goto unmap;

	err = wait_readable(l, c->uffd, c->ended);
	if (!err)
		return 0;
	/* It ended without a fault, or it is not there in time */
	if (err > 0)
		err = -EAGAIN;
	return canary_end(c) < 0 ? c->err : err;

unmap:
	if (c->uffd >= 0)
		close(c->uffd);
	if (c->ended >= 0)
		close(c->ended);
	munmap(c->page, c->page_size);

	return err;
}

/* Returns 0 if the wait did not return for as long as the canary was inside;
 * -EPROTO if it did; -EAGAIN if that can't be told
 */
static int hold(struct map_wait *w, const struct waiter *u,
		const struct limit *l)
{
	__u64 hold_us = 2 * w->us, now;
	struct limit held = *l;
	struct wait_msg msg;
	int err;

	if (hold_us < HOLD_MS * 1000)
		hold_us = HOLD_MS * 1000;
	if (hold_us > HOLD_MS_MAX * 1000)
		hold_us = HOLD_MS_MAX * 1000;

	if (send(u->sock, "", 1, MSG_NOSIGNAL) != 1)
		return -errno;
	err = waiter_hear(u, l, &msg);
	if (err)
		return err;
	now = map_wait_now_us();
	if (now + hold_us < l->until)
		held.until = now + hold_us;
	err = waiter_hear(u, &held, &msg);
	if (!err)
		return -EPROTO;
	if (err != -ETIMEDOUT || held.until == l->until)
		return err;

	return waiter_sleeps(msg.pid) ? 0 : -EAGAIN;
}

/* @what: what was done last; with @prove_only it need not be waited for the end */
static int proven_wait(struct map_wait *w, bool prove_only,
		       const struct limit *l, const char **what)
{
	struct limit end = *l;
	struct wait_msg msg = {};
	struct canary canary;
	struct waiter u;
	int err, out;

	*what = "can't start the process that waits";
	err = waiter_start(&u, w->uprobe_type, w->prog);
	if (!err) {
		err = waiter_hear(&u, l, &msg);
		*what = msg.step == STEP_OPEN ? "can't open a uprobe" :
			"can't attach a program to a uprobe";
	}
	if (!err) {
		err = canary_start(&canary, w->canary, l);
		*what = "can't hold a sleepable program in a page fault";
	}
	if (err)
		goto close_waiter;

	err = hold(w, &u, l);
	*what = "the wait ended too early";
	out = canary_end(&canary);
	if (!err && out)
		err = -EAGAIN;
	if (err)
		goto close_waiter;

	if (prove_only)
		end.until = map_wait_now_us() + PROOF_END_MS * 1000;
	err = waiter_hear(&u, &end, &msg);
	if (prove_only && err == -ETIMEDOUT)
		err = 0;

close_waiter:
	waiter_close(&u);

	return err;
}

static int uprobe_run(struct map_wait *w, bool prove_only, char *why,
		      size_t size)
{
	const struct limit l = {
		map_wait_now_us() + w->opts.timeout_ms * 1000ULL,
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
	if (err == -ETIMEDOUT)
		return map_wait_fail(err, why, size,
				     "sleepable programs were still running after %u.%u s",
				     w->opts.timeout_ms / 1000,
				     w->opts.timeout_ms / 100 % 10);
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
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	/* return bpf_copy_from_user(stack, 8, ctx->page) */
	const struct bpf_insn canary[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_3, BPF_REG_1, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, -8),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 8),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_copy_from_user),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
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

	return 0;
}
