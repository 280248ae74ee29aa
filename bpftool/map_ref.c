// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A map that is held open, and what its information tells */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "main.h"
#include "map_ref.h"

#define LOCK_TRIES	64

static int get_info(struct map_ref *ref)
{
	__u32 len = sizeof(ref->info);
	int err;

	memset(&ref->info, 0, sizeof(ref->info));
	if (!bpf_obj_get_info_by_fd(ref->fd, &ref->info, &len))
		return 0;

	err = -errno;
	map_ref_close(ref);
	return err;
}

int map_ref_open(struct map_ref *ref, __u32 id, __u32 open_flags)
{
	/* libbpf of Linux 6.1 has no bpf_map_get_fd_by_id_opts() */
	union bpf_attr attr = { .map_id = id, .open_flags = open_flags };

	ref->fd = syscall(__NR_bpf, BPF_MAP_GET_FD_BY_ID, &attr,
			  offsetof(union bpf_attr, open_flags) +
			  sizeof(attr.open_flags));
	if (ref->fd < 0) {
		ref->fd = -1;
		return -errno;
	}

	return get_info(ref);
}

/* A program or a link has other information. get_fd_type() would report an error */
static bool is_map(int fd)
{
	char path[64], link[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

	return readlink(path, link, sizeof(link) - 1) > 0 &&
	       strstr(link, "bpf-map");
}

int map_ref_open_pin(struct map_ref *ref, const char *path)
{
	ref->fd = bpf_obj_get(path);
	if (ref->fd < 0) {
		ref->fd = -1;
		return -errno;
	}
	if (!is_map(ref->fd)) {
		map_ref_close(ref);
		return -EMEDIUMTYPE;
	}

	return get_info(ref);
}

void map_ref_close(struct map_ref *ref)
{
	if (ref->fd >= 0)
		close(ref->fd);
	ref->fd = -1;
}

const char *map_type_name(__u32 map_type)
{
	return libbpf_bpf_map_type_str(map_type) ? : "unknown type";
}

bool map_is_map_in_map(const struct bpf_map_info *info)
{
	return info->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	       info->type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

bool map_is_percpu(const struct bpf_map_info *info)
{
	return info->type == BPF_MAP_TYPE_PERCPU_HASH ||
	       info->type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       info->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

int map_is_frozen(int fd)
{
	int frozen;
	char *text;

	/* Kernels before 5.2 can't freeze maps and have no such line */
	errno = 0;
	text = get_fdinfo(fd, "frozen");
	if (!text)
		return errno ? -errno : 0;
	frozen = !!atoi(text);
	free(text);

	return frozen;
}

static rlim_t open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	rlim_t nr = 0;

	while (dir && readdir(dir))
		nr++;
	if (dir)
		closedir(dir);

	return nr;
}

rlim_t map_allow_fds(rlim_t more)
{
	rlim_t need = open_fds() + more;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= need)
		return 0;
	limit.rlim_cur = need;
	if (limit.rlim_max < need)
		limit.rlim_max = need;

	return setrlimit(RLIMIT_NOFILE, &limit) ? need : 0;
}

bool map_try_again(int err, unsigned int *tries)
{
	return (err == -EBUSY || err == -ETIMEDOUT || err == -EDEADLK) &&
	       (*tries)++ < LOCK_TRIES;
}

void *map_grow(void *array, size_t nr, size_t size)
{
	/* The capacity is the next power of two, at least 64 */
	if (nr && (nr < 64 || nr & (nr - 1)))
		return array;

	return realloc(array, (nr ? 2 * nr : 64) * size);
}
