/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The content of a snapshot, for the files behind map_users.h */

#ifndef __BPFTOOL_MAP_USERS_ALL_H
#define __BPFTOOL_MAP_USERS_ALL_H

#include "map_async.h"
#include "map_users.h"

#define PROG_MAPS_MAX	128	/* the kernel allows 64 */

/* err: -errno if it can't be opened or read; then only the ID is known */
struct user_prog {
	struct bpf_prog_info info;
	__u32 map_ids[PROG_MAPS_MAX];
	int err;
};

/* A link that attaches an iterator to a map, or a program to a program */
struct user_link {
	__u32 id, prog_id;
	int err;
	bool traces;
	__u32 target;		/* program, or BTF; 0: not known */
	__u32 map_id;		/* 0: none */
};

struct user_map {
	__u32 id;		/* first, to be searched for */
	__u32 type, btf_id, value_type_id;
	int err;
	int starts;		/* MAP_FIELD_*, -1: not known yet */
};

struct map_users {
	struct user_prog *progs;
	struct user_link *links;
	struct user_map *maps;	/* sorted */
	size_t nr_progs, nr_links, nr_maps;
	/* While a snapshot is taken: the last one */
	const struct map_users *before;
	struct map_async_progs async;
};

/* NULL: it was not there, or the program could not be read */
struct user_map *map_users_map(const struct map_users *u, __u32 id);
const struct user_prog *map_users_prog(const struct map_users *u, __u32 id);

/* One of several maps, sorted, that a program has among its own; 0: none */
__u32 user_prog_map(const struct user_prog *prog, const __u32 *ids, size_t nr);

int map_users_compare(const void *a, const void *b);

/* "can't @what @id: @err" goes into @why; returns @err */
int map_users_cant(char *why, int err, const char *what, __u32 id);

/* Were all programs and links read? 0, or -errno with the reason in @why */
int map_users_progs_known(const struct map_users *u, char *why);

#endif /* __BPFTOOL_MAP_USERS_ALL_H */
