// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A sleepable program of ours, held in a page fault */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpacked"
#include <linux/userfaultfd.h>
#pragma GCC diagnostic pop

#include <bpf/bpf.h>

#include "map_wait_canary.h"
#include "map_wait_impl.h"

/* For the canary to fault: it does so at once, or never */
#define FAULT_MS	2000

struct map_wait_limit map_wait_sooner(const struct map_wait_limit *l, __u64 ms)
{
	struct map_wait_limit end = { map_wait_now_us() + ms * 1000, l->cancel_fd };

	if (end.until > l->until)
		end.until = l->until;

	return end;
}

int map_wait_readable(const struct map_wait_limit *l, int fd)
{
	struct pollfd fds[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = l->cancel_fd ? : -1, .events = POLLIN },
	};
	__u64 now;
	int n;

	do {
		now = map_wait_now_us();
		n = poll(fds, 2, now < l->until ?
			 (int)((l->until - now + 999) / 1000) : 0);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			return fds[1].revents ? -ECANCELED : 0;
	} while (n < 0 || map_wait_now_us() < l->until);

	return -ETIMEDOUT;
}

int map_wait_canary_load(void)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_SLEEPABLE);
	/* return bpf_copy_from_user(stack, 8, ctx->page) */
	const struct bpf_insn insns[] = {
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
	int fd = bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "wait_canary",
			       "Dual BSD/GPL", insns,
			       sizeof(insns) / sizeof(*insns), &opts);

	return fd < 0 ? -errno : fd;
}

static void *canary_main(void *arg)
{
	struct map_wait_canary *c = arg;
	__u64 ctx = (unsigned long)c->page;

	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx));

	c->err = bpf_prog_test_run_opts(c->prog, &opts) ? -errno :
		 (int)opts.retval;

	return NULL;
}

int map_wait_canary_end(struct map_wait_canary *c)
{
	struct uffdio_range range = { (unsigned long)c->page, c->page_size };

	/* Either one lets it out; a forked process may still have the descriptor */
	ioctl(c->uffd, UFFDIO_UNREGISTER, &range);
	close(c->uffd);
	pthread_join(c->thread, NULL);
	munmap(c->page, c->page_size);

	return c->err;
}

static int canary_page(struct map_wait_canary *c)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	/* poll() fails on a userfaultfd that blocks */
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

/* None of the caller's signal handlers may run in this thread */
static int canary_thread(struct map_wait_canary *c)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(&c->thread, NULL, canary_main, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);

	return err;
}

int map_wait_canary_start(struct map_wait_canary *c, int prog,
			  const struct map_wait_limit *l)
{
	struct map_wait_limit fault;
	struct uffd_msg msg;
	int err;

	memset(c, 0, sizeof(*c));
	c->prog = prog;
	c->uffd = -1;
	c->page_size = sysconf(_SC_PAGESIZE);
	c->page = mmap(NULL, c->page_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->page == MAP_FAILED)
		return -errno;
	err = canary_page(c) ? : canary_thread(c);
	if (err)
		goto unmap;

	fault = map_wait_sooner(l, FAULT_MS);
	err = map_wait_readable(&fault, c->uffd);
	if (!err && read(c->uffd, &msg, sizeof(msg)) == sizeof(msg) &&
	    msg.event == UFFD_EVENT_PAGEFAULT)
		return 0;

	if (!err || (err == -ETIMEDOUT && fault.until < l->until))
		err = -EAGAIN;
	if (map_wait_canary_end(c) < 0)
		err = c->err;

	return err;

unmap:
	if (c->uffd >= 0)
		close(c->uffd);
	munmap(c->page, c->page_size);

	return err;
}
