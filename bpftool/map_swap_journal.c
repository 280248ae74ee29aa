// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: pins that outlive a run that fails
 *
 * Once the slot is swapped nothing but this process holds the old map. So it
 * is pinned before that, in a folder for this run, and let go only after all
 * that was in it went out:
 *
 *	/sys/fs/bpf/swap_drain/RUN/OUTERID_INNERID
 *
 * RUN is the process id, with a number added where that is taken. The folder
 * stays flocked until the run ends; one whose lock is free belonged to a run
 * that died.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_err.h"
#include "map_swap.h"

#ifndef BPF_FS_MAGIC
#define BPF_FS_MAGIC	0xcafe4a11
#endif

#define BPFFS		"/sys/fs/bpf"
#define JOURNAL		BPFFS "/swap_drain"
#define RUN_TRIES	100

bool bpffs_holds(const char *path)
{
	struct statfs st;

	return !statfs(path, &st) && (unsigned long)st.f_type == BPF_FS_MAGIC;
}

/* Is what we see at BPFFS what process 1 sees there? Its root can't be looked
 * into by everyone, its mounts can: "36 35 98:0 / /mnt rw ... - type source".
 */
static bool pid1_sees_bpffs(void)
{
	unsigned int major_nr, minor_nr;
	char line[2 * PATH_MAX], *type;
	bool same = false;
	struct stat st;
	int at;
	FILE *f;

	if (stat(BPFFS, &st))
		return false;
	f = fopen("/proc/1/mountinfo", "re");
	if (!f)
		return false;

	while (fgets(line, sizeof(line), f)) {
		at = 0;
		sscanf(line, "%*d %*d %u:%u %*s " BPFFS " %n", &major_nr,
		       &minor_nr, &at);
		type = strstr(line, " - bpf ");
		/* A later line hides an earlier one */
		if (at)
			same = type &&
			       makedev(major_nr, minor_nr) == st.st_dev;
	}
	fclose(f);

	return same;
}

/* A bpffs mounted in a private mount namespace dies with it, and every pin in
 * it too ("ip netns exec" makes such a namespace). Only the one that process 1
 * sees lasts.
 */
static int find_bpffs(void)
{
	bool mounted = false;

	if (!bpffs_holds(BPFFS)) {
		if (block_mount) {
			map_err("no bpffs at " BPFFS ", not mounting it due to --nomount option");
			return -1;
		}
		if (mount("bpf", BPFFS, "bpf", 0, "mode=0700")) {
			map_err("can't mount a bpffs at " BPFFS ": %s",
				strerror(errno));
			return -1;
		}
		mounted = true;
	}

	if (!pid1_sees_bpffs()) {
		if (mounted)
			umount(BPFFS);
		map_err("process 1 does not see the bpffs at " BPFFS ": it may end with this mount namespace, and the old map would not be safe in it");
		return -1;
	}

	return 0;
}

/* A bpffs may be world-writable: anybody can have planted the folder */
static int check_journal(void)
{
	struct stat st;

	if (mkdir(JOURNAL, 0700) && errno != EEXIST) {
		map_err("can't create " JOURNAL ": %s", strerror(errno));
		return -1;
	}
	if (lstat(JOURNAL, &st)) {
		map_err("can't look at " JOURNAL ": %s", strerror(errno));
		return -1;
	}

	if (!S_ISDIR(st.st_mode))
		map_err(JOURNAL " is no directory");
	else if (st.st_uid != geteuid())
		map_err(JOURNAL " belongs to user %u, not to us", st.st_uid);
	else if (st.st_mode & 022)
		map_err(JOURNAL " can be written by others (mode %04o)",
			st.st_mode & 07777);
	else
		return 0;

	return -1;
}

/* Returns 0, -EEXIST for a name that is in use, or another -errno */
static int make_run(struct swap_journal *j)
{
	struct stat by_fd, by_name;
	int err;

	if (mkdir(j->dir, 0700))
		return -errno;

	j->dir_fd = open(j->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
				 O_CLOEXEC);
	if (j->dir_fd < 0) {
		err = -errno;
		goto remove_dir;
	}
	if (flock(j->dir_fd, LOCK_EX | LOCK_NB)) {
		err = errno == EWOULDBLOCK ? -EEXIST : -errno;
		goto close_dir;
	}

	/* Between mkdir() and flock() it looked like one of a run that died,
	 * and may have been cleaned up.
	 */
	if (fstat(j->dir_fd, &by_fd) || lstat(j->dir, &by_name) ||
	    by_fd.st_ino != by_name.st_ino) {
		err = -EEXIST;
		goto close_dir;
	}

	return 0;

close_dir:
	close(j->dir_fd);
	j->dir_fd = -1;
remove_dir:
	rmdir(j->dir);
	return err;
}

int swap_journal_open(struct swap_journal *j)
{
	int i, err = -EEXIST;

	if (find_bpffs() || check_journal())
		return -1;

	for (i = 0; err == -EEXIST && i < RUN_TRIES; i++) {
		if (i)
			snprintf(j->dir, sizeof(j->dir), JOURNAL "/%d_%d",
				 getpid(), i);
		else
			snprintf(j->dir, sizeof(j->dir), JOURNAL "/%d",
				 getpid());
		err = make_run(j);
	}
	if (err) {
		map_err("can't create %s: %s", j->dir, strerror(-err));
		return -1;
	}

	return 0;
}

int swap_journal_pin(struct swap_journal *j, const struct map_ref *outer,
		     const struct map_ref *old)
{
	char pin[sizeof(j->pin)];

	if (snprintf(pin, sizeof(pin), "%s/%u_%u", j->dir, outer->info.id,
		     old->info.id) >= (int)sizeof(pin)) {
		map_err("the path of the journal is too long");
		return -1;
	}
	if (bpf_obj_pin(old->fd, pin)) {
		map_err("can't pin the old map at %s: %s", pin,
			strerror(errno));
		return -1;
	}
	memcpy(j->pin, pin, sizeof(pin));

	return 0;
}

int swap_journal_release(struct swap_journal *j)
{
	int err = 0;

	if (j->dir_fd < 0)
		return 0;

	if (*j->pin && unlink(j->pin))
		err = -errno;
	if (!err && rmdir(j->dir))
		err = -errno;
	swap_journal_leave(j);

	return err;
}

void swap_journal_leave(struct swap_journal *j)
{
	if (j->dir_fd >= 0)
		close(j->dir_fd);
	j->dir_fd = -1;
}
