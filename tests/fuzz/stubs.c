// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The kernel that the harness plays: what the linker wraps (--wrap), and the
 * providers of the wait.
 *
 * Odd ids are maps, a path that begins with a slash is pinned. Descriptors
 * begin beyond those that a process has.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include <linux/bpf.h>

#include "main.h"
#include "map_journal.h"
#include "map_wait.h"
#include "map_wait_sleepable.h"

#include "fuzz.h"

#define FIRST_FD	100000
#define LAST_ID		9
#define PINNED_PROG	0x80	/* flag in a descriptor: no map */
#define NO_LINK		0x100	/* flag in a descriptor: /proc fails */

int __real_close(int fd);
ssize_t __real_readlink(const char *path, char *buf, size_t size);

static int new_fd(unsigned int id)
{
	fuzz_kernel.open_fds++;

	return FIRST_FD + id;
}

static int fail(int err)
{
	errno = err;
	return -1;
}

int __wrap_close(int fd)
{
	if (fd < FIRST_FD)
		return __real_close(fd);
	fuzz_kernel.open_fds--;

	return 0;
}

/* Maps are opened by ID with a bare bpf(2) */
long __wrap_syscall(long nr, ...)
{
	const union bpf_attr *attr;
	va_list ap;
	int cmd;

	va_start(ap, nr);
	cmd = va_arg(ap, int);
	attr = va_arg(ap, const union bpf_attr *);
	va_end(ap);
	if (nr != __NR_bpf || cmd != BPF_MAP_GET_FD_BY_ID)
		return fail(EINVAL);

	return attr->map_id % 2 ? new_fd(attr->map_id % 64) : fail(ENOENT);
}

int __wrap_bpf_map_get_next_id(__u32 start, __u32 *next)
{
	if (start >= LAST_ID)
		return fail(fuzz_kernel.switches & SWITCH_WAIT_FAILS ?
				    EPERM : ENOENT);
	*next = start + 1;

	return 0;
}

int __wrap_bpf_obj_get(const char *path)
{
	if (*path != '/')
		return fail(*path == 'a' ? EACCES : ENOENT);
	if (path[1] == 'p')
		return new_fd(PINNED_PROG);
	if (path[1] == 'n')
		return new_fd(NO_LINK);

	return new_fd((unsigned char)path[1] % 64);
}

ssize_t __wrap_readlink(const char *path, char *buf, size_t size)
{
	const char *link = "anon_inode:bpf-map";
	int fd;

	if (sscanf(path, "/proc/self/fd/%d", &fd) != 1 || fd < FIRST_FD)
		return __real_readlink(path, buf, size);
	if ((fd - FIRST_FD) & NO_LINK)
		return fail(EACCES);
	if ((fd - FIRST_FD) & PINNED_PROG)
		link = "anon_inode:bpf-prog";
	if (size > strlen(link))
		size = strlen(link);
	memcpy(buf, link, size);

	return size;
}

int __wrap_bpf_obj_get_info_by_fd(int fd, void *buf, __u32 *len)
{
	static const char * const names[] = { "a", "flows", "b", "" };
	struct bpf_map_info *info = buf;

	if (fuzz_kernel.switches & SWITCH_NO_INFO)
		return fail(ENOMEM);

	memset(info, 0, *len);
	info->id = fd - FIRST_FD;
	info->type = fuzz_kernel.switches & SWITCH_NO_MAP_IN_MAP ?
			     BPF_MAP_TYPE_HASH : BPF_MAP_TYPE_HASH_OF_MAPS;
	info->key_size = fuzz_kernel.key_size;
	info->value_size = 4;
	snprintf(info->name, sizeof(info->name), "%s",
		 names[info->id / 2 % 4]);

	return 0;
}

bool bpffs_holds(const char *path)
{
	return strlen(path) % 2;
}

/* main.c lists them */
int do_btf(int argc, char **argv)
{
	return -1;
}

int do_gen(int argc, char **argv)
{
	return -1;
}

struct map_wait {
	char unused;
};

struct map_wait_sleepable {
	char unused;
};

static struct map_wait stub;
static struct map_wait_sleepable sleepable_stub;

static int open_way(const char *way, const char *name, char *why, size_t why_size)
{
	snprintf(why, why_size, "the stub has none");
	if (way && strcmp(way, name))
		return -EINVAL;

	return fuzz_kernel.switches & SWITCH_NO_PROVIDER ? -EOPNOTSUPP : 0;
}

int map_wait_open(struct map_wait **w, const struct map_wait_opts *opts,
		  char *why, size_t why_size)
{
	*w = &stub;
	return open_way(opts->way, MAP_WAIT_UPDATE, why, why_size);
}

int map_wait_sleepable_open(struct map_wait_sleepable **w,
			    const struct map_wait_sleepable_opts *opts,
			    char *why, size_t why_size)
{
	*w = &sleepable_stub;
	return open_way(opts->way, MAP_WAIT_UPROBE, why, why_size);
}

int map_wait_run(struct map_wait *w, char *why, size_t why_size)
{
	snprintf(why, why_size, "the stub's failed");
	return fuzz_kernel.switches & SWITCH_WAIT_FAILS ? -EPERM : 0;
}

int map_wait_sleepable_run(struct map_wait_sleepable *w, char *why, size_t why_size)
{
	return map_wait_run(NULL, why, why_size);
}

void map_wait_close(struct map_wait *w)
{
}

void map_wait_sleepable_close(struct map_wait_sleepable *w)
{
}

const char *map_wait_way(const struct map_wait *w)
{
	return MAP_WAIT_UPDATE;
}

__u64 map_wait_us(const struct map_wait *w)
{
	return 1;
}

const char *map_wait_sleepable_way(const struct map_wait_sleepable *w)
{
	return MAP_WAIT_UPROBE;
}

__u64 map_wait_sleepable_us(const struct map_wait_sleepable *w)
{
	return 1;
}
