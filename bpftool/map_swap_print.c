// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: what goes to stdout */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_writer.h"
#include "main.h"
#include "map_swap_run.h"

/* What was done, for those who don't want to see the entries */
static void summary_plain(const struct swap_drain *sd,
			  const struct swap_slot *slot)
{
	const struct swap_slot *first = slot->first ? : slot;

	printf("slot ");
	fprint_hex(stdout, slot->key, sd->args.outer.info.key_size, " ");
	printf(": map %u swapped for map %u, waited %llu us (%s)\n",
	       slot->old.info.id, first->new.info.id, sd->wait_us,
	       map_wait_way(sd->wait));
}

static void summary_json(const struct swap_drain *sd,
			 const struct swap_slot *slot)
{
	const struct swap_slot *first = slot->first ? : slot;
	const struct bpf_map_info *old = &first->old.info;

	jsonw_start_object(json_wtr);
	jsonw_name(json_wtr, "slot");
	print_hex_data_json(slot->key, sd->args.outer.info.key_size);
	jsonw_uint_field(json_wtr, "id", old->id);
	jsonw_string_field(json_wtr, "type", map_type_name(old->type));
	if (*old->name)
		jsonw_string_field(json_wtr, "name", old->name);
	jsonw_uint_field(json_wtr, "flags", old->map_flags);
	jsonw_uint_field(json_wtr, "new_id", first->new.info.id);
	jsonw_string_field(json_wtr, "provider", map_wait_way(sd->wait));
	jsonw_uint_field(json_wtr, "wait_us", sd->wait_us);
	jsonw_end_object(json_wtr);
}

static void print_summary(const struct swap_drain *sd)
{
	unsigned int i;

	if (json_output && sd->args.all)
		jsonw_start_array(json_wtr);
	for (i = 0; i < sd->nr_slots; i++)
		if (json_output)
			summary_json(sd, &sd->slots[i]);
		else
			summary_plain(sd, &sd->slots[i]);
	if (json_output && sd->args.all)
		jsonw_end_array(json_wtr);
}

static int make_label(const struct swap_drain *sd, const struct swap_slot *slot,
		      struct map_label *label)
{
	const struct swap_slot *same;
	unsigned int nr = 0;

	for (same = slot; same; same = same->next_same)
		nr++;

	label->outer_id = sd->args.outer.info.id;
	label->key_size = sd->args.outer.info.key_size;
	label->keys = calloc(nr, sizeof(*label->keys));
	if (!label->keys)
		return -ENOMEM;
	label->nr_keys = nr;
	for (nr = 0, same = slot; same; same = same->next_same)
		label->keys[nr++] = same->key;

	return 0;
}

static int print_slot(struct swap_drain *sd, struct swap_slot *slot,
		      const struct map_err_state *swapped)
{
	struct map_err_state state = *swapped;
	const char *what = "open the drained map";
	struct map_printer printer = {};
	struct map_label label;
	int err;

	err = swap_slot_reopen(sd, slot) ? : make_label(sd, slot, &label);
	if (err) {
		map_err_state(&state, "can't %s: %s", what, strerror(-err));
		return -1;
	}
	err = map_printer_init(&printer, &sd->doc, &slot->old.info);
	if (err) {
		map_err_state(&state, "can't get the BTF of map %u: %s",
			      slot->old.info.id, strerror(-err));
		free(label.keys);
		return -1;
	}

	map_print_begin(&printer, &label);
	err = map_read_all(&slot->old, &printer, &what);
	if (err) {
		/* Inside the array, where it keeps the document valid, unless
		 * it is stdout that failed.
		 */
		state.to_stderr = map_stdout_flush();
		map_err_state(&state, "can't %s: %s", what, strerror(-err));
	}
	map_print_end(&printer, !err);

	free(label.keys);
	if (sd->few_fds)
		map_ref_close(&slot->old);

	return err ? -1 : 0;
}

int swap_print(struct swap_drain *sd, const struct map_err_state *swapped)
{
	struct map_err_state state = *swapped;
	int err = 0, flush_err;
	unsigned int i;

	if (sd->args.quiet) {
		print_summary(sd);
		flush_err = map_stdout_flush();
	} else {
		map_doc_begin(&sd->doc);
		for (i = 0; !err && i < sd->nr_slots; i++)
			if (!sd->slots[i].first)
				err = print_slot(sd, &sd->slots[i], swapped);
		flush_err = map_doc_end(&sd->doc);
	}

	if (!err && flush_err) {
		state.to_stderr = true;
		map_err_state(&state, "can't write the drained map: %s",
			      strerror(-flush_err));
	}

	return err || flush_err ? -1 : 0;
}
