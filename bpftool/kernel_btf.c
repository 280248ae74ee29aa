// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A cheap question to the running kernel's BTF */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/btf.h>

#include "kernel_btf.h"

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
static int section_has(const char *strs, size_t len, const char *name)
{
	char needle[256];
	int size;

	size = snprintf(needle, sizeof(needle), "%c%s", 0, name) + 1;

	return size > (int)sizeof(needle) ? -ENAMETOOLONG :
	       !!memmem(strs, len, needle, size);
}

/* Since Linux 6.16 the file can be mapped, which spares 600 system calls */
static int fd_has_name(int fd, const struct btf_header *hdr, const char *name)
{
	off_t begin = (off_t)hdr->hdr_len + hdr->str_off;
	size_t len = begin + hdr->str_len;
	char *strs;
	void *btf;
	int ret;

	btf = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (btf != MAP_FAILED) {
		ret = section_has(btf + begin, hdr->str_len, name);
		munmap(btf, len);
		return ret;
	}

	strs = malloc(hdr->str_len);
	if (!strs)
		return -ENOMEM;
	ret = read_at(fd, strs, hdr->str_len, begin) ? :
	      section_has(strs, hdr->str_len, name);
	free(strs);

	return ret;
}

int kernel_btf_has_name(const char *name)
{
	struct btf_header hdr;
	int fd, ret;

	fd = open(KERNEL_BTF_PATH, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	ret = read_at(fd, &hdr, sizeof(hdr), 0);
	if (!ret && hdr.magic != BTF_MAGIC)
		ret = -EINVAL;
	if (ret)
		goto close_fd;

	ret = fd_has_name(fd, &hdr, name);

close_fd:
	close(fd);

	return ret;
}
