// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Standard output while maps are printed */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <unistd.h>

#include "map_drain.h"

/* main() made it line buffered, a system call a line; typed entries have a
 * dozen of them.
 */
void drain_out_start(void)
{
	static char buf[1 << 16];

	setvbuf(stdout, buf, _IOFBF, sizeof(buf));
}

void drain_out_end(void)
{
	fflush(stdout);
	setlinebuf(stdout);
}

int drain_out_error(void)
{
	static int first;

	if (!first && ferror_unlocked(stdout))
		first = errno ? -errno : -EIO;

	return first;
}

int drain_flush(void)
{
	int fd, err = drain_out_error();

	/* What misses entries must not end as if it were complete */
	if (err) {
		__fpurge(stdout);
		return err;
	}
	if (fflush(stdout))
		return drain_out_error();

	/* A network file system may tell only now what it could not write */
	fd = dup(STDOUT_FILENO);

	return fd < 0 || close(fd) ? -errno : 0;
}
