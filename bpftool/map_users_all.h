/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The content of a snapshot, for the files behind map_users.h */

#ifndef __BPFTOOL_MAP_USERS_ALL_H
#define __BPFTOOL_MAP_USERS_ALL_H

#include "map_async.h"
#include "map_users.h"

/* err: -errno if it can't be opened or read; then only the ID is known */
struct user_prog {
	struct bpf_prog_info info;
	__u32 *map_ids;
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

/* The maps in the slots of a map-in-map */
struct user_slots {
	__u32 outer_id;		/* 0: none was read */
	int err;
	__u32 *ids;
	size_t nr;
};

struct map_users {
	struct user_prog *progs;
	struct user_link *links;
	struct user_map *maps;	/* sorted */
	size_t nr_progs, nr_links, nr_maps;
	/* While a snapshot is taken: the maps of the last one that are left */
	const struct user_map *before;
	size_t nr_before;
	struct user_slots slots;
	struct map_async_progs async;
};

/* NULL: it was not there */
struct user_map *map_users_map(const struct map_users *u, __u32 id);

bool user_prog_has_map(const struct user_prog *prog, __u32 id);

int map_users_compare(const void *a, const void *b);

/* "can't @what @id: @err" goes into @why; returns @err */
int map_users_cant(char *why, size_t size, int err, const char *what,
		   __u32 id);

/* Were all programs and links read? 0, or -errno with the reason in @why */
int map_users_progs_known(const struct map_users *u, char *why, size_t size);

#endif /* __BPFTOOL_MAP_USERS_ALL_H */
