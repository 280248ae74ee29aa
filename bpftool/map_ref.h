/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* An open map with its info */

#ifndef __BPFTOOL_MAP_REF_H
#define __BPFTOOL_MAP_REF_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <linux/bpf.h>
#include <linux/types.h>

struct map_ref {
	int fd;			/* -1: none */
	struct bpf_map_info info;
};

/**
 * map_ref_open() - open a map by its ID
 * @ref:	the map
 * @id:		its ID
 * @open_flags:	0, or BPF_F_RDONLY for a map that is only looked at
 *
 * Return: 0 or -errno.
 */
int map_ref_open(struct map_ref *ref, __u32 id, __u32 open_flags);

/* map_ref_open_pin() - open a pinned map; 0 or -errno, -EMEDIUMTYPE if it is
 * the pin of something else
 */
int map_ref_open_pin(struct map_ref *ref, const char *path);
/* map_ref_info() - fill in the info of an open map; 0, or -errno and it is closed */
int map_ref_info(struct map_ref *ref);
void map_ref_close(struct map_ref *ref);

/* map_type_name() - a map type's name, never NULL */
const char *map_type_name(__u32 map_type);

static inline bool map_is_map_in_map(__u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	       type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

static inline bool map_is_percpu(__u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* Fields of values in which the kernel keeps its own data */
#define MAP_FIELD_STARTS_SLEEPING	1	/* bpf_wq, bpf_task_work */
#define MAP_FIELD_STARTS_OTHERS		2	/* bpf_timer, bpf_rcu_head */
#define MAP_FIELD_STARTS	(MAP_FIELD_STARTS_SLEEPING | MAP_FIELD_STARTS_OTHERS)
#define MAP_FIELD_PASSIVE		4	/* a lock, a pointer, a list... */

/**
 * map_value_fields() - which of these fields do a map's values have?
 * @btf_id:	ID of the map's BTF, 0: none
 * @type_id:	type of its values in there, 0: none
 * @name:	set to the type of the last one, if there is one; or NULL
 *
 * Return: a sum of MAP_FIELD_*, or -errno.
 */
int map_value_fields(__u32 btf_id, __u32 type_id, const char **name);

/* map_allow_fds() - make sure that @more files can be opened, raising the
 * limit if need be. Reports; 0 or -1
 */
int map_allow_fds(unsigned int more);

/* map_err_is_ours() - is an error only about this process, which lacks
 * descriptors or memory, and not about a map or the kernel?
 */
static inline bool map_err_is_ours(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM;
}

/**
 * map_try_again() - did a call only fail because a lock was not free?
 * @err:	what a call on a map returned, 0 or -errno
 * @tries:	how often it was tried again, 0 at first
 *
 * Such a call has done nothing; a batch has done what its count says. Kernels
 * give up on a bucket's lock: before 6.15 if this CPU holds it already, since
 * then also after a quarter of a second, and a host may well stop the virtual
 * CPU that holds it for so long.
 */
bool map_try_again(int err, unsigned int *tries);

/* map_retry() - make such a call, which returns 0 or sets errno; 0 or -errno */
#define map_retry(call) ({						\
	unsigned int __tries = 0;					\
	int __err;							\
									\
	do {								\
		__err = (call) ? -errno : 0;				\
	} while (map_try_again(__err, &__tries));			\
	__err;								\
})

/* map_grow() - @array, allocated, with capacity for one more element than @nr:
 * the next power of two, at least 64. NULL: no memory, and the array is unchanged
 */
static inline void *map_grow(void *array, size_t nr, size_t size)
{
	if (nr && (nr < 64 || nr & (nr - 1)))
		return array;

	return realloc(array, (nr ? 2 * nr : 64) * size);
}

#endif /* __BPFTOOL_MAP_REF_H */
