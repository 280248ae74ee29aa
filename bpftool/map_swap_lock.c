// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: one at a time
 *
 * Two runs that read the same slot before either has swapped it would both
 * drain the same map, and the replacement that was in the slot in between
 * would be lost with all that was counted in it.
 *
 * A pinned lock file would only serve those who see the same bpffs. The map
 * itself is the same everywhere: all its file descriptors, on the whole
 * system, share the one inode of all anonymous files, so that a lock on it
 * reaches across every namespace, and the kernel drops it when the holder
 * dies. As the inode is shared with every other map too, the byte that is
 * locked is the one numbered by the map's id.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "main.h"
#include "map_err.h"
#include "map_swap.h"

#define LOCK_TRIES		1000
#define LOCK_PAUSE_MS		10	/* 10 seconds in all */

static int set_lock(const struct map_ref *outer, short type)
{
	struct flock fl = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = outer->info.id,
		.l_len = 1,
	};

	return fcntl(outer->fd, F_OFD_SETLK, &fl) ? -errno : 0;
}

/* Lines read: "1: POSIX  ADVISORY  WRITE 4711 00:0f:1037 42 42". The pid of
 * an OFD lock, which swap-drain itself takes, is shown as -1.
 */
static int lock_holder(const struct map_ref *outer)
{
	unsigned long long start, end;
	char line[256], end_text[32];
	unsigned long ino;
	struct stat st;
	int pid = 0, p;
	FILE *f;

	if (fstat(outer->fd, &st))
		return 0;
	f = fopen("/proc/locks", "re");
	if (!f)
		return 0;

	while (!pid && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*d: %*s %*s %*s %d %*x:%*x:%lu %llu %31s",
			   &p, &ino, &start, end_text) != 4)
			continue;
		/* A lock without an end shows "EOF" */
		end = strcmp(end_text, "EOF") ? strtoull(end_text, NULL, 10) :
						~0ULL;
		if (p > 0 && ino == st.st_ino && start <= outer->info.id &&
		    outer->info.id <= end)
			pid = p;
	}
	fclose(f);

	return pid;
}

int swap_lock(const struct map_ref *outer)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	int i, err = 0, pid;
	char holder[32] = "";

	for (i = 0; i < LOCK_TRIES; i++) {
		err = set_lock(outer, F_WRLCK);
		if (!err)
			return 0;
		if (err != -EAGAIN && err != -EACCES)
			break;
		nanosleep(&pause, NULL);
	}

	if (err != -EAGAIN && err != -EACCES) {
		map_err("can't lock map %u: %s", outer->info.id,
			strerror(-err));
		return -1;
	}

	pid = lock_holder(outer);
	if (pid)
		snprintf(holder, sizeof(holder), " by process %d", pid);
	map_err("map %u is locked%s, another swap-drain of it seems to be at work",
		outer->info.id, holder);
	return -1;
}

void swap_unlock(const struct map_ref *outer)
{
	set_lock(outer, F_UNLCK);
}
