/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* bpftool map swap-drain: a run, from the command line to the release */

#ifndef __BPFTOOL_MAP_SWAP_RUN_H
#define __BPFTOOL_MAP_SWAP_RUN_H

#include "map_err.h"
#include "map_read.h"
#include "map_swap.h"
#include "map_users.h"
#include "map_wait.h"

struct swap_slot {
	unsigned char *key;
	struct map_ref old;		/* in the slot at first */
	struct map_ref new;		/* its replacement */
	bool swapped;
	bool printed;			/* and to be cleared */
	bool parked;			/* new waits in the journal */
	/* The same map may fill several slots. It is drained once, with the
	 * first of them, and one map replaces it in all.
	 */
	struct swap_slot *first;	/* NULL: this one is the first */
	struct swap_slot *next_same;
};

struct swap_drain {
	struct swap_args args;
	struct map_wait *wait;
	struct swap_journal journal;
	struct swap_slot *slots;
	unsigned int nr_slots;
	unsigned int at_once;		/* slots to swap at the same time */
	bool few_fds;			/* too few to keep all old maps open */
	struct map_doc doc;
	struct map_users *users;
	__u64 wait_us;			/* from the update to the wait's end */
};

/* map_swap_slots.c */

/**
 * swap_slots_find() - find the slots to swap; old maps are known by id only
 *
 * Reports what is wrong. swap_slots_free() is due in either case.
 *
 * Return: 0 or -1.
 */
int swap_slots_find(struct swap_drain *sd);
void swap_slots_free(struct swap_drain *sd);

/* swap_slot_path() - where its old map is pinned; 0 or -ENAMETOOLONG */
int swap_slot_path(const struct swap_drain *sd, const struct swap_slot *slot,
		   char path[PATH_MAX]);

/* swap_slot_printed() - note that its content is out, before it is cleared */
int swap_slot_printed(const struct swap_drain *sd, struct swap_slot *slot);

/* swap_slot_reopen() - open a slot's old map again from the journal */
int swap_slot_reopen(const struct swap_drain *sd, struct swap_slot *slot);

/* swap_slot_park() - close a replacement if too many would be open
 *
 * It is pinned in the journal meanwhile. Reports what is wrong; 0 or -1.
 */
int swap_slot_park(const struct swap_drain *sd, struct swap_slot *slot);

/* swap_slot_unpark() - open it again; 0 or -errno */
int swap_slot_unpark(const struct swap_drain *sd, struct swap_slot *slot);

/* swap_slots_ids() - the ids of all old maps, to be freed, NULL: no memory */
__u32 *swap_slots_ids(const struct swap_drain *sd);

/* swap_slots_unpin() - let go of what is pinned
 * @untouched:	only of the maps that are still in their slots
 *
 * Return: 0 or -errno.
 */
int swap_slots_unpin(struct swap_drain *sd, bool untouched);

/**
 * swap_update() - swap all slots
 *
 * Reports what is wrong. Which slots were swapped stands in them.
 *
 * Return: 0 or -1.
 */
int swap_update(struct swap_drain *sd);

/* map_swap_prepare.c */

/**
 * swap_prepare() - do everything that can fail without touching a slot
 *
 * Reports what is wrong. Return: 0 or -1.
 */
int swap_prepare(struct swap_drain *sd);

/**
 * swap_check_final() - will the old maps not change any more after the wait?
 * @state:	what an error has to tell of the data, NULL before the swap
 *
 * Return: 0; or -1 after an error was reported, which "force" turns into a
 * warning.
 */
int swap_check_final(struct swap_drain *sd, const struct map_err_state *state);

/* map_swap_print.c */

/* swap_print() - print all old maps; reports; 0 once every byte went out, -1 */
int swap_print(struct swap_drain *sd, const struct map_err_state *state);

/* map_swap_notice.c */

/**
 * swap_notice() - from now on, SIGINT, SIGTERM and SIGHUP say where the old map
 *		   is before they end the process, unless they were ignored
 * @pinned:	its pin, or the folder of many; may be called again
 */
void swap_notice(const char *pinned);

/* swap_notice_hold() - put these signals off while what is said does not hold
 * swap_notice_go() - let them come
 */
void swap_notice_hold(void);
void swap_notice_go(void);

/* swap_notice_end() - nothing is to be said any more; lets them come, too */
void swap_notice_end(void);

#endif /* __BPFTOOL_MAP_SWAP_RUN_H */
