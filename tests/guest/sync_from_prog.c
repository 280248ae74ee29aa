// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lets a BPF syscall program try to issue the command. That it is told EINVAL
 * says little, since it has to pass attributes; so what reaches the kernel's
 * bpf(2) code is counted as well.
 *
 * usage: sync_from_prog OBJECT
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "sync_guest.h"

static int run(struct bpf_object *obj)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct bpf_program *prog;

	prog = bpf_object__find_program_by_name(obj, "count");
	if (!bpf_program__attach(prog))
		return -1;
	prog = bpf_object__find_program_by_name(obj, "issue");
	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

int main(int argc, char **argv)
{
	struct prog_shared shared = { .target_pid = getpid() };
	struct bpf_object *obj;
	const __u32 key = 0;
	int fd;

	if (argc != 2)
		return 1;
	obj = bpf_object__open(argv[1]);
	if (!obj || bpf_object__load(obj))
		return 1;
	fd = bpf_object__find_map_fd_by_name(obj, "shared");
	if (bpf_map_update_elem(fd, &key, &shared, BPF_ANY) || run(obj) ||
	    bpf_map_lookup_elem(fd, &key, &shared))
		return 1;

	printf("freeze told %lld reached %d\n", shared.other_ret,
	       shared.other_calls);
	printf("sync told %lld reached %d\n", shared.sync_ret, shared.sync_calls);

	/* So that a count of 0 does mean something: this one gets through */
	shared.sync_calls = 0;
	if (bpf_sync_map_access() || bpf_map_lookup_elem(fd, &key, &shared))
		return 1;
	printf("own sync reached %d\n", shared.sync_calls);
	return 0;
}
