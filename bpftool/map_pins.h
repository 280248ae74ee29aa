/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Pinned maps that no program writes to any longer
 *
 * Every drain ends with them: map swap-drain swaps them out of their slots, map
 * drain moves values into one, recover finds those of runs that failed. From
 * there on all take the same path: map_pins_finish.h.
 */

#ifndef __BPFTOOL_MAP_PINS_H
#define __BPFTOOL_MAP_PINS_H

#include <stdbool.h>

#include <linux/types.h>

#include "map_journal.h"
#include "map_msg.h"
#include "map_print.h"
#include "map_ref.h"
#include "map_users.h"
#include "map_wait_sleepable.h"

struct pinned_map {
	struct map_ref map;
	char *path;		/* the pin's, NULL: not pinned yet */
	enum pin_state state;
	bool stays;		/* it has to stay pinned */
	bool taken;		/* it is no longer in its slot */
	bool sleepers;		/* sleepable programs may have it */
	char *problem;		/* why, if that was not reported yet */
	struct map_label label;	/* where it came from; the keys' bytes are the owner's */
};

struct pin_list {
	const struct map_journal *journal;
	struct pinned_map *pins;
	unsigned int nr;
	bool list;		/* print a list of maps, even if it is one */
	bool force;		/* print what programs may still write to */
	bool all_or_none;	/* if one fails, release none */
	const char *keep;	/* where to pin the map after that, or NULL */
	__u32 timeout_ms;	/* of the wait for sleepable programs, 0: default */
	/* Print this instead of the entries; NULL: the entries */
	void (*summary)(void *ctx);
	/* Entries that are not printed; NULL: print all */
	bool (*skip)(const void *key, const void *value, void *ctx);
	void *ctx;
	struct map_doc doc;
	struct map_users *users;
	/* Waits for sleepable programs, NULL: none was found so far */
	struct map_wait_sleepable *sleepable;
	char sleeper[512];	/* one of these programs */
};

/**
 * pins_add() - add a map to a list, not yet pinned
 * @map:	the map; the list closes it
 * @outer_id:	the map-in-map, or the map whose values are moved into it
 *
 * Return: the new one, valid until the next pins_add(); or NULL.
 */
struct pinned_map *pins_add(struct pin_list *l, const struct map_ref *map,
			    __u32 outer_id, enum pin_state state);
void pins_free(struct pin_list *l);

/* pins_refuse() - leave a map pinned; reported when its turn comes */
void __printf(2, 3) pins_refuse(struct pinned_map *pin, const char *fmt, ...);

/* pins_pin() - pin all maps in the journal. Reports; 0 or -1 */
int pins_pin(struct pin_list *l);

/* Where the data is: that of one map; that of all, in a pin or a folder of several */
struct map_place pin_place(const struct pin_list *l, const struct pinned_map *pin);
struct map_place pins_place(const struct pin_list *l);

/* pins_unpin() - remove a map's pin; 0 or -errno */
int pins_unpin(const struct map_journal *j, struct pinned_map *pin);

#endif /* __BPFTOOL_MAP_PINS_H */
