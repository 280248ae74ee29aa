// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: put a fresh inner map into a slot of a map-in-map,
 * wait until no running program still uses the old one, print that, release
 * it.
 *
 * Whatever fails, the data is still in the slot, or printed, or pinned at a
 * path that the message names. Hence the order: everything that can fail
 * without touching the slot comes before the swap, the pin among it; and the
 * pin goes only after every byte went out.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "json_writer.h"
#include "main.h"
#include "map_swap_run.h"

/* An open() takes the lowest free descriptor: with stdout closed that would be
 * a map or a pin, and the output would go there.
 */
static int check_descriptors(void)
{
	static const char * const names[] = { "stdin", "stdout", "stderr" };
	int fd, flags;

	if (fcntl(STDIN_FILENO, F_GETFD) < 0 &&
	    open("/dev/null", O_RDONLY) != STDIN_FILENO) {
		map_err("stdin is closed, and /dev/null can't take its place");
		return -1;
	}

	for (fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		const struct map_err_state state = { .to_stderr = true };

		flags = fcntl(fd, F_GETFL);
		if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
			map_err_state(&state, "%s is %s", names[fd],
				      flags < 0 ? "closed" : "not writable");
			return -1;
		}
	}

	return 0;
}

/* Maps are handed out by id to CAP_SYS_ADMIN only, and an inner map can be had
 * in no other way. Asking the kernel answers for user namespaces and LSMs too.
 * No map has the id 0.
 */
static int check_rights(void)
{
	int fd = bpf_map_get_fd_by_id(0);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno != EPERM && errno != EACCES)
		return 0;

	map_err("swap-drain needs CAP_SYS_ADMIN: the kernel hands out the map in a slot to nobody else");
	return -1;
}

static int update_slot(struct swap_drain *sd)
{
	const struct map_ref *outer = &sd->args.outer;
	__u64 flags = BPF_ANY;

	/* A slot that is gone by now must not come back; array_of_maps knows
	 * no such slot and rejects the flag.
	 */
	if (outer->info.type == BPF_MAP_TYPE_HASH_OF_MAPS)
		flags = BPF_EXIST;

	if (!bpf_map_update_elem(outer->fd, sd->args.key, &sd->new.fd, flags))
		return 0;

	if (errno == EINVAL)
		map_err("the kernel refuses map %u as a replacement for map %u: they are not compatible",
			sd->new.info.id, sd->old.info.id);
	else
		map_err("can't swap the slot: %s", strerror(errno));
	return -1;
}

/* Returns 0, -1 when the slot is as it was, 1 when it is swapped but the wait
 * failed.
 */
static int swap_and_wait(struct swap_drain *sd)
{
	const struct map_err_state swapped = {
		.swapped = true,
		.pinned = sd->journal.pin,
	};
	__u64 start = map_sync_now_us(), ignored;
	char why[256];

	if (update_slot(sd))
		return -1;

	/* The update itself was the wait, or the provider's comes on top */
	if (!sd->provider->by_update &&
	    map_sync_wait(sd->provider, &ignored, why, sizeof(why))) {
		map_err_state(&swapped, "can't wait with %s: %s",
			      sd->provider->name, why);
		return 1;
	}

	sd->wait_us = map_sync_now_us() - start;
	map_debug("provider %s: waited %llu us", sd->provider->name,
		  sd->wait_us);

	return 0;
}

/* What was done, for those who don't want to see the entries */
static void print_summary(struct swap_drain *sd)
{
	const struct bpf_map_info *old = &sd->old.info;

	if (!json_output) {
		printf("slot ");
		fprint_hex(stdout, sd->args.key, sd->args.outer.info.key_size,
			   " ");
		printf(": map %u swapped for map %u, waited %llu us (%s)\n",
		       old->id, sd->new.info.id, sd->wait_us,
		       sd->provider->name);
		return;
	}

	jsonw_start_object(json_wtr);
	jsonw_name(json_wtr, "slot");
	print_hex_data_json(sd->args.key, sd->args.outer.info.key_size);
	jsonw_uint_field(json_wtr, "id", old->id);
	jsonw_string_field(json_wtr, "type", map_type_name(old->type));
	if (*old->name)
		jsonw_string_field(json_wtr, "name", old->name);
	jsonw_name(json_wtr, "flags");
	jsonw_printf(json_wtr, "%u", old->map_flags);
	jsonw_uint_field(json_wtr, "new_id", sd->new.info.id);
	jsonw_string_field(json_wtr, "provider", sd->provider->name);
	jsonw_uint_field(json_wtr, "wait_us", sd->wait_us);
	jsonw_end_object(json_wtr);
}

/* Returns once every byte went out, or reports where the data is */
static int print_old(struct swap_drain *sd)
{
	struct map_err_state state = {
		.swapped = true,
		.pinned = sd->journal.pin,
	};
	const char *what = "write the drained map";
	int err = 0, flush_err;

	if (sd->args.quiet) {
		print_summary(sd);
		flush_err = drain_flush();
	} else {
		drain_doc_begin(&sd->doc);
		drain_print_begin(&sd->printer, 0);
		err = map_drain(&sd->old, &sd->printer, &what);
		if (err) {
			/* Inside the array, where it keeps the document valid,
			 * unless it is stdout that failed.
			 */
			state.to_stderr = drain_flush();
			map_err_state(&state, "can't %s: %s", what,
				      strerror(-err));
		}
		drain_print_end(&sd->printer, !err);
		flush_err = drain_doc_end(&sd->doc);
	}

	if (!err && flush_err) {
		state.to_stderr = true;
		map_err_state(&state, "can't write the drained map: %s",
			      strerror(-flush_err));
	}

	return err || flush_err ? -1 : 0;
}

/* The content is out. Stdout holds a complete document: errors from here on go
 * to stderr.
 */
static int let_go(struct swap_drain *sd)
{
	const struct map_err_state state = {
		.swapped = true,
		.pinned = sd->journal.pin,
		.to_stderr = true,
	};
	const struct swap_args *args = &sd->args;
	int err;

	if (args->clear) {
		err = map_clear(&sd->old);
		if (err) {
			map_err_state(&state,
				      "the drained map was printed but can't be cleared: %s",
				      strerror(-err));
			return -1;
		}
	}

	if (args->keep && bpf_obj_pin(sd->old.fd, args->keep)) {
		map_err_state(&state,
			      "the drained map was printed but can't be kept at %s: %s",
			      args->keep, strerror(errno));
		return -1;
	}

	err = swap_journal_release(&sd->journal);
	if (err) {
		map_err_state(&state,
			      "the drained map was printed but can't be released: %s",
			      strerror(-err));
		return -1;
	}

	return 0;
}

static int swap_drain(struct swap_drain *sd)
{
	const struct map_err_state state = {
		.swapped = true,
		.pinned = sd->journal.pin,
	};
	int err;

	if (swap_lock(&sd->args.outer))
		return -1;

	err = swap_prepare(sd);
	if (!err)
		err = swap_and_wait(sd);
	swap_unlock(&sd->args.outer);

	if (err < 0) {
		/* Untouched: the old map is safe in its slot */
		swap_journal_release(&sd->journal);
		return -1;
	}

	if (err || swap_check_final(sd, &state) || print_old(sd) ||
	    let_go(sd)) {
		swap_journal_leave(&sd->journal);
		return -1;
	}

	return 0;
}

int do_map_swap_drain(int argc, char **argv)
{
	static char out_buf[1 << 16];
	struct swap_drain sd = {
		.journal.run_fd = -1,
		.old.fd = -1,
		.new.fd = -1,
	};
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old_action;
	int err;

	if (check_descriptors() || check_rights())
		return -1;

	/* A reader that goes away must not take us with it between the swap
	 * and the message that tells where the data is. main() made stdout
	 * line buffered, a system call an entry.
	 */
	sigaction(SIGPIPE, &ignore, &old_action);
	setvbuf(stdout, out_buf, _IOFBF, sizeof(out_buf));

	err = swap_args_parse(&sd.args, argc, argv);
	if (!err)
		err = sd.args.recover ? swap_recover(&sd.args) :
					swap_drain(&sd);

	drain_printer_free(&sd.printer);
	drain_doc_free(&sd.doc);
	map_sync_done(sd.provider);
	map_ref_close(&sd.new);
	map_ref_close(&sd.old);
	swap_args_free(&sd.args);

	fflush(stdout);
	setlinebuf(stdout);
	sigaction(SIGPIPE, &old_action, NULL);

	/* bpftool batch takes a leftover errno for a failure */
	if (!err)
		errno = 0;
	return err;
}
