// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Cheap questions to the running kernel's BTF */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/btf.h>

#include <bpf/btf.h>

#include "kernel_btf.h"
#include "main.h"

#define KERNEL_BTF_PATH	"/sys/kernel/btf/vmlinux"

/* sysfs hands out at most a page a read on some kernels */
static int read_at(int fd, void *buf, size_t len, off_t pos)
{
	ssize_t n;

	while (len) {
		n = pread(fd, buf, len, pos);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO;
		buf += n;
		len -= n;
		pos += n;
	}

	return 0;
}

/* The string section begins with an empty string, so that every other one
 * has a zero byte on both sides.
 */
static bool section_has(const char *strs, size_t len, const char *name)
{
	size_t needle_len = strlen(name) + 2;
	char *needle;
	bool found;

	needle = calloc(1, needle_len);
	if (!needle)
		return false;
	memcpy(needle + 1, name, needle_len - 2);
	found = memmem(strs, len, needle, needle_len);
	free(needle);

	return found;
}

int kernel_btf_has_name(const char *name)
{
	struct btf_header hdr;
	char *strs;
	int fd, err;

	fd = open(KERNEL_BTF_PATH, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	err = read_at(fd, &hdr, sizeof(hdr), 0);
	if (err)
		goto close_fd;
	if (hdr.magic != BTF_MAGIC) {
		err = -EINVAL;
		goto close_fd;
	}

	strs = malloc(hdr.str_len);
	if (!strs) {
		err = -ENOMEM;
		goto close_fd;
	}
	err = read_at(fd, strs, hdr.str_len, (off_t)hdr.hdr_len + hdr.str_off);
	if (!err)
		err = section_has(strs, hdr.str_len, name);

	free(strs);
close_fd:
	close(fd);
	return err;
}

static int enumerator_is(const struct btf *btf, const struct btf_type *t,
			 const char *name, int value)
{
	const struct btf_enum *e = btf_enum(t);
	const char *e_name;
	int i;

	for (i = 0; i < btf_vlen(t); i++, e++) {
		e_name = btf__name_by_offset(btf, e->name_off);
		if (e_name && !strcmp(e_name, name))
			return e->val == value ? 1 : -ERANGE;
	}

	return 0;
}

int kernel_btf_enumerator_is(const char *enum_name, const char *name,
			     int value)
{
	struct btf *btf;
	int id, ret;

	/* Types are parsed only where the name is there at all */
	ret = kernel_btf_has_name(name);
	if (ret <= 0)
		return ret;

	btf = btf__parse(KERNEL_BTF_PATH, NULL);
	if (!btf)
		return -errno;

	id = btf__find_by_name_kind(btf, enum_name, BTF_KIND_ENUM);
	ret = id < 0 ? 0 : enumerator_is(btf, btf__type_by_id(btf, id), name,
					 value);
	btf__free(btf);

	return ret;
}
