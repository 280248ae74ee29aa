// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Makes raw system calls with the arguments that are asked for and prints for
 * each "0" or the name of the error. Makes no call at all on a kernel that does
 * not have the command, its number may be anything there: exits with 3.
 *
 * usage: sync_cmd [null|attr|empty-attr|bad-attr|size|huge|bad-huge|common|
 *                  common-attr]...
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#define NO_COMMAND	3

/* A flag in the command, which older headers lack */
#define COMMON_ATTRS	0x10000

/* The check that libbpf's comment on bpf_sync_map_access() shows */
static bool has_sync_map_access(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	const struct btf_enum *e;
	const struct btf_type *t;
	bool found = false;
	unsigned int i;
	int id;

	if (!btf)
		return false;
	id = btf__find_by_name_kind(btf, "bpf_cmd", BTF_KIND_ENUM);
	if (id > 0) {
		t = btf__type_by_id(btf, id);
		e = btf_enum(t);
		for (i = 0; i < btf_vlen(t) && !found; i++)
			found = e[i].val == BPF_SYNC_MAP_ACCESS &&
				!strcmp(btf__name_by_offset(btf, e[i].name_off),
					"BPF_SYNC_MAP_ACCESS");
	}
	btf__free(btf);
	return found;
}

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

	if (!has_sync_map_access()) {
		puts("the kernel has no BPF_SYNC_MAP_ACCESS");
		return NO_COMMAND;
	}

	for (i = 1; i < argc; i++)
		if (call(argv[i]))
			return 1;
	return 0;
}
