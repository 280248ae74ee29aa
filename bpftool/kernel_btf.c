// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Find names in the running kernel's BTF, cheaply */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/btf.h>

#include "kernel_btf.h"

/* On some kernels a read from sysfs returns at most a page */
static int read_at(int fd, void *buf, size_t len, off_t pos)
{
	ssize_t n;

	for (; len; buf += n, len -= n, pos += n) {
		n = pread(fd, buf, len, pos);
		if (n <= 0)
			return n ? -errno : -EIO;
	}

	return 0;
}

/* The string section holds one NUL-terminated string after the other */
static int section_has(const char *strs, size_t len, const char *name)
{
	const char *at;

	if (!len || strs[len - 1])
		return -EINVAL;
	for (at = strs; at < strs + len; at += strlen(at) + 1)
		if (!strcmp(at, name))
			return 1;

	return 0;
}

int kernel_btf_has_name(const char *name)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC), ret;
	struct btf_header hdr;
	size_t begin, len;
	void *btf;

	if (fd < 0)
		return -errno;
	ret = read_at(fd, &hdr, sizeof(hdr), 0) ? : hdr.magic != BTF_MAGIC ? -EINVAL : 0;
	if (ret)
		goto close_fd;

	/* Since Linux 6.16 the file can be mapped, which saves 600 system calls */
	begin = (size_t)hdr.hdr_len + hdr.str_off;
	len = begin + hdr.str_len;
	btf = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (btf == MAP_FAILED) {
		btf = mmap(NULL, len, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ret = btf == MAP_FAILED ? -errno :
		      read_at(fd, btf + begin, hdr.str_len, begin);
	}
	ret = ret ? : section_has(btf + begin, hdr.str_len, name);
	if (btf != MAP_FAILED)
		munmap(btf, len);
close_fd:
	close(fd);

	return ret;
}
