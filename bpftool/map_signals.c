// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The message of a run that a signal ends: a user who presses Ctrl-C may not know
 * that there is a journal
 */

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "map_signals.h"

/* What users, timers and limits send */
static const int ending[] = {
	SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGXCPU,
};

/* A signal handler has no argument to pass this in, so it has to be static. It is
 * in use only between map_signals_at() and map_signals_end().
 */
static struct {
	struct sigaction before[ARRAY_SIZE(ending)];
	bool armed, blocked;
	sigset_t mask_before;
	char text[6 * PATH_MAX];
} state;

/* Async-signal-safe calls only. Default handlers are restored first, so that a
 * second signal can break a blocked write().
 */
static void tell_and_die(int sig)
{
	ssize_t ignored;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ending); i++)
		sigaction(ending[i], &state.before[i], NULL);
	ignored = write(STDERR_FILENO, state.text, strlen(state.text));
	(void)ignored;
	raise(sig);
}

static void arm(void)
{
	struct sigaction tell = {
		.sa_handler = tell_and_die,
		.sa_flags = SA_NODEFER,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ending); i++) {
		sigaction(ending[i], NULL, &state.before[i]);
		if (state.before[i].sa_handler == SIG_DFL)
			sigaction(ending[i], &tell, NULL);
	}
	state.armed = true;
}

void map_signals_block(void)
{
	sigset_t mask;
	unsigned int i;

	if (state.blocked)
		return;

	sigemptyset(&mask);
	for (i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(&mask, ending[i]);
	sigprocmask(SIG_BLOCK, &mask, &state.mask_before);
	state.blocked = true;
}

static void unblock(void)
{
	if (!state.blocked)
		return;

	state.blocked = false;
	sigprocmask(SIG_SETMASK, &state.mask_before, NULL);
}

void map_signals_at(const struct map_place *at)
{
	/* The progress line may be on the screen */
	const char *erase = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO) ?
				    "\r\033[K" : "";
	char text[MAP_PLACE_TEXT];

	map_place_text(at, text);
	map_signals_block();
	snprintf(state.text, sizeof(state.text), "%sError: interrupted; %s\n",
		 erase, text);
	if (!state.armed)
		arm();
	unblock();
}

void map_signals_end(void)
{
	unsigned int i;

	for (i = 0; state.armed && i < ARRAY_SIZE(ending); i++)
		sigaction(ending[i], &state.before[i], NULL);
	state.armed = false;
	unblock();
}
