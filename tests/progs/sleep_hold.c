// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* sleep_hold: run a command while a sleepable program sleeps inside a map
 *
 *	sleep_hold OBJECT PROGRAM DIR COMMAND [ARG...]
 *
 * The program, of sleep_use.bpf.c, has looked a value up and reads a page of
 * this process, whose fault is answered only after the command has ended; then
 * it adds 1000 to the value. The object's maps are pinned in DIR.
 *
 * Exit status: the command's; 77 when the kernel lacks something.
 */
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>

#include "fault.h"
#include "reach_load.h"
#include "shared.h"

#define ADDS		1000
#define FAULT_TIMEOUT_MS	60000

struct hold {
	struct bpf_program *prog;
	struct bpf_link *link;
	enum bpf_prog_type type;
	void *page;
	int uffd;
};

/* What the uprobe is on */
int __attribute__((noipa)) sleep_hold_trigger(const void *page)
{
	__asm__ volatile("" : : "r"(page) : "memory");
	return 0;
}

static void register_page(struct hold *h)
{
	h->uffd = fault_open();
	if (h->uffd < 0 && errno != EINVAL)
		err(EXIT_SKIP, "the kernel has no userfaultfd");
	h->page = fault_page(h->uffd, (void *)SLEEP_PAGE);
	if (!h->page)
		err(1, "can't get a page that faults");
}

static void attach(struct hold *h)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = "sleep_hold_trigger");

	h->type = bpf_program__type(h->prog);
	if (h->type == BPF_PROG_TYPE_SYSCALL)
		return;

	if (h->type == BPF_PROG_TYPE_KPROBE)
		h->link = bpf_program__attach_uprobe_opts(h->prog, getpid(),
							  "/proc/self/exe", 0,
							  &opts);
	else
		h->link = bpf_program__attach(h->prog);
	if (!h->link)
		err(errno == ENOENT || errno == EOPNOTSUPP ? EXIT_SKIP : 1,
		    "the kernel refuses the link");
}

static bool is_iter(const struct hold *h)
{
	return bpf_program__expected_attach_type(h->prog) == BPF_TRACE_ITER;
}

static int run_iter(const struct hold *h)
{
	int fd = bpf_iter_create(bpf_link__fd(h->link));
	char byte;
	int err;

	if (fd < 0)
		return -1;
	err = read(fd, &byte, 1);
	close(fd);

	return err;
}

static void *run_program(void *arg)
{
	struct hold *h = arg;
	struct sleep_args args = { .page = (unsigned long)h->page };
	int err = 0;

	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args,
		    .ctx_size_in = sizeof(args));

	switch (h->type) {
	case BPF_PROG_TYPE_SYSCALL:
		err = bpf_prog_test_run_opts(bpf_program__fd(h->prog), &opts);
		break;
	case BPF_PROG_TYPE_KPROBE:
		sleep_hold_trigger(h->page);
		break;
	case BPF_PROG_TYPE_LSM:
		close(open("/dev/null", O_RDONLY));
		break;
	case BPF_PROG_TYPE_TRACING:
		err = is_iter(h) ? run_iter(h) :
		      bpf_prog_test_run_opts(bpf_program__fd(h->prog), NULL);
		break;
	default:
		syscall(SLEEP_SYSCALL, 0);
	}
	if (err)
		perror("sleep_hold: can't run the program");

	return NULL;
}

/* The program has the value by now, and stands still */
static void wait_for_fault(struct hold *h)
{
	struct pollfd fd = { .fd = h->uffd, .events = POLLIN };
	struct uffd_msg msg;

	if (poll(&fd, 1, FAULT_TIMEOUT_MS) != 1 ||
	    read(h->uffd, &msg, sizeof(msg)) != sizeof(msg) ||
	    msg.event != UFFD_EVENT_PAGEFAULT)
		errx(1, "the program did not fault");
}

static void answer_fault(struct hold *h)
{
	static __u64 page[FAULT_PAGE_SIZE / 8] = { ADDS };
	struct uffdio_copy copy = {
		.src = (unsigned long)page, .len = sizeof(page),
	};

	copy.dst = (unsigned long)h->page;
	if (ioctl(h->uffd, UFFDIO_COPY, &copy))
		err(1, "can't answer the fault");
}

int main(int argc, char **argv)
{
	struct bpf_object *obj;
	struct hold h = {};
	pthread_t thread;
	int status;

	if (argc < 5)
		return 2;

	obj = reach_load(argv[1], argv[2], argv[3]);
	if (!obj)
		return reach_refused(argv[2]);
	h.prog = bpf_object__find_program_by_name(obj, argv[2]);
	register_page(&h);
	attach(&h);
	if (pthread_create(&thread, NULL, run_program, &h))
		errx(1, "can't start a thread");

	wait_for_fault(&h);
	status = run_command(argv + 4);
	answer_fault(&h);
	pthread_join(thread, NULL);

	return status;
}
