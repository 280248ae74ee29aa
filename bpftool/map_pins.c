// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Maps that are pinned in the journal, and what is known about each */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_pins.h"

struct pinned_map *pins_add(struct pin_list *l, const struct map_ref *map,
			    __u32 outer_id, enum pin_state state)
{
	struct pinned_map *pin;

	pin = map_grow(l->pins, l->nr, sizeof(*pin));
	if (!pin)
		return NULL;
	l->pins = pin;

	pin += l->nr++;
	*pin = (struct pinned_map){
		.map = *map,
		.label.outer_id = outer_id,
		.state = state,
	};

	return pin;
}

void pins_free(struct pin_list *l)
{
	unsigned int i;

	for (i = 0; i < l->nr; i++) {
		map_ref_close(&l->pins[i].map);
		free(l->pins[i].path);
		free(l->pins[i].problem);
		free(l->pins[i].label.keys);
	}
	free(l->pins);
	map_doc_free(&l->doc);
	map_wait_sleepable_close(l->sleepable);
	map_users_free(l->users);
}

void pins_refuse(struct pinned_map *pin, const char *fmt, ...)
{
	va_list ap;

	pin->stays = true;
	va_start(ap, fmt);
	if (vasprintf(&pin->problem, fmt, ap) < 0)
		pin->problem = NULL;
	va_end(ap);
}

int pins_pin(struct pin_list *l)
{
	char path[PATH_MAX];
	struct pinned_map *pin;
	unsigned int i;
	int err;

	for (i = 0; i < l->nr; i++) {
		pin = &l->pins[i];
		/* Check the longest of the names that it will have first */
		err = map_journal_path(l->journal, pin->label.outer_id,
				       pin->map.info.id, PIN_PRINTED, path) ? :
		      map_journal_path(l->journal, pin->label.outer_id,
				       pin->map.info.id, pin->state, path);
		if (!err) {
			pin->path = strdup(path);
			err = pin->path ? 0 : -ENOMEM;
		}
		if (!err && bpf_obj_pin(pin->map.fd, path)) {
			err = -errno;
			free(pin->path);
			pin->path = NULL;
		}
		if (err)
			return map_err("can't pin map %u in %s: %s",
				       pin->map.info.id, l->journal->run,
				       strerror(-err));
	}

	return 0;
}

int pins_unpin(const struct map_journal *j, struct pinned_map *pin)
{
	int err;

	if (!pin->path)
		return 0;
	err = unlink(pin->path) ? -errno : 0;
	/* If the journal was moved, the pin is still in it */
	if (err == -ENOENT && j->run_fd >= 0)
		err = unlinkat(j->run_fd, strrchr(pin->path, '/') + 1, 0) ?
			      -errno : 0;
	if (err && err != -ENOENT)
		return err;
	free(pin->path);
	pin->path = NULL;

	return 0;
}

struct map_place pin_place(const struct pin_list *l, const struct pinned_map *pin)
{
	const struct map_place at = {
		.pinned = pin->path,
		.journal = map_journal_dir(l->journal),
		.moved = pin->state == PIN_MOVED,
	};

	return at;
}

struct map_place pins_place(const struct pin_list *l)
{
	struct map_place at = {
		.pinned = l->journal->run_fd < 0 ? l->journal->base :
						   l->journal->run,
		.journal = map_journal_dir(l->journal),
		.moved = l->nr,
	};
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		at.moved &= l->pins[i].state == PIN_MOVED;
	/* Without a pin nothing was taken: a map drain's "since" */
	if (l->nr == 1 && (l->pins[0].path || l->pins[0].state == PIN_MOVED))
		at = pin_place(l, &l->pins[0]);

	return at;
}
