/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What may run on after a grace period: sleepable programs, and callbacks */

#ifndef __BPFTOOL_MAP_ASYNC_H
#define __BPFTOOL_MAP_ASYNC_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#define PROG_TYPES_MAX	64

struct map_sleepable_entry;

/* The kernel's answers, cached; all zero at first */
struct map_async_progs {
	bool asked;		/* the iterator ran, or failed with err */
	int err;
	struct map_sleepable_entry *list;
	size_t nr;
	/* by program type; 0: not asked yet */
	signed char sleepers, types[PROG_TYPES_MAX];
};

/* map_async_renew() - look again for programs that are not in the list. Known
 * ones stay valid: an ID is reused only after 2^31 - 1 programs were loaded.
 */
void map_async_renew(struct map_async_progs *progs);
void map_async_free(struct map_async_progs *progs);

/* map_async_kernel_sleeps() - can the kernel have sleepable programs at all? Only
 * a false is certain.
 */
bool map_async_kernel_sleeps(struct map_async_progs *progs);

/**
 * map_async_sleepable() - is a loaded program sleepable?
 * @id:		its ID
 * @type:	its type
 *
 * Program info does not say. Some types can never sleep. For the others, check
 * whether the kernel loads a sleepable program of that type at all, and only
 * then run an iterator, which takes tens of milliseconds, once for all programs.
 *
 * An extension (freplace) is never sleepable by itself, but runs as a part of
 * another program: see map_async_target().
 *
 * Return: 1, 0, or -errno if it can't be known: -EOPNOTSUPP where bpftool was
 * built without skeletons, -ENOENT if the program was unloaded since.
 */
int map_async_sleepable(struct map_async_progs *progs, __u32 id, __u32 type);

/* map_async_target() - the program that an extension was loaded for, but is not
 * attached to yet; 0: none, or not known
 */
__u32 map_async_target(struct map_async_progs *progs, __u32 id);

#endif /* __BPFTOOL_MAP_ASYNC_H */
