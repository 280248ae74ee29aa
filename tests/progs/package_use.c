// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program that uses the package libbpf-map-sync-dev as docs/package.md says:
 * waits with the command if the kernel's BTF has it with the number that
 * linux/bpf.h gives it, and says so.
 */
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>

static int kernel_has_command(const struct btf *btf)
{
	const struct btf_type *type;
	const struct btf_enum *e;
	unsigned int i;
	int id;

	id = btf__find_by_name_kind(btf, "bpf_cmd", BTF_KIND_ENUM);
	if (id < 0)
		return 0;

	type = btf__type_by_id(btf, id);
	e = btf_enum(type);
	for (i = 0; i < btf_vlen(type); i++)
		if (e[i].val == BPF_SYNC_MAP_ACCESS &&
		    !strcmp(btf__name_by_offset(btf, e[i].name_off),
			    "BPF_SYNC_MAP_ACCESS"))
			return 1;

	return 0;
}

int main(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int err;

	if (!btf || !kernel_has_command(btf)) {
		puts("this kernel does not have the command");
		return 0;
	}

	err = bpf_sync_map_access();
	if (err)
		printf("can't wait: %s\n", strerror(-err));
	else
		puts("waited");
	btf__free(btf);
	return !!err;
}
