// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Prints the peak resident memory of a command in KiB into a file:
 *
 *	peak FILE COMMAND...
 *
 * A shell or an interpreter would do, but the memory of whoever forks counts
 * for the child until it runs the command.
 */

#include <stdio.h>
#include <sys/resource.h>

#include "run.h"

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	FILE *file;

	if (argc < 3)
		errx(2, "usage: peak FILE COMMAND...");

	status = run_command(argv + 2);
	getrusage(RUSAGE_CHILDREN, &usage);
	file = fopen(argv[1], "w");
	if (!file || fprintf(file, "%ld\n", usage.ru_maxrss) < 0 || fclose(file))
		err(2, "can't write %s", argv[1]);

	return status;
}
