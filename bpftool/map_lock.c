// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* One run at a time works on a map
 *
 * Two runs that read the same slot before either has swapped it would both
 * drain the same map, and lose the replacement that was in the slot in between.
 *
 * The lock is itself a map: a queue, a type that takes CAP_BPF to create, whose
 * name holds the ID of the locked map. A pinned lock file would only serve
 * those who see the same bpffs, and file locks on a map's descriptor can be
 * taken by every user, as all anonymous inodes are one. Map IDs are the same in
 * every namespace, and the kernel frees the lock when its holder dies.
 *
 * IDs grow, and are not used again before 2^31 maps were created: of several
 * locks of a name the one with the lowest ID holds.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_lock.h"
#include "map_msg.h"
#include "map_ref.h"

#define LOCK_TRIES		1000
#define LOCK_PAUSE_MS		10	/* 10 seconds in all */

/* Returns 1 if the map is a lock of this name, 0, or -errno */
static int is_lock(__u32 id, const char *name)
{
	struct map_ref map;
	int err;

	err = map_ref_open(&map, id, BPF_F_RDONLY);
	/* It is gone, or a security module protects it: no run creates such a
	 * lock
	 */
	if (err == -ENOENT || err == -EPERM || err == -EACCES)
		return 0;
	if (err)
		return err;
	map_ref_close(&map);

	return map.info.type == BPF_MAP_TYPE_QUEUE &&
	       !strcmp(map.info.name, name);
}

/* An older lock of the name: its ID in @older, 0 if there is none */
static int find_older(const struct map_ref *lock, __u32 *older)
{
	__u32 id = 0;
	int ret;

	*older = 0;
	while (!bpf_map_get_next_id(id, &id)) {
		if (id >= lock->info.id)
			return 0;
		ret = is_lock(id, lock->info.name);
		if (ret < 0)
			return ret;
		if (ret) {
			*older = id;
			return 0;
		}
	}

	return errno == ENOENT ? 0 : -errno;
}

/* Returns 0; -EBUSY with the holder in @older; or -errno */
static int wait_for_older(const struct map_ref *lock, __u32 *older)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	int tries, ret;

	ret = find_older(lock, older);
	for (tries = 0; !ret && *older && tries < LOCK_TRIES; tries++) {
		nanosleep(&pause, NULL);
		/* Only where it is gone, all maps are looked at again */
		ret = is_lock(*older, lock->info.name);
		if (ret > 0)
			ret = 0;
		else if (!ret)
			ret = find_older(lock, older);
	}

	return ret ? : *older ? -EBUSY : 0;
}

int map_lock(__u32 id)
{
	__u32 older = 0, len = sizeof(struct bpf_map_info);
	struct map_ref lock = {};
	char name[BPF_OBJ_NAME_LEN];
	int err;

	snprintf(name, sizeof(name), "swap_%u", id);
	lock.fd = bpf_map_create(BPF_MAP_TYPE_QUEUE, name, 0, 4, 1, NULL);
	if (lock.fd < 0)
		return map_err("can't create the lock of map %u: %s", id,
			       strerror(errno));

	err = bpf_obj_get_info_by_fd(lock.fd, &lock.info, &len) ? -errno :
	      wait_for_older(&lock, &older);
	if (!err)
		return lock.fd;

	map_ref_close(&lock);
	if (err == -EBUSY)
		return map_err("map %u is locked by map %u: another run is draining it",
			       id, older);
	return map_err("can't lock map %u: %s", id, strerror(-err));
}
