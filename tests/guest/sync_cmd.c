// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Makes raw system calls with the arguments that are asked for and prints for
 * each "0" or the name of the error. Only for a kernel that has the command,
 * with the number that libbpf has: elsewhere that may be anything.
 *
 * usage: sync_cmd [null|attr|empty-attr|bad-attr|size|huge|bad-huge|common|
 *                  common-attr]...
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

/* A flag in the command, which older headers lack */
#define COMMON_ATTRS	0x10000

static const struct {
	const char *name;
	int attr;	/* 0: NULL, 1: good memory, 2: no memory at all */
	unsigned int size;
	int flag;
} calls[] = {
	{ "null",	0, 0, 0 },
	{ "attr",	1, sizeof(union bpf_attr), 0 },
	{ "empty-attr",	1, 0, 0 },
	{ "bad-attr",	2, 8, 0 },
	{ "size",	0, 1, 0 },
	{ "huge",	0, ~0U, 0 },
	{ "bad-huge",	2, ~0U, 0 },
	{ "common",	0, 0, COMMON_ATTRS },
	{ "common-attr", 1, sizeof(union bpf_attr), COMMON_ATTRS },
	{ NULL, 0, 0, 0 },
};

static int call(const char *name)
{
	union bpf_attr zero;
	void *ptr = NULL;
	size_t i;
	int ret;

	memset(&zero, 0, sizeof(zero));
	for (i = 0; calls[i].name; i++) {
		if (strcmp(name, calls[i].name))
			continue;

		if (calls[i].attr == 1)
			ptr = &zero;
		else if (calls[i].attr == 2)
			ptr = (void *)1;
		ret = syscall(__NR_bpf, BPF_SYNC_MAP_ACCESS | calls[i].flag, ptr,
			      calls[i].size, NULL, 0);
		puts(!ret ? "0" : ret == -1 ? strerrorname_np(errno) : "odd");
		return 0;
	}

	fprintf(stderr, "unknown argument '%s'\n", name);
	return -1;
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (call(argv[i]))
			return 1;
	return 0;
}
