// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Pins that outlive a run that fails
 *
 * Once a map is taken from the programs, only this process holds it. So it is
 * pinned before that, in a folder for this run, and released only after all of
 * it was printed:
 *
 *	/sys/fs/bpf/swap_drain/RUN/OUTERID_INNERID
 *
 * or OUTERID_INNERID_clear, which becomes OUTERID_INNERID_printed before the map
 * is cleared; or MAPID_STAGEID_moved for the values that map drain took out of
 * a map.
 *
 * RUN is the process ID and the time. A run holds an exclusive flock on its
 * folder until it ends; readers of the journal take a shared one, so that two
 * readers never take each other for a run.
 *
 * A folder that the user chose may hold other things. A run's folder is
 * recognized by its name, owner and mode with the sticky bit, and a pin by the
 * ID in its name, which has to be the map's.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "main.h"
#include "map_journal.h"
#include "map_msg.h"
#include "map_ref.h"

#ifndef BPF_FS_MAGIC
#define BPF_FS_MAGIC	0xcafe4a11
#endif

#define BPFFS		"/sys/fs/bpf"
/* The kernel's PROC_PID_INIT_INO */
#define INIT_PID_NS_INO	0xEFFFFFFCU
#define RUN_TRIES	100
#define RUN_MODE	01700
#define PAUSE_MS	10
#define CLEAR		"_clear"
#define PRINTED		"_printed"

/* How the name of a pin ends, by enum pin_state */
static const char * const marks[] = { "", CLEAR, PRINTED, "_moved" };

bool bpffs_holds(const char *path)
{
	struct statfs st;

	return !statfs(path, &st) && (unsigned long)st.f_type == BPF_FS_MAGIC;
}

/* Does process 1 see the same bpffs at BPFFS? Not everyone may look into its
 * root, but its mounts can be read: "36 35 98:0 / /mnt rw ... - type source".
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

/* Process 1 of a container ends with it, and so does what we mount there */
static bool pid1_lasts(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == INIT_PID_NS_INO;
}

/* A bpffs mounted in a private mount namespace ends with it, and so does every
 * pin in it ("ip netns exec" makes such a namespace). Only the one that process
 * 1 sees lasts.
 */
static int find_bpffs(void)
{
	bool mounted = false;
	struct statfs st;

	/* Don't mount over something that can't be seen */
	if (statfs(BPFFS, &st))
		return map_err("can't look at " BPFFS ": %s", strerror(errno));
	if ((unsigned long)st.f_type != BPF_FS_MAGIC) {
		if (block_mount)
			return map_err("no bpffs at %s, not mounting it due to --nomount option",
				       BPFFS);
		if (mount("bpf", BPFFS, "bpf", 0, "mode=0700"))
			return map_err("can't mount a bpffs at " BPFFS ": %s",
				       strerror(errno));
		mounted = true;
	}

	if (pid1_sees_bpffs() && (!mounted || pid1_lasts()))
		return 0;

	if (mounted)
		umount(BPFFS);
	if (mounted && !pid1_lasts())
		map_err("no bpffs at %s, and one that is mounted in this container would end with it: mount one from the host, or name a folder in it with 'journal DIR'",
			BPFFS);
	else
		map_err("the bpffs at %s is not what process 1 sees there, it may end with this mount namespace: name a folder that lasts with 'journal DIR'",
			BPFFS);
	return -1;
}

static int create_base(const char *base)
{
	char copy[PATH_MAX];
	int err;

	if (!mkdir(base, 0700))
		return 1;
	err = errno;
	if (err == EEXIST)
		return 0;

	snprintf(copy, sizeof(copy), "%s", base);
	return map_err("can't create %s: %s", base,
		       err == EPERM && strchr(basename(copy), '.') ?
		       "a bpffs does not allow dots in names" : strerror(err));
}

/* A bpffs may be world-writable: any user may have created the folder */
static int check_base(const char *base)
{
	int made = create_base(base);
	struct stat st;

	if (made < 0)
		return -1;
	if (lstat(base, &st))
		return map_err("can't look at %s: %s", base, strerror(errno));

	if (!S_ISDIR(st.st_mode))
		map_err("%s is not a directory", base);
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

const char *map_journal_dir(const struct map_journal *j)
{
	return j->chosen ? j->base : NULL;
}

int map_journal_open(struct map_journal *j, const char *dir)
{
	j->run_fd = -1;
	if (!dir && find_bpffs())
		return -1;
	dir = dir ? : MAP_JOURNAL_DIR;
	if (check_base(dir))
		return -1;

	/* Messages name it, and recover must find it from any directory */
	if (!realpath(dir, j->base))
		return map_err("can't find %s: %s", dir, strerror(errno));
	j->chosen = strcmp(j->base, MAP_JOURNAL_DIR);

	return 0;
}

/* Opens and flocks a run's folder. Returns its descriptor; -EBUSY if the run is
 * still at work; or -errno.
 */
static int lock_run(const char *run, int how)
{
	struct stat by_fd, by_name;
	int fd, err;

	fd = open(run, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* It may have been removed before we got the lock */
	if (flock(fd, how | LOCK_NB))
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else if (fstat(fd, &by_fd) || lstat(run, &by_name))
		err = -errno;
	else if (by_fd.st_ino != by_name.st_ino)
		err = -ENOENT;
	else
		return fd;
	close(fd);

	return err;
}

static int create_run(struct map_journal *j)
{
	struct timespec now;
	int err;

	clock_gettime(CLOCK_REALTIME, &now);
	if (snprintf(j->run, sizeof(j->run), "%s/%d_%lld%09ld", j->base,
		     getpid(), (long long)now.tv_sec, now.tv_nsec) >=
	    (int)sizeof(j->run))
		return -ENAMETOOLONG;
	if (mkdir(j->run, RUN_MODE))
		return -errno;

	j->run_fd = lock_run(j->run, LOCK_EX);
	if (j->run_fd >= 0)
		return 0;

	err = j->run_fd;
	j->run_fd = -1;
	rmdir(j->run);
	/* Until it is locked it looks like the folder of a dead run: another run
	 * may be reading it, or have removed it
	 */
	return err == -EBUSY || err == -ENOENT ? -EEXIST : err;
}

int map_journal_begin(struct map_journal *j)
{
	int tries, err = -EEXIST;

	for (tries = 0; err == -EEXIST && tries < RUN_TRIES; tries++)
		err = create_run(j);
	if (!err)
		return 0;

	return map_err("can't create and flock %s: %s", j->run, strerror(-err));
}

int map_journal_path(const struct map_journal *j, __u32 outer_id, __u32 id,
		     enum pin_state state, char path[PATH_MAX])
{
	char name[40];

	snprintf(name, sizeof(name), "%u_%u%s", outer_id, id, marks[state]);

	return join(path, j->run, name);
}

int map_journal_printed(char **pin)
{
	size_t len = strlen(*pin) - strlen(CLEAR);
	char *printed;
	int err;

	if (asprintf(&printed, "%.*s" PRINTED, (int)len, *pin) < 0)
		return -ENOMEM;
	if (rename(*pin, printed)) {
		err = -errno;
		free(printed);
		return err;
	}
	free(*pin);
	*pin = printed;

	return 0;
}

void map_journal_end(struct map_journal *j)
{
	if (j->run_fd < 0)
		return;
	/* An empty folder that stays anyway is removed by the next run */
	rmdir(j->run);
	close(j->run_fd);
	j->run_fd = -1;
}

/* Leaves 0 in errno after the last one */
static struct dirent *next_entry(DIR *dir)
{
	errno = 0;

	return readdir(dir);
}

/* Is it a pin with a name of map_journal_path(), of the map in that name? */
static bool parse_pin(const char *name, struct journal_pin *pin)
{
	unsigned int state;
	int end = 0;

	if (!isdigit((unsigned char)*name) ||
	    sscanf(name, "%u_%u%n", &pin->outer_id, &pin->id, &end) != 2)
		return false;
	for (state = 0; strcmp(name + end, marks[state]); )
		if (++state == ARRAY_SIZE(marks))
			return false;
	pin->state = state;

	/* One that can't be opened counts too, as it has to be reported */
	pin->open_err = map_ref_open_pin(&pin->map, pin->path);

	return pin->open_err || pin->map.info.id == pin->id;
}

static int each_in_run(const char *run, struct journal_pin *pin,
		       int (*fn)(struct journal_pin *pin, void *ctx),
		       void *ctx)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int ret = 0;
	DIR *dir;

	dir = opendir(run);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;

	pin->path = path;
	while (!ret && (entry = next_entry(dir))) {
		if (!join(path, run, entry->d_name) &&
		    parse_pin(entry->d_name, pin))
			ret = fn(pin, ctx);
		map_ref_close(&pin->map);
	}
	if (!ret && !entry && errno)
		ret = -errno;
	closedir(dir);

	return ret;
}

/* Earlier versions made folders without the sticky bit, in the default journal */
static bool is_run(const struct map_journal *j, const char *name,
		   const char *path)
{
	struct stat st;

	if (!isdigit((unsigned char)*name) ||
	    name[strspn(name, "0123456789_")] || lstat(path, &st) ||
	    !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return false;

	return (st.st_mode & 07777) == RUN_MODE ||
	       (!j->chosen && (st.st_mode & 07777) == 0700);
}

/* As lock_run(), for a reader that waits a little for a run to end */
static int lock_to_read(const char *run, unsigned int *wait_ms)
{
	int fd = lock_run(run, LOCK_SH);

	while (fd == -EBUSY && *wait_ms >= PAUSE_MS) {
		usleep(PAUSE_MS * 1000);
		*wait_ms -= PAUSE_MS;
		fd = lock_run(run, LOCK_SH);
	}

	return fd;
}

int map_journal_each(const struct map_journal *j, unsigned int wait_ms,
		     int (*fn)(struct journal_pin *pin, void *ctx),
		     void *ctx)
{
	struct journal_pin pin = { .map.fd = -1 };
	char run[PATH_MAX];
	struct dirent *entry;
	int fd, ret = 0;
	DIR *base;

	base = opendir(j->base);
	if (!base)
		return -errno;

	while (!ret && (entry = next_entry(base))) {
		if (join(run, j->base, entry->d_name) ||
		    !is_run(j, entry->d_name, run))
			continue;
		fd = lock_to_read(run, &wait_ms);
		if (fd == -ENOENT)
			continue;
		pin.run++;
		pin.live = fd < 0;
		if (fd < 0 && fd != -EBUSY)
			ret = fd;
		else if (fn)
			ret = each_in_run(run, &pin, fn, ctx);
		if (fd >= 0) {
			rmdir(run);	/* if nothing is left in it */
			close(fd);
		}
	}
	if (!ret && !entry && errno)
		ret = -errno;
	closedir(base);

	return ret;
}
