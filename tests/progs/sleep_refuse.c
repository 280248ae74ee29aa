// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* sleep_refuse: run a command to which one command of bpf(2) is refused
 *
 *	sleep_refuse { prog_load | link_create | iter_create } COMMAND [ARG...]
 *
 * Exit status: the command's; 77 when the kernel has no seccomp filters.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/filter.h>

/* The kernel tree's copy of <linux/seccomp.h> is not for programs */
#define SECCOMP_MODE_FILTER	2
#define SECCOMP_RET_ERRNO	0x00050000U
#define SECCOMP_RET_ALLOW	0x7fff0000U

struct seccomp_data {
	int nr;
	__u32 arch;
	__u64 instruction_pointer;
	__u64 args[6];
};

static int number_of(const char *name)
{
	if (!strcmp(name, "prog_load"))
		return BPF_PROG_LOAD;
	if (!strcmp(name, "link_create"))
		return BPF_LINK_CREATE;
	if (!strcmp(name, "iter_create"))
		return BPF_ITER_CREATE;

	return -1;
}

/* The low half of the first argument, on a little-endian machine */
static int refuse(int cmd)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_bpf, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, cmd, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {
		.len = sizeof(filter) / sizeof(*filter),
		.filter = filter,
	};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

int main(int argc, char **argv)
{
	if (argc < 3 || number_of(argv[1]) < 0)
		return 2;

	if (refuse(number_of(argv[1]))) {
		fprintf(stderr, "the kernel has no seccomp filters: %s\n",
			strerror(errno));
		return 77;
	}
	execvp(argv[2], argv + 2);
	perror("sleep_refuse");

	return 127;
}
