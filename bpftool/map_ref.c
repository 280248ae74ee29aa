// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* An open map with its info */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kernel.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "main.h"
#include "map_msg.h"
#include "map_ref.h"

#define LOCK_TRIES	64
#define TYPE_DEPTH_MAX	64

int map_ref_info(struct map_ref *ref)
{
	__u32 len = sizeof(ref->info);
	int err;

	/* Since 6.18 the kernel reads it too */
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

	return map_ref_info(ref);
}

/* Programs and links have other info. get_fd_type() would report an error */
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

	return map_ref_info(ref);
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

static const struct {
	const char *name;
	int kind;
} fields[] = {
	{ "bpf_wq",		MAP_FIELD_STARTS_SLEEPING },
	{ "bpf_task_work",	MAP_FIELD_STARTS_SLEEPING },
	{ "bpf_timer",		MAP_FIELD_STARTS_OTHERS },
	{ "bpf_rcu_head",	MAP_FIELD_STARTS_OTHERS },
	{ "bpf_spin_lock",	MAP_FIELD_PASSIVE },
	{ "bpf_res_spin_lock",	MAP_FIELD_PASSIVE },
	{ "bpf_list_head",	MAP_FIELD_PASSIVE },
	{ "bpf_list_node",	MAP_FIELD_PASSIVE },
	{ "bpf_rb_root",	MAP_FIELD_PASSIVE },
	{ "bpf_rb_node",	MAP_FIELD_PASSIVE },
	{ "bpf_refcount",	MAP_FIELD_PASSIVE },
	{ "bpf_dynptr",		MAP_FIELD_PASSIVE },
};

static int field_kind(const struct btf *btf, const struct btf_type *t,
		      const char **name)
{
	const char *is = btf__name_by_offset(btf, t->name_off);
	unsigned int i;

	for (i = 0; is && i < ARRAY_SIZE(fields); i++) {
		if (strcmp(is, fields[i].name))
			continue;
		if (name)
			*name = fields[i].name;
		return fields[i].kind;
	}

	return 0;
}

/* Only its tag counts, not what it leads to; "user" is not one that does */
static int pointer_kind(const struct btf *btf, const struct btf_type *t,
			const char **name)
{
	const char *tag;

	t = btf__type_by_id(btf, t->type);
	tag = t && btf_is_type_tag(t) ? btf__name_by_offset(btf, t->name_off) : NULL;
	if (!tag || !(strstr(tag, "kptr") || !strcmp(tag, "uptr")))
		return 0;
	if (name)
		*name = strstr(tag, "kptr") ? "kptr" : "uptr";

	return MAP_FIELD_PASSIVE;
}

static int type_fields(const struct btf *btf, __u32 id, int depth,
		       const char **name)
{
	const struct btf_type *t;
	int ret, kinds = 0;
	bool composite;
	__u32 i;

	/* More than the kernel allows */
	if (depth > TYPE_DEPTH_MAX)
		return -E2BIG;

	t = btf__type_by_id(btf, btf__resolve_type(btf, id));
	if (!t)
		return -EINVAL;
	if (btf_is_ptr(t))
		return pointer_kind(btf, t, name);
	if (btf_is_array(t))
		return type_fields(btf, btf_array(t)->type, depth + 1, name);

	/* Global variables are in a map whose value is a section */
	composite = btf_is_composite(t);
	if (!composite && !btf_is_datasec(t))
		return 0;

	if (composite)
		kinds = field_kind(btf, t, name);
	for (i = 0; i < btf_vlen(t); i++) {
		ret = type_fields(btf, composite ? btf_members(t)[i].type :
				  btf_var_secinfos(t)[i].type, depth + 1, name);
		if (ret < 0)
			return ret;
		kinds |= ret;
	}

	return kinds;
}

/* The kernel allows such fields only if the map has BTF */
int map_value_fields(__u32 btf_id, __u32 type_id, const char **name)
{
	struct btf *btf;
	int ret;

	if (!btf_id || !type_id)
		return 0;
	btf = btf__load_from_kernel_by_id(btf_id);
	if (!btf)
		return -errno;
	ret = type_fields(btf, type_id, 0, name);
	btf__free(btf);

	return ret;
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

int map_allow_fds(unsigned int more)
{
	rlim_t need = open_fds() + more;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= need)
		return 0;
	limit.rlim_cur = need;
	if (limit.rlim_max < need)
		limit.rlim_max = need;

	return setrlimit(RLIMIT_NOFILE, &limit) ?
		       map_err("can't open enough files: raise the limit with 'ulimit -n %llu'",
			       (unsigned long long)need) : 0;
}

bool map_try_again(int err, unsigned int *tries)
{
	return (err == -EBUSY || err == -ETIMEDOUT || err == -EDEADLK) &&
	       (*tries)++ < LOCK_TRIES;
}
