// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Runs a command for which one of the kernel's bpf(2) commands does not work
 *
 *	refuse_bpf BPF_COMMAND_NUMBER ERRNO COMMAND...
 *
 * As a kernel does that does not have it for a type of map. A seccomp filter
 * says so, for all threads; strace can only count system calls.
 */

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/filter.h>

/* The kernel tree's own <linux/seccomp.h> is not for programs */
#ifndef SECCOMP_RET_ALLOW
#define SECCOMP_MODE_FILTER	2
#define SECCOMP_RET_ERRNO	0x00050000U
#define SECCOMP_RET_ALLOW	0x7fff0000U
#endif
#define DATA_NR		0	/* offsets in struct seccomp_data */
#define DATA_ARG0	16

#define EXIT_SKIP	77

int main(int argc, char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA_NR),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_bpf, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA_ARG0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			 argc > 1 ? atoi(argv[1]) : 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO |
			 (argc > 2 ? atoi(argv[2]) : 0)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {
		.len = sizeof(code) / sizeof(*code),
		.filter = code,
	};

	if (argc < 4)
		errx(2, "usage: refuse_bpf BPF_COMMAND_NUMBER ERRNO COMMAND...");

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		err(EXIT_SKIP, "this kernel has no seccomp filters");
	execvp(argv[3], argv + 3);
	err(1, "can't run %s", argv[3]);
}
