// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Pinned maps that no program writes to any longer: print, clear or keep, release */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_pins_check.h"
#include "map_pins_finish.h"
#include "map_read.h"
#include "map_signals.h"

/* Plain output is typed if there is a map and all have BTF */
static bool all_typed(const struct pin_list *l)
{
	unsigned int i, nr = 0;

	for (i = 0; i < l->nr; i++) {
		if (l->pins[i].stays || l->pins[i].state == PIN_PRINTED)
			continue;
		if (!map_is_typed(&l->pins[i].map.info))
			return false;
		nr++;
	}

	return nr;
}

/* Reports */
static int init_printer(struct map_printer *printer, struct pin_list *l,
			const struct pinned_map *pin)
{
	struct map_place at = pin_place(l, pin);
	int err = map_printer_init(printer, &l->doc, &pin->map.info);

	return err ? map_err_at(&at, "can't get the BTF of map %u: %s",
				pin->map.info.id, strerror(-err)) : 0;
}

int pins_prepare(struct pin_list *l)
{
	struct map_printer printer = {};
	unsigned int i;

	/* Exits if their number can't be read, so call it early; caches it otherwise */
	get_possible_cpus();
	if (map_doc_init(&l->doc, l->list, all_typed(l)))
		return -1;
	for (i = 0; i < l->nr; i++)
		if (!l->pins[i].stays && init_printer(&printer, l, &l->pins[i]))
			return -1;

	return 0;
}

static int print_pin(struct pin_list *l, struct pinned_map *pin)
{
	struct map_place at = pin_place(l, pin);
	const char *what;
	struct map_printer printer = {
		.skip = l->skip,
		.skip_ctx = l->ctx,
	};
	int err;

	if (pin->problem)
		return map_err_at(&at, "%s", pin->problem);
	if (pin->stays || pin->state == PIN_PRINTED)
		return pin->stays ? -1 : 0;

	if (init_printer(&printer, l, pin))
		return -1;

	map_print_begin(&printer, &pin->label);
	err = map_read_all(&pin->map, &printer, &what);
	if (err) {
		/* Inside the array the error keeps the document valid, unless
		 * stdout failed
		 */
		at.to_stderr = map_stdout_flush();
		map_progress_hide(&l->doc.progress);
		map_err_at(&at, "can't %s: %s", what, strerror(-err));
	}
	map_print_end(&printer, !err);

	return err ? -1 : 0;
}

/* Reports. Returns 0 once all was written, except maps that stay pinned */
static int print_entries(struct pin_list *l)
{
	struct map_place at = pins_place(l);
	bool failed = false, reported = false;
	unsigned int i;
	int err;

	map_doc_begin(&l->doc);
	for (i = 0; i < l->nr && !ferror(stdout); i++) {
		if (!print_pin(l, &l->pins[i]))
			continue;
		l->pins[i].stays = true;
		failed = true;
		reported = l->all_or_none || ferror(stdout);
		if (l->all_or_none)
			break;
	}
	err = map_doc_end(&l->doc);
	map_progress_hide(&l->doc.progress);
	at.to_stderr = true;
	/* An error of stdout may have been reported already */
	if (err && !reported)
		map_err_at(&at, "can't write the drained map: %s",
			   strerror(-err));

	return err || (failed && l->all_or_none) ? -1 : 0;
}

static int print_summary(struct pin_list *l)
{
	struct map_place at = pins_place(l);
	int err;

	l->summary(l->ctx);
	err = map_stdout_flush();
	if (!err)
		return 0;

	at.to_stderr = true;
	return map_err_at(&at, "can't write the summary: %s", strerror(-err));
}

/* The content was written */
static int clear(struct pin_list *l, struct pinned_map *pin)
{
	struct map_place at;
	int err = 0;

	if (pin->state == PIN_CLEAR) {
		map_signals_block();
		err = map_journal_printed(&pin->path);
		if (!err)
			pin->state = PIN_PRINTED;
		at = pins_place(l);
		map_signals_at(&at);
	}

	return err ? : map_clear(&pin->map);
}

static int release(struct pin_list *l, struct pinned_map *pin)
{
	struct map_place at;
	const char *what = "be cleared", *path = "";
	int err;

	err = pin->state == PIN_CLEAR || pin->state == PIN_PRINTED ?
		      clear(l, pin) : 0;
	if (!err && l->keep) {
		what = "be kept at ";
		path = l->keep;
		err = bpf_obj_pin(pin->map.fd, l->keep) ? -errno : 0;
	}
	if (!err) {
		what = "be released";
		path = "";
		map_signals_block();
		err = pins_unpin(l->journal, pin);
	}
	if (!err)
		return 0;

	/* The document on stdout is complete */
	at = pin_place(l, pin);
	at.to_stderr = true;
	return map_err_at(&at, "the drained map was printed but can't %s%s: %s",
			  what, path, strerror(-err));
}

int pins_finish(struct pin_list *l)
{
	unsigned int i;
	int ret = 0;

	if (pins_check(l, NULL) || pins_wait_sleepable(l))
		return -1;
	if (l->summary ? print_summary(l) : print_entries(l))
		return -1;

	for (i = 0; i < l->nr; i++)
		if (l->pins[i].stays || release(l, &l->pins[i]))
			ret = -1;

	return ret;
}
