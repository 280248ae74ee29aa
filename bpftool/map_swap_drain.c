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
#include <time.h>
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
		const struct map_err_state state = {
			.to_stderr = fd == STDOUT_FILENO,
		};

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

static __u64 now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return (__u64)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Returns 0, or -1 after an error was reported */
static int swap_and_wait(struct swap_drain *sd,
			 const struct map_err_state *swapped)
{
	__u64 start = now_us();
	char why[MAP_WAIT_WHY];

	if (swap_update(sd))
		return -1;

	/* The update itself was the wait, or the provider's comes on top */
	if (sd->nr_slots && map_wait_run(sd->wait, why, sizeof(why))) {
		map_err_state(swapped, "%s", why);
		return -1;
	}

	sd->wait_us = now_us() - start;
	map_debug("provider %s: waited %llu us", map_wait_way(sd->wait),
		  sd->wait_us);

	return 0;
}

/* One slot's old map; reports; 0 or -1 */
static int finish_slot(struct swap_drain *sd, struct swap_slot *slot,
		       struct map_err_state *state, char pinned[PATH_MAX])
{
	int err;

	err = swap_slot_reopen(sd, slot);
	swap_notice_hold();
	if (!err && sd->args.clear)
		err = swap_slot_printed(sd, slot);
	/* It has another name by now */
	if (!sd->args.all && !swap_slot_path(sd, slot, pinned)) {
		state->pinned = pinned;
		swap_notice(pinned);
	}
	swap_notice_go();
	if (!err && sd->args.clear)
		err = map_clear(&slot->old);
	if (err) {
		map_err_state(state,
			      "the drained map was printed but can't be cleared: %s",
			      strerror(-err));
		return -1;
	}

	if (sd->args.keep && bpf_obj_pin(slot->old.fd, sd->args.keep)) {
		map_err_state(state,
			      "the drained map was printed but can't be kept at %s: %s",
			      sd->args.keep, strerror(errno));
		return -1;
	}
	if (sd->few_fds)
		map_ref_close(&slot->old);

	return 0;
}

/* The content is out. Stdout holds a complete document: errors from here on go
 * to stderr.
 */
static int let_go(struct swap_drain *sd, const struct map_err_state *swapped)
{
	struct map_err_state state = *swapped;
	char pinned[PATH_MAX];
	unsigned int i;
	int err;

	state.to_stderr = true;
	for (i = 0; i < sd->nr_slots; i++) {
		if (sd->slots[i].first || (!sd->args.clear && !sd->args.keep))
			continue;
		if (finish_slot(sd, &sd->slots[i], &state, pinned))
			return -1;
	}

	swap_notice_hold();
	err = swap_slots_unpin(sd, false);
	if (err) {
		map_err_state(&state,
			      "the drained map was printed but can't be released: %s",
			      strerror(-err));
		return -1;
	}
	swap_journal_end(&sd->journal);

	return 0;
}

static int swap_drain(struct swap_drain *sd)
{
	struct map_err_state swapped = { .swapped = true };
	char pinned[PATH_MAX] = "";
	int err;

	if (swap_lock(&sd->args.outer))
		return -1;

	err = swap_prepare(sd);
	if (!err) {
		/* One map's own pin, or the folder of many */
		swapped.pinned = sd->journal.run;
		if (!sd->args.all &&
		    !swap_slot_path(sd, &sd->slots[0], pinned))
			swapped.pinned = pinned;
		swap_notice(swapped.pinned);
		err = swap_and_wait(sd, &swapped);
	}
	swap_unlock(&sd->args.outer);

	if (!err)
		err = swap_check_final(sd, &swapped) ? :
		      swap_print(sd, &swapped) ? : let_go(sd, &swapped);

	/* What was not swapped is safe in its slot */
	if (err && sd->journal.run_fd >= 0) {
		swap_notice_hold();
		swap_slots_unpin(sd, true);
		swap_journal_end(&sd->journal);
	}
	swap_notice_end();

	return err ? -1 : 0;
}

int do_map_swap_drain(int argc, char **argv)
{
	struct swap_drain sd = {
		.journal.run_fd = -1,
	};
	struct sigaction ignore = { .sa_handler = SIG_IGN }, on_pipe, on_limit;
	int err;

	if (check_descriptors() || check_rights())
		return -1;

	/* A reader that goes away, or a file that reaches "ulimit -f", must
	 * not take us with it between the swap and the message that tells
	 * where the data is.
	 */
	sigaction(SIGPIPE, &ignore, &on_pipe);
	sigaction(SIGXFSZ, &ignore, &on_limit);

	err = swap_args_parse(&sd.args, argc, argv);
	if (!err)
		err = sd.args.recover ? swap_recover(&sd.args) :
					swap_drain(&sd);

	map_doc_free(&sd.doc);
	map_wait_close(sd.wait);
	swap_slots_free(&sd);
	map_users_free(sd.users);
	swap_args_free(&sd.args);

	/* After an error main() still ends the JSON document */
	if (err)
		return err;

	sigaction(SIGPIPE, &on_pipe, NULL);
	sigaction(SIGXFSZ, &on_limit, NULL);
	/* bpftool batch takes a leftover errno for a failure */
	errno = 0;
	return 0;
}
