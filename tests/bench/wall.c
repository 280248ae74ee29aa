// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Runs a command, and prints its wall time in microseconds, from before it is
 * started until it has ended, its CPU time, and the first line that it wrote.
 *
 * usage: wall COMMAND [ARG...]
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "now.h"

extern char **environ;

static unsigned long long tv_us(const struct timeval *tv)
{
	return tv->tv_sec * 1000000ULL + tv->tv_usec;
}

/* The output fits the pipe: it is read after the end, which it must not delay */
static int run(char **argv)
{
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	char line[4096] = "";
	int out[2], status;
	unsigned long long start;
	ssize_t len;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);

	start = now_us();
	errno = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	if (errno || wait4(pid, &status, 0, &usage) != pid)
		return -1;
	start = now_us() - start;

	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	len = read(out[0], line, sizeof(line) - 1);
	close(out[0]);
	if (len < 0)
		return -1;
	line[strcspn(line, "\n")] = '\0';
	printf("%llu %llu %s\n", start,
	       tv_us(&usage.ru_utime) + tv_us(&usage.ru_stime), line);
	errno = ECHILD;

	return status ? -1 : 0;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		errx(2, "usage: wall COMMAND [ARG...]");
	if (run(argv + 1))
		err(1, "can't run %s", argv[1]);

	return 0;
}
