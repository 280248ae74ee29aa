/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The users of maps: programs, links and other maps that can reach a map */

#ifndef __BPFTOOL_MAP_USERS_H
#define __BPFTOOL_MAP_USERS_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/types.h>

struct map_ref;

/* A snapshot of the machine's programs, links and maps. Not in it, because the
 * kernel lists none of them: a program that was detached but still runs, an
 * open iterator whose link is gone, and user space that has mapped a map or
 * holds a file descriptor of it.
 */
struct map_users;

#define MAP_USERS_WHY	512	/* bytes, enough for any text put into "why" */

/**
 * map_users_take() - take a snapshot
 * @u:		NULL in it: a new one is created; otherwise it is taken anew
 *
 * Take a new one for each check. Only maps created since are looked up: a map's
 * info never changes, and the kernel reuses an ID only after 2^31 - 1 maps were
 * created. If an object can't be opened this does not fail, but checks that
 * depend on the object do.
 *
 * Return: 0; or -errno, and @u may still have to be freed.
 */
int map_users_take(struct map_users **u);
void map_users_free(struct map_users *u);

/* map_users_wait() - wait a moment before the next snapshot
 * @tries:	how often it waited already, 0 at first
 *
 * A program that moves values, of a run that was killed or that another process
 * holds while it looks at all programs, is gone in a moment. Return: false once a
 * second is over.
 */
bool map_users_wait(int *tries);

/* Slots that do not count: they will be swapped */
struct map_users_except {
	const struct map_ref *outer;
	const void *key;	/* NULL: all slots */
};

struct map_users_query {
	__u32 *ids;		/* of the maps; gets sorted */
	unsigned int nr;	/* at least 1 */
	const struct map_users_except *except;	/* NULL: all slots count */
	char *why;		/* where to put the user */
	__u32 found;		/* the map that is used */
	__u32 outer_id;		/* the map-in-map, if a slot is the user or not known */
};

/**
 * map_users_find() - can a program reach one of several maps?
 * @u:		the snapshot; slots are read now
 * @q:		which maps, and which slots do not count
 *
 * A user is a slot of a map-in-map, a program that has the map among its own,
 * or the link of an iterator over the map.
 *
 * Return: 1 with the user in @q; 0; or -errno if it can't be known, with the
 * reason in @q->why.
 */
int map_users_find(struct map_users *u, struct map_users_query *q);

enum map_async {
	MAP_ASYNC_NONE,
	MAP_ASYNC_SLEEPABLE,	/* waiting for RCU Tasks Trace covers it */
	MAP_ASYNC_OWN,		/* no wait covers it */
};

/**
 * map_users_async() - which users does a grace period not wait for?
 * @u:		the snapshot
 * @outer_id:	the map-in-map
 * @old:	an inner map of it that is to be drained
 * @why:	where to put the program, and what it may do
 *
 * A sleepable program, or an extension of one, may continue after the grace
 * period. So may a callback that a program starts through a bpf_wq or a
 * bpf_task_work in any of its maps. Where @old's own values hold one of these,
 * a bpf_timer or a bpf_rcu_head, the callback gets a pointer to the value.
 *
 * Return: one of enum map_async, with the reason in @why; or -errno if it can't
 * be known, also with the reason.
 */
int map_users_async(struct map_users *u, __u32 outer_id, const struct map_ref *old,
		    char *why);

/**
 * map_users_in_slot() - is a map in a slot of any map-in-map?
 * @u:		the snapshot; slots are read now
 * @id:		ID of the map
 * @outer_id:	where to put the map-in-map, or the map that can't be opened
 *
 * Return: 1, 0, or -errno.
 */
int map_users_in_slot(struct map_users *u, __u32 id, __u32 *outer_id);

/**
 * map_users_iterator() - is an iterator attached to a map?
 * @u:		the snapshot
 * @why:	where to put which one
 *
 * Its program is handed the values, and need not have the map among its own.
 *
 * Return: the program's name, "" if it has none; NULL: there is no iterator.
 */
const char *map_users_iterator(const struct map_users *u, __u32 map_id, char *why);

/**
 * map_users_prog_sleeps() - can a program that uses a map sleep?
 *
 * Or a callback that it starts from another map.
 *
 * Return: 1, 0, or -errno if it can't be known.
 */
int map_users_prog_sleeps(struct map_users *u, __u32 prog_id, __u32 map_id);

/**
 * map_users_each_prog() - call a function for each program that uses a map
 *
 * These are programs that have the map among their own, and extensions (freplace)
 * that are attached to one of them.
 *
 * Return: the first value other than 0 that @fn returned, 0, or -errno if it
 * can't be known.
 */
int map_users_each_prog(struct map_users *u, __u32 map_id,
			int (*fn)(const struct bpf_prog_info *info, void *ctx),
			void *ctx);

#endif /* __BPFTOOL_MAP_USERS_H */
