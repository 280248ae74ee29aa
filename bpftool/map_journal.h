/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Pins that outlive a run that fails */

#ifndef __BPFTOOL_MAP_JOURNAL_H
#define __BPFTOOL_MAP_JOURNAL_H

#include <limits.h>
#include <stdbool.h>

#include <linux/types.h>

#include "map_ref.h"

#define MAP_JOURNAL_DIR	"/sys/fs/bpf/swap_drain"

struct map_journal {
	char base[PATH_MAX];	/* holds a folder for each run */
	char run[PATH_MAX];	/* this run's folder */
	int run_fd;		/* flocked until the run ends, -1: none */
	bool chosen;		/* the user named it */
};

/* map_journal_dir() - the folder to give to "recover", or NULL for the default */
const char *map_journal_dir(const struct map_journal *j);

/**
 * map_journal_open() - find the journal, and create it if need be
 * @dir:	a folder that the user chose, NULL for the default
 *
 * Refuses a bpffs that ends with a namespace, unless the user chose it, and a
 * folder that other users can write to. Reports.
 *
 * Return: 0 or -1.
 */
int map_journal_open(struct map_journal *j, const char *dir);

/* map_journal_begin() - create a folder for this run. Reports; 0 or -1 */
int map_journal_begin(struct map_journal *j);

/* map_journal_end() - end this run, and remove its folder if it is empty */
void map_journal_end(struct map_journal *j);

/* The name of a pin shows what is still to be done with the map */
enum pin_state {
	PIN_PRINT,		/* print it, release it */
	PIN_CLEAR,		/* print it, clear it, release it */
	PIN_PRINTED,		/* clear it, release it */
	PIN_MOVED,		/* holds values moved out of a map: as PIN_PRINT */
};

/* map_journal_path() - the path of a map's pin; 0 or -ENAMETOOLONG */
int map_journal_path(const struct map_journal *j, __u32 outer_id, __u32 id,
		     enum pin_state state, char path[PATH_MAX]);

/**
 * map_journal_printed() - note that a map that is to be cleared was printed
 * @pin:	path of its pin, allocated; replaced by the new one
 *
 * A half-cleared map must not be taken for a complete one.
 *
 * Return: 0 or -errno.
 */
int map_journal_printed(char **pin);

/* A map in the journal */
struct journal_pin {
	const char *path;
	__u32 outer_id, id;
	unsigned int run;	/* number of its run's folder, from 1 */
	bool live;		/* that run is still at work */
	enum pin_state state;
	/* The map, if it can be opened; who takes it sets its fd to -1 */
	struct map_ref map;
	int open_err;		/* otherwise -errno */
};

/**
 * map_journal_each() - call a function for every map in the journal
 * @wait_ms:	how long to wait, in all, for runs that are at work to end
 * @fn:		NULL: none
 *
 * Removes empty folders of runs that ended.
 *
 * Return: the first value other than 0 that @fn returned, 0, or -errno.
 */
int map_journal_each(const struct map_journal *j, unsigned int wait_ms,
		     int (*fn)(struct journal_pin *pin, void *ctx),
		     void *ctx);

/* bpffs_holds() - is a path on a bpffs? */
bool bpffs_holds(const char *path);

#endif /* __BPFTOOL_MAP_JOURNAL_H */
