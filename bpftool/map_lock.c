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

/* Returns 1 if a map is a lock of the same name, 0, or -errno */
static int is_lock(__u32 id, const char *name, bool force)
{
	struct map_ref map;
	int err;

	err = map_ref_open(&map, id, BPF_F_RDONLY);
	if (err == -ENOENT || (err && force && !map_err_is_ours(err)))
		return 0;
	if (err)
		return err;
	map_ref_close(&map);

	return map.info.type == BPF_MAP_TYPE_QUEUE &&
	       !strcmp(map.info.name, name);
}

/* No lock with a lower ID can come. Returns 0; -EBUSY if @older stays; or -errno,
 * because of the map @older or, if that is 0, of all
 */
static int wait_for_older(const struct bpf_map_info *own, bool force, __u32 *older)
{
	int tries = 0, ret;
	__u32 id = 0;

	while (!bpf_map_get_next_id(id, &id)) {
		if (id >= own->id)
			return 0;
		*older = id;
		while ((ret = is_lock(id, own->name, force))) {
			if (ret < 0)
				return ret;
			if (tries++ == LOCK_TRIES)
				return -EBUSY;
			usleep(LOCK_PAUSE_MS * 1000);
		}
	}
	*older = 0;

	return errno == ENOENT ? 0 : -errno;
}

int map_lock(__u32 id, bool force)
{
	char name[BPF_OBJ_NAME_LEN];
	struct map_ref lock;
	__u32 older = 0;
	int err;

	snprintf(name, sizeof(name), "swap_%u", id);
	lock.fd = bpf_map_create(BPF_MAP_TYPE_QUEUE, name, 0, 4, 1, NULL);
	if (lock.fd < 0)
		return map_err("can't create the lock of map %u: %s", id,
			       strerror(errno));

	err = map_ref_info(&lock) ? : wait_for_older(&lock.info, force, &older);
	if (!err)
		return lock.fd;

	map_ref_close(&lock);
	if (err == -EBUSY)
		return map_err("map %u is locked by map %u: another run is draining it",
			       id, older);
	if (older)
		return map_err("can't lock map %u: map %u may be its lock: %s%s",
			       id, older, strerror(-err),
			       map_err_is_ours(err) ? "" : "; 'force' skips it");
	return map_err("can't lock map %u: %s", id, strerror(-err));
}

void map_unlock(int *lock)
{
	if (*lock >= 0)
		close(*lock);
	*lock = -1;
}
