// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: pins that outlive a run that fails
 *
 * Once the slot is swapped nothing but this process holds the old map. So it
 * is pinned before that, in a folder for this run, and let go only after all
 * that was in it went out:
 *
 *	/sys/fs/bpf/swap_drain/RUN/OUTERID_INNERID
 *
 * or OUTERID_INNERID_clear, which becomes OUTERID_INNERID_printed before it is
 * cleared.
 *
 * RUN is the process id, with a number added where that is taken. The folder
 * stays flocked until the run ends; one whose lock is free belonged to a run
 * that died.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
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
#define JOURNAL		SWAP_JOURNAL_BASE
#define RUN_TRIES	100
#define CLEAR		"_clear"
#define PRINTED		"_printed"

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
	char line[2 * PATH_MAX], at[PATH_MAX];
	bool same = false;
	struct stat st;
	FILE *f;

	if (stat(BPFFS, &st))
		return false;
	f = fopen("/proc/1/mountinfo", "re");
	if (!f)
		return false;

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*d %*d %u:%u %*s %4095s", &major_nr,
			   &minor_nr, at) != 3 || strcmp(at, BPFFS))
			continue;
		/* A later line hides an earlier one */
		same = strstr(line, " - bpf ") &&
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
	struct statfs st;

	/* A mount in good faith would hide what is there */
	if (statfs(BPFFS, &st)) {
		map_err("can't look at " BPFFS ": %s", strerror(errno));
		return -1;
	}
	if ((unsigned long)st.f_type != BPF_FS_MAGIC) {
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
		map_err("the bpffs at %s is not what process 1 sees there, it may end with this mount namespace: name a journal that lasts with 'journal DIR'",
			BPFFS);
		return -1;
	}

	return 0;
}

/* A bpffs may be world-writable: anybody can have planted the folder */
static int check_base(const char *base)
{
	bool made = !mkdir(base, 0700);
	struct stat st;

	if (!made && errno != EEXIST) {
		map_err("can't create %s: %s", base, strerror(errno));
		return -1;
	}
	if (lstat(base, &st)) {
		map_err("can't look at %s: %s", base, strerror(errno));
		return -1;
	}

	if (!S_ISDIR(st.st_mode))
		map_err("%s is no directory", base);
	else if (st.st_uid != geteuid())
		map_err("%s belongs to user %u, not to us", base, st.st_uid);
	else if (st.st_mode & 022)
		map_err("%s can be written by others (mode %04o)", base,
			st.st_mode & 07777);
	else if (!bpffs_holds(base))
		map_err("%s is not in a bpffs", base);
	else
		return 0;

	if (made)
		rmdir(base);
	return -1;
}

static int join(char path[PATH_MAX], const char *dir, const char *name)
{
	return snprintf(path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX ?
		       -ENAMETOOLONG : 0;
}

int swap_journal_open(struct swap_journal *j, const char *dir)
{
	if (!dir && find_bpffs())
		return -1;
	if (check_base(dir ? : JOURNAL))
		return -1;

	/* Messages name it, and recover must find it from anywhere */
	if (!realpath(dir ? : JOURNAL, j->base)) {
		map_err("can't find %s: %s", dir ? : JOURNAL, strerror(errno));
		return -1;
	}

	return 0;
}

/* Opens and locks a run's folder. Returns its descriptor, -EBUSY if the run is
 * still at work, or another -errno.
 */
static int lock_run(const char *run)
{
	struct stat by_fd, by_name;
	int fd, err;

	fd = open(run, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		goto close_fd;
	}

	/* It may have been removed, or made anew, before the lock was ours */
	if (fstat(fd, &by_fd) || lstat(run, &by_name)) {
		err = -errno;
		goto close_fd;
	}
	if (by_fd.st_ino != by_name.st_ino) {
		err = -ENOENT;
		goto close_fd;
	}

	return fd;

close_fd:
	close(fd);
	return err;
}

int swap_journal_begin(struct swap_journal *j)
{
	int i, len, err = 0;

	for (i = 0; i < RUN_TRIES; i++) {
		len = snprintf(j->run, sizeof(j->run), "%s/%d", j->base,
			       getpid());
		if (i && len < (int)sizeof(j->run))
			len += snprintf(j->run + len, sizeof(j->run) - len,
					"_%d", i);
		if (len >= (int)sizeof(j->run)) {
			err = -ENAMETOOLONG;
			break;
		}

		err = mkdir(j->run, 0700) ? -errno : 0;
		if (err == -EEXIST)
			continue;
		if (err)
			break;
		/* Until it is locked it looks like one of a run that died, and
		 * may be cleaned up, or looked into, at this moment.
		 */
		j->run_fd = lock_run(j->run);
		if (j->run_fd >= 0)
			return 0;
		err = j->run_fd;
		if (err != -EBUSY && err != -ENOENT) {
			rmdir(j->run);
			break;
		}
	}

	map_err("can't create %s: %s", j->run, strerror(-err));
	j->run_fd = -1;
	return -1;
}

int swap_journal_path(const struct swap_journal *j, __u32 outer_id, __u32 id,
		      enum swap_pin_state state, char path[PATH_MAX])
{
	static const char * const marks[] = {
		[PIN_PRINT]	= "",
		[PIN_CLEAR]	= CLEAR,
		[PIN_PRINTED]	= PRINTED,
	};
	char name[40];

	snprintf(name, sizeof(name), "%u_%u%s", outer_id, id, marks[state]);

	return join(path, j->run, name);
}

int swap_journal_printed(char *pin)
{
	size_t len = strlen(pin) - strlen(CLEAR);
	char printed[PATH_MAX];

	if (snprintf(printed, sizeof(printed), "%.*s" PRINTED, (int)len,
		     pin) >= (int)sizeof(printed))
		return -ENAMETOOLONG;
	if (rename(pin, printed))
		return -errno;
	memcpy(pin, printed, sizeof(printed));

	return 0;
}

void swap_journal_end(struct swap_journal *j)
{
	/* A folder that stays for no good reason is empty, and the next run
	 * removes it.
	 */
	if (j->run_fd >= 0)
		rmdir(j->run);
	swap_journal_leave(j);
}

void swap_journal_leave(struct swap_journal *j)
{
	if (j->run_fd >= 0)
		close(j->run_fd);
	j->run_fd = -1;
}

/* Leaves 0 in errno after the last one */
static struct dirent *next_entry(DIR *dir)
{
	errno = 0;

	return readdir(dir);
}

/* Only what swap_journal_path() names so is ours */
static bool parse_pin(const char *name, struct swap_pin *pin)
{
	int end = 0;

	if (sscanf(name, "%u_%u%n", &pin->outer_id, &pin->id, &end) != 2)
		return false;
	name += end;
	pin->state = !strcmp(name, CLEAR) ? PIN_CLEAR :
		     !strcmp(name, PRINTED) ? PIN_PRINTED : PIN_PRINT;

	return pin->state != PIN_PRINT || !*name;
}

static int each_in_run(const char *run, bool live,
		       int (*fn)(const struct swap_pin *pin, void *ctx),
		       void *ctx)
{
	char path[PATH_MAX];
	struct swap_pin pin = { .path = path, .live = live };
	struct dirent *entry;
	int ret = 0;
	DIR *dir;

	dir = opendir(run);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;

	while (!ret && (entry = next_entry(dir))) {
		/* A replacement is in its slot, or was never used */
		if (!live && !strncmp(entry->d_name, SWAP_JOURNAL_NEW,
				      strlen(SWAP_JOURNAL_NEW)) &&
		    !join(path, run, entry->d_name))
			unlink(path);
		if (!parse_pin(entry->d_name, &pin) ||
		    join(path, run, entry->d_name))
			continue;
		ret = fn(&pin, ctx);
	}
	if (!ret && !entry && errno)
		ret = -errno;
	closedir(dir);

	return ret;
}

int swap_journal_each(const struct swap_journal *j,
		      int (*fn)(const struct swap_pin *pin, void *ctx),
		      void *ctx)
{
	char run[PATH_MAX];
	struct dirent *entry;
	int fd, ret = 0;
	DIR *base;

	base = opendir(j->base);
	if (!base)
		return -errno;

	while (!ret && (entry = next_entry(base))) {
		if (entry->d_name[0] == '.' ||
		    join(run, j->base, entry->d_name))
			continue;
		fd = lock_run(run);
		/* Gone, or none of ours */
		if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
			continue;
		ret = fd < 0 && fd != -EBUSY ?
			      fd : each_in_run(run, fd < 0, fn, ctx);
		if (fd >= 0) {
			rmdir(run);	/* where nothing is left */
			close(fd);
		}
	}
	if (!ret && !entry && errno)
		ret = -errno;
	closedir(base);

	return ret;
}
