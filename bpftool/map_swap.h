/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* bpftool map swap-drain: what its parts share
 *
 * map_swap_run.h	a run, from the command line to the release
 * map_swap_drain.c	the verb: order of work, and what is said when it fails
 * map_swap_args.c	command line
 * map_swap_slots.c	the slots that a run swaps
 * map_in_map.c		reading and swapping the slots of a map-in-map
 * map_swap_prepare.c	everything that can fail without touching the slot
 * map_swap_inner.c	which maps can be drained, and their replacements
 * map_users.c		who can still get at a map that was swapped out
 * map_users_async.c	programs that no wait covers
 * map_swap_lock.c	one swap-drain of an outer map at a time
 * map_swap_journal.c	pins that outlive a run that fails
 * map_swap_notice.c	what is said when a signal ends a run
 * map_swap_recover.c	what such runs have left behind
 * map_swap_print.c	what goes to stdout
 * map_read.c		reading a map that no program uses any more
 * map_print.c		printing it as "map dump" does
 * map_batch.c		reading a map in batches
 */

#ifndef __BPFTOOL_MAP_SWAP_H
#define __BPFTOOL_MAP_SWAP_H

#include <limits.h>
#include <stdbool.h>

#include <bpf/bpf.h>

/* A map that is held open */
struct map_ref {
	int fd;			/* -1: none */
	struct bpf_map_info info;
};

/* map_swap_args.c */

struct swap_args {
	struct map_ref outer;
	unsigned char *key;	/* outer.info.key_size bytes, NULL: all */
	bool all;		/* every filled slot */
	struct map_ref value;	/* the given replacement, fd -1: create one */
	const char *keep;	/* where to pin the drained map, NULL: nowhere */
	const char *provider;	/* name of the only one to use, NULL: any */
	const char *journal;	/* folder for the pins, NULL: the usual one */
	bool recover;		/* print what was left behind, swap nothing */
	bool clear;
	bool quiet;
	bool force;		/* drain a map that may still change */
};

/**
 * swap_args_parse() - parse the words after "swap-drain"
 *
 * Reports what is wrong. swap_args_free() is due in either case.
 *
 * Return: 0 or -1.
 */
int swap_args_parse(struct swap_args *args, int argc, char **argv);
void swap_args_free(struct swap_args *args);

/* map_swap_inner.c */

enum drain_how {
	DRAIN_NOT,		/* can't be read out from user space */
	DRAIN_BY_KEY,		/* has keys that can be deleted */
	DRAIN_BY_INDEX,		/* has keys that are always there */
	DRAIN_BY_POP,		/* has no keys, reading takes the element out */
};

/* drain_how() - how maps of a type can be read out and emptied */
enum drain_how drain_how(__u32 map_type);

/* map_type_name() - a map type's name, never NULL */
const char *map_type_name(__u32 map_type);

bool map_is_percpu(const struct bpf_map_info *info);
/* map_value_bytes() - bytes that a lookup returns, the values of all CPUs */
size_t map_value_bytes(const struct bpf_map_info *info);

/* map_is_frozen() - 1 if user space can't write to the map, 0, or -errno */
int map_is_frozen(int fd);

/* map_ref_open() - open a map by id; returns 0 or -errno, reports nothing */
int map_ref_open(struct map_ref *ref, __u32 id, __u32 open_flags);
void map_ref_close(struct map_ref *ref);

/**
 * map_try_again() - did a call only fail for want of a lock, as may happen?
 * @err:	what it returned, 0 or -errno
 * @tries:	how often it was tried again, 0 at first
 *
 * Such a call has done nothing, or in a batch what its count says. Kernels give
 * up on a bucket's lock: before 6.15 if this CPU holds it already, and since
 * then also if it takes longer than a quarter of a second, for which the host of
 * a virtual machine may well stop the CPU that holds it.
 */
bool map_try_again(int err, unsigned int *tries);

/**
 * swap_check_old() - can the map in the slot be drained as the user asks?
 * swap_check_given() - can the given map take its place?
 * swap_create() - create a replacement with the old map's attributes
 *
 * Report what is wrong. Return: 0 or -1.
 */
int swap_check_old(const struct map_ref *old, const struct swap_args *args);
int swap_check_given(const struct map_ref *given, const struct map_ref *old);
int swap_create(struct map_ref *created, const struct map_ref *old);

/* map_swap_lock.c */

/**
 * swap_lock() - keep other swap-drains off an outer map, on the whole system
 * @outer:	the outer map; the lock ends with swap_unlock(), or with the
 *		last copy of this file descriptor
 *
 * Waits 10 seconds at most. Reports what is wrong. Return: 0 or -1.
 */
int swap_lock(const struct map_ref *outer);
void swap_unlock(const struct map_ref *outer);

/* map_swap_journal.c */

#define SWAP_JOURNAL_BASE	"/sys/fs/bpf/swap_drain"
/* Replacements that wait for their turn are pinned there too */
#define SWAP_JOURNAL_NEW	"new_"

struct swap_journal {
	char base[PATH_MAX];	/* holds a folder for each run */
	char run[PATH_MAX];	/* this run's folder, "": none */
	int run_fd;		/* flocked until the run ends, -1: none */
};

/**
 * swap_journal_open() - find the journal, and make it if need be
 * @dir:	a folder that the user chose, NULL for the usual one
 *
 * Refuses a bpffs that goes away with a private mount namespace, unless the
 * user chose it, and a folder that somebody else could write to. Reports what
 * is wrong.
 *
 * Return: 0 or -1.
 */
int swap_journal_open(struct swap_journal *j, const char *dir);

/* swap_journal_begin() - make a folder for this run; reports; 0 or -1 */
int swap_journal_begin(struct swap_journal *j);

/* What is yet to be done with a pinned map shows in its name */
enum swap_pin_state {
	PIN_PRINT,		/* print it, let it go */
	PIN_CLEAR,		/* print it, clear it, let it go */
	PIN_PRINTED,		/* clear it, let it go */
};

/* swap_journal_path() - where a map is pinned in it; 0 or -ENAMETOOLONG */
int swap_journal_path(const struct swap_journal *j, __u32 outer_id, __u32 id,
		      enum swap_pin_state state, char path[PATH_MAX]);

/**
 * swap_journal_printed() - note that the content of a map that is to be
 *			    cleared is out
 * @pin:	path of its pin, which changes; PATH_MAX bytes
 *
 * Recovering a map that is half cleared would take the place of a complete
 * output. Return: 0 or -errno.
 */
int swap_journal_printed(char *pin);

/* swap_journal_end() - end this run, and remove its folder if it is empty */
void swap_journal_end(struct swap_journal *j);

/* swap_journal_leave() - end this run, but leave its pins where they are */
void swap_journal_leave(struct swap_journal *j);

/* One map that stands in the journal */
struct swap_pin {
	const char *path;
	__u32 outer_id, id;
	bool live;		/* its run is still at work */
	enum swap_pin_state state;
};

/**
 * swap_journal_each() - call a function for every map in the journal
 *
 * The folders of runs that ended are locked meanwhile, and removed where
 * nothing is left in them.
 *
 * Return: the first value other than 0 that @fn returned, 0, or -errno.
 */
int swap_journal_each(const struct swap_journal *j,
		      int (*fn)(const struct swap_pin *pin, void *ctx),
		      void *ctx);

/* bpffs_holds() - is a path on a bpffs? */
bool bpffs_holds(const char *path);

/* map_swap_recover.c */

/* swap_report_left() - say which maps earlier runs have left behind */
void swap_report_left(const struct swap_journal *j);

/* swap_left_behind() - is a map in the journal? 1, 0 or -errno */
int swap_left_behind(const struct swap_journal *j, __u32 id);

/**
 * swap_recover() - print the maps that were left behind, and let them go
 *
 * Return: 0 or -1 after an error was reported.
 */
int swap_recover(const struct swap_args *args);

/* swap_log() - a line of map_wait */
void swap_log(void *ctx, const char *line);

#endif /* __BPFTOOL_MAP_SWAP_H */
