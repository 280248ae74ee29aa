// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Loads a security policy in BPF, issues the command under it and prints what
 * the policy was asked and what the caller was told.
 *
 * usage: sync_lsm OBJECT allow|EROFS|ENOKEY
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "sync_guest.h"

int main(int argc, char **argv)
{
	struct lsm_shared shared = { .target_pid = getpid() };
	struct bpf_object *obj;
	const __u32 key = 0;
	int fd, ret;

	if (argc != 3)
		return 1;
	if (!strcmp(argv[2], "EROFS"))
		shared.refusal = -EROFS;
	else if (!strcmp(argv[2], "ENOKEY"))
		shared.refusal = -ENOKEY;

	obj = bpf_object__open(argv[1]);
	if (!obj || bpf_object__load(obj))
		return 1;
	fd = bpf_object__find_map_fd_by_name(obj, "shared");
	/* The link lives as long as the process */
	if (bpf_map_update_elem(fd, &key, &shared, BPF_ANY) ||
	    !bpf_program__attach(bpf_object__find_program_by_name(obj, "policy")))
		err(1, "can't attach the policy");

	ret = syscall(__NR_bpf, BPF_SYNC_MAP_ACCESS, NULL, 0);
	printf("told %s\n", ret ? strerrorname_np(errno) : "0");
	if (bpf_map_lookup_elem(fd, &key, &shared))
		return 1;
	printf("asked %d\n", shared.asked);
	if (shared.asked)
		printf("size %d zero_attr %d\n", shared.size, shared.zero_attr);
	return 0;
}
