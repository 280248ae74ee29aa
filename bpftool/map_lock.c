// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* One run at a time works on a map
 *
 * Two runs that read the same slot before either has swapped it would both
 * drain the same map, and lose the replacement that was in the slot in between.
 *
 * The lock is itself a map: a queue, which takes CAP_BPF to create, with the ID
 * of the locked map in its name. A pinned lock file would only work for
 * processes that see the same bpffs, and any user can take a file lock on a
 * map's descriptor, as all anonymous files share one inode. Map IDs are the same
 * in every namespace, and the kernel frees the lock when its holder dies.
 *
 * IDs grow, and are reused only after 2^31 maps were created: of several locks
 * with one name, the one with the lowest ID is held.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_lock.h"
#include "map_msg.h"
#include "map_ref.h"

#define LOCK_TRIES		1000
#define LOCK_PAUSE_MS		10	/* 10 seconds in all */

/* A lock that waits for older ones */
struct lock {
	struct map_ref map;
	bool force;
	__u32 older;		/* ID of one that may be older, 0: none */
};

/* Returns 1 if a map is a lock of the same name, 0, or -errno */
static int is_lock(const struct lock *lock, __u32 id)
{
	struct map_ref map;
	int err;

	err = map_ref_open(&map, id, BPF_F_RDONLY);
	if (err == -ENOENT || (err && lock->force && !map_err_is_ours(err)))
		return 0;
	if (err)
		return err;
	map_ref_close(&map);

	return map.info.type == BPF_MAP_TYPE_QUEUE &&
	       !strcmp(map.info.name, lock->map.info.name);
}

/* No lock with a lower ID can come. Returns 0; -EBUSY if an older one stays; or
 * -errno
 */
static int wait_for_older(struct lock *lock)
{
	int tries = 0, ret;
	__u32 id = 0;

	while (!bpf_map_get_next_id(id, &id)) {
		if (id >= lock->map.info.id)
			return 0;
		lock->older = id;
		for (ret = is_lock(lock, id); ret > 0; ret = is_lock(lock, id)) {
			if (tries++ == LOCK_TRIES)
				return -EBUSY;
			usleep(LOCK_PAUSE_MS * 1000);
		}
		if (ret)
			return ret;
	}
	lock->older = 0;

	return errno == ENOENT ? 0 : -errno;
}

int map_lock(__u32 id, bool force)
{
	struct lock lock = { .force = force };
	char name[BPF_OBJ_NAME_LEN];
	int err;

	snprintf(name, sizeof(name), "swap_%u", id);
	lock.map.fd = bpf_map_create(BPF_MAP_TYPE_QUEUE, name, 0, 4, 1, NULL);
	if (lock.map.fd < 0)
		return map_err("can't create the lock of map %u: %s", id,
			       strerror(errno));

	err = map_ref_info(&lock.map) ? : wait_for_older(&lock);
	if (!err)
		return lock.map.fd;

	map_ref_close(&lock.map);
	if (err == -EBUSY)
		return map_err("map %u is locked by map %u: another run is draining it",
			       id, lock.older);
	if (lock.older)
		return map_err("can't lock map %u: map %u may be its lock: %s%s",
			       id, lock.older, strerror(-err),
			       map_err_is_ours(err) ? "" : "; 'force' skips it");
	return map_err("can't lock map %u: %s", id, strerror(-err));
}

void map_unlock(int *lock)
{
	if (*lock >= 0)
		close(*lock);
	*lock = -1;
}
