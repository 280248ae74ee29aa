// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A line on the terminal that tells how far a long drain is */

#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "map_drain_progress.h"

#define FIRST_MS	1000
#define AGAIN_MS	250

static struct {
	bool on;
	bool shown;		/* and not yet erased */
	unsigned long long entries;
	unsigned long long start_ms, next_ms;
	long long start_bytes;	/* written before, by earlier commands */
} progress;

static unsigned long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* All that this process has written, or -1 where the kernel does not count it.
 * So nobody has to count what goes into stdout's buffer.
 */
static long long bytes_written(void)
{
	FILE *io = fopen("/proc/self/io", "r");
	long long bytes = -1;
	char line[64];

	if (!io)
		return -1;
	while (fgets(line, sizeof(line), io))
		if (sscanf(line, "wchar: %lld", &bytes) == 1)
			break;
	fclose(io);

	return bytes;
}

/* A job in the background must not write over what the user is typing */
static bool in_foreground(void)
{
	pid_t pgrp = tcgetpgrp(STDERR_FILENO);

	return pgrp < 0 || pgrp == getpgrp();
}

static bool stdout_is_file(void)
{
	struct stat st;

	return !fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode);
}

void drain_progress_start(bool files_only)
{
	progress.on = isatty(STDERR_FILENO) &&
		      (files_only ? stdout_is_file() : !isatty(STDOUT_FILENO));
	if (!progress.on)
		return;

	progress.entries = 0;
	progress.start_ms = now_ms();
	progress.next_ms = progress.start_ms + FIRST_MS;
	progress.start_bytes = bytes_written();
}

static void show(unsigned long long ms)
{
	long long bytes = bytes_written() - progress.start_bytes;

	fprintf(stderr, "\r%llu entries, ", progress.entries);
	if (progress.start_bytes >= 0 && bytes >= 0)
		fprintf(stderr, "%lld.%lld MB written, ", bytes / 1000000,
			bytes / 100000 % 10);
	fprintf(stderr, "%llu entries/s\033[K", progress.entries * 1000 / ms);
	progress.shown = true;
}

void drain_progress(unsigned int entries)
{
	unsigned long long now;

	if (!progress.on)
		return;
	progress.entries += entries;
	now = now_ms();
	if (now < progress.next_ms)
		return;

	progress.next_ms = now + AGAIN_MS;
	if (in_foreground())
		show(now - progress.start_ms);
}

void drain_progress_hide(void)
{
	if (progress.shown)
		fputs("\r\033[K", stderr);
	progress.shown = false;
}

void drain_progress_stop(void)
{
	drain_progress_hide();
	progress.on = false;
}
