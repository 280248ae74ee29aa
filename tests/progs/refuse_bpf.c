// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Runs a command for which one of the kernel's bpf(2) commands does not work
 *
 *	refuse_bpf BPF_COMMAND ERROR COMMAND...
 *
 * As a kernel does that does not have it for a type of map. A seccomp filter
 * says so, for all threads; strace can only count system calls.
 */

#include <unistd.h>
#include <sys/syscall.h>

#include "calls.h"

static __u32 cmd_of(const char *name)
{
	__u32 i;

	for (i = 0; i < sizeof(bpf_cmds) / sizeof(*bpf_cmds); i++)
		if (!strcmp(name, bpf_cmds[i]))
			return i;
	errx(2, "no command of bpf(2): %s", name);
}

int main(int argc, char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA_NR),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_bpf, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA_ARG0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	if (argc < 4)
		errx(2, "usage: refuse_bpf BPF_COMMAND ERROR COMMAND...");
	code[3].k = cmd_of(argv[1]);
	code[4].k |= number_of(argv[2], strerrorname_np);
	install_filter(code, sizeof(code) / sizeof(*code));
	execvp(argv[3], argv + 3);
	err(1, "can't run %s", argv[3]);
}
