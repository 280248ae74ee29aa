// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Prints the peak resident memory of a command in KiB into a file:
 *
 *	peak FILE COMMAND...
 *
 * A shell or an interpreter would do, but the memory of whoever forks counts
 * for the child until it runs the command.
 */

#include <err.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	FILE *file;
	pid_t pid;

	if (argc < 3)
		errx(2, "usage: peak FILE COMMAND...");

	pid = fork();
	if (!pid) {
		execvp(argv[2], argv + 2);
		err(127, "can't run %s", argv[2]);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
		err(2, "can't run %s", argv[2]);

	file = fopen(argv[1], "w");
	if (!file || fprintf(file, "%ld\n", usage.ru_maxrss) < 0 || fclose(file))
		err(2, "can't write %s", argv[1]);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
