// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The users of maps: a snapshot of the machine */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_ref.h"
#include "map_users_all.h"

/* A link that is about to be created can't be opened until its creator runs again */
#define LINK_TRIES	1000
#define LINK_TRY_US	1000

/* A second in all */
#define WAIT_TRIES	50
#define WAIT_PAUSE_MS	20

int map_users_compare(const void *a, const void *b)
{
	__u32 id_a = *(const __u32 *)a, id_b = *(const __u32 *)b;

	return id_a < id_b ? -1 : id_a > id_b;
}

int map_users_cant(char *why, int err, const char *what, __u32 id)
{
	snprintf(why, MAP_USERS_WHY, "can't %s %u: %s", what, id, strerror(-err));

	return err;
}

static int read_prog(struct user_prog *prog)
{
	__u32 len = sizeof(prog->info);
	int fd, err = 0;

	fd = bpf_prog_get_fd_by_id(prog->info.id);
	if (fd < 0)
		return -errno;

	prog->info.nr_map_ids = PROG_MAPS_MAX;
	prog->info.map_ids = ptr_to_u64(prog->map_ids);
	if (bpf_obj_get_info_by_fd(fd, &prog->info, &len))
		err = -errno;
	else if (prog->info.nr_map_ids > PROG_MAPS_MAX)
		err = -E2BIG;
	close(fd);
	prog->info.map_ids = 0;		/* the array may move */

	return err;
}

/* A program that can't be opened stays in the snapshot, as unknown; one that is
 * gone does not.
 */
static int add_prog(struct map_users *u, __u32 id)
{
	struct user_prog *prog;

	prog = map_grow(u->progs, u->nr_progs, sizeof(*prog));
	if (!prog)
		return -ENOMEM;
	u->progs = prog;
	prog += u->nr_progs;
	*prog = (struct user_prog){ .info.id = id };
	prog->err = read_prog(prog);
	if (prog->err != -ENOENT)
		u->nr_progs++;

	return 0;
}

static int read_link(struct user_link *link)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int fd, err, tries = 0;

	do {
		if (tries)
			usleep(LINK_TRY_US);
		fd = bpf_link_get_fd_by_id(link->id);
	} while (fd < 0 && errno == EAGAIN && ++tries < LINK_TRIES);
	if (fd < 0)
		return -errno;

	err = bpf_obj_get_info_by_fd(fd, &info, &len) ? -errno : 0;
	close(fd);
	if (err)
		return err;

	link->prog_id = info.prog_id;
	if (info.type == BPF_LINK_TYPE_ITER)
		link->map_id = info.iter.map.map_id;
	/* Known since 5.13 */
	link->traces = info.type == BPF_LINK_TYPE_TRACING;
	if (link->traces)
		link->target = info.tracing.target_obj_id;

	return 0;
}

static int add_link(struct map_users *u, __u32 id)
{
	struct user_link *link;

	link = map_grow(u->links, u->nr_links, sizeof(*link));
	if (!link)
		return -ENOMEM;
	u->links = link;
	link += u->nr_links;
	*link = (struct user_link){ .id = id };
	link->err = read_link(link);
	/* Other links don't matter */
	if (link->err ? link->err != -ENOENT : link->map_id || link->traces)
		u->nr_links++;

	return 0;
}

static int add_map(struct map_users *u, __u32 id)
{
	const struct user_map *before = map_users_map(u->before, id);
	struct user_map *map;
	struct map_ref ref;

	map = map_grow(u->maps, u->nr_maps, sizeof(*map));
	if (!map)
		return -ENOMEM;
	u->maps = map;
	map += u->nr_maps;
	if (before && !before->err) {
		*map = *before;
		u->nr_maps++;
		return 0;
	}

	*map = (struct user_map){ .id = id, .starts = -1 };
	map->err = map_ref_open(&ref, id, BPF_F_RDONLY);
	if (!map->err) {
		map->type = ref.info.type;
		map->btf_id = ref.info.btf_id;
		map->value_type_id = ref.info.btf_value_type_id;
		map_ref_close(&ref);
	}
	if (map->err != -ENOENT)
		u->nr_maps++;

	return 0;
}

/* The kernel returns IDs in ascending order, so the arrays are sorted */
static int add_all(struct map_users *u, int (*next_id)(__u32 at, __u32 *next),
		   int (*add)(struct map_users *u, __u32 id))
{
	__u32 at = 0;
	int err = 0;

	while (!err && !next_id(at, &at))
		err = add(u, at);
	if (!err && errno != ENOENT)
		err = -errno;

	return err;
}

/* Take maps last, so that the maps of each program are among them */
int map_users_take(struct map_users **up)
{
	struct map_users *u = *up ? : calloc(1, sizeof(*u));
	struct map_users before;
	int err;

	*up = u;
	if (!u)
		return -ENOMEM;

	before = *u;
	free(before.progs);
	free(before.links);
	*u = (struct map_users){ .before = &before, .async = before.async };
	map_async_renew(&u->async);

	err = add_all(u, bpf_prog_get_next_id, add_prog);
	if (!err)
		err = add_all(u, bpf_link_get_next_id, add_link);
	/* Before 5.8 links have no IDs, and there are no iterators. A kernel
	 * without sleepable programs, which came with 5.10, may be one of these.
	 */
	if (err == -EINVAL && !map_async_kernel_sleeps(&u->async))
		err = 0;
	if (!err)
		err = add_all(u, bpf_map_get_next_id, add_map);
	free(before.maps);
	u->before = NULL;

	return err;
}

bool map_users_wait(int *tries)
{
	const struct timespec pause = { .tv_nsec = WAIT_PAUSE_MS * 1000000L };

	if (*tries == WAIT_TRIES)
		return false;
	++*tries;
	nanosleep(&pause, NULL);

	return true;
}

void map_users_free(struct map_users *u)
{
	if (!u)
		return;
	free(u->progs);
	free(u->links);
	free(u->maps);
	map_async_free(&u->async);
	free(u);
}

struct user_map *map_users_map(const struct map_users *u, __u32 id)
{
	return u->nr_maps ? bsearch(&id, u->maps, u->nr_maps, sizeof(*u->maps),
				    map_users_compare) : NULL;
}

const struct user_prog *map_users_prog(const struct map_users *u, __u32 id)
{
	size_t i;

	for (i = 0; i < u->nr_progs; i++)
		if (u->progs[i].info.id == id)
			return u->progs[i].err ? NULL : &u->progs[i];

	return NULL;
}

__u32 user_prog_map(const struct user_prog *prog, const __u32 *ids, size_t nr)
{
	__u32 i;

	for (i = 0; !prog->err && i < prog->info.nr_map_ids; i++)
		if (bsearch(&prog->map_ids[i], ids, nr, sizeof(*ids),
			    map_users_compare))
			return prog->map_ids[i];

	return 0;
}

int map_users_progs_known(const struct map_users *u, char *why)
{
	size_t i;

	for (i = 0; i < u->nr_progs; i++)
		if (u->progs[i].err)
			return map_users_cant(why, u->progs[i].err,
					      "look at program",
					      u->progs[i].info.id);
	for (i = 0; i < u->nr_links; i++)
		if (u->links[i].err)
			return map_users_cant(why, u->links[i].err,
					      "look at link", u->links[i].id);

	return 0;
}
