// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: what is said when a signal ends it
 *
 * Whoever presses Ctrl-C in the midst of a drain must not have to know of the
 * journal, so the way out is to say where the old map is, and then to die of
 * the signal as if nobody had caught it.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "main.h"
#include "map_swap_run.h"

static const int ending[] = { SIGINT, SIGTERM, SIGHUP };

static struct sigaction before[ARRAY_SIZE(ending)];
static bool armed, held;
static sigset_t mask_before;
static char text[PATH_MAX + 80];
static size_t text_len;

/* Nothing in here that is not safe in a signal handler. Another signal ends a
 * write() that nobody reads.
 */
static void say_and_die(int sig)
{
	ssize_t ignored;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ending); i++)
		sigaction(ending[i], &before[i], NULL);
	ignored = write(STDERR_FILENO, text, text_len);
	(void)ignored;
	raise(sig);
}

static void arm(void)
{
	struct sigaction say = {
		.sa_handler = say_and_die,
		.sa_flags = SA_NODEFER,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ending); i++) {
		sigaction(ending[i], NULL, &before[i]);
		if (before[i].sa_handler == SIG_DFL)
			sigaction(ending[i], &say, NULL);
	}
	armed = true;
}

void swap_notice(const char *pinned)
{
	/* Where a line tells how far the drain is, it goes */
	const char *erase = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO) ?
				    "\r\033[K" : "";
	bool hold = !held;
	int len;

	if (hold)
		swap_notice_hold();
	len = snprintf(text, sizeof(text),
		       "%sError: interrupted; old map is pinned at %s\n",
		       erase, pinned);
	text_len = len < (int)sizeof(text) ? len : (int)sizeof(text) - 1;
	if (!armed)
		arm();
	if (hold)
		swap_notice_go();
}

void swap_notice_hold(void)
{
	sigset_t mask;
	unsigned int i;

	if (held)
		return;

	sigemptyset(&mask);
	for (i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(&mask, ending[i]);
	sigprocmask(SIG_BLOCK, &mask, &mask_before);
	held = true;
}

void swap_notice_go(void)
{
	if (!held)
		return;

	held = false;
	sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

void swap_notice_end(void)
{
	unsigned int i;

	for (i = 0; armed && i < ARRAY_SIZE(ending); i++)
		sigaction(ending[i], &before[i], NULL);
	armed = false;
	swap_notice_go();
}
