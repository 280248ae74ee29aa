/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A page that is not there until this process answers the fault */
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H

#include <fcntl.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/types.h>
#include <linux/userfaultfd.h>

#define FAULT_PAGE_SIZE	4096

/* A userfaultfd, or -1 */
static inline int fault_open(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(__NR_userfaultfd, O_CLOEXEC);

	return fd < 0 || ioctl(fd, UFFDIO_API, &api) ? -1 : fd;
}

/* NULL if there can't be one; @at may be NULL: anywhere */
static inline void *fault_page(int uffd, void *at)
{
	struct uffdio_register reg = {
		.mode = UFFDIO_REGISTER_MODE_MISSING,
		.range.len = FAULT_PAGE_SIZE,
	};
	void *page;

	page = mmap(at, FAULT_PAGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);
	reg.range.start = (unsigned long)page;

	return page == MAP_FAILED || ioctl(uffd, UFFDIO_REGISTER, &reg) ? NULL : page;
}

#endif /* TESTS_FAULT_H */
