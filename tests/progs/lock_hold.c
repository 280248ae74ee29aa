// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What any local user can do: hold a lock on a byte of the inode that all
 * anonymous files share, without having any BPF map:
 *
 *	lock_hold posix|ofd BYTE
 *
 * As nobody, until it is killed. Says "held" once it has the lock.
 */

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NOBODY	65534

int main(int argc, char **argv)
{
	struct flock fl = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_len = 1,
	};
	int fd;

	if (argc != 3)
		errx(2, "usage: lock_hold posix|ofd BYTE");
	if (setgid(NOBODY) || setuid(NOBODY))
		err(1, "becoming nobody");

	fl.l_start = atol(argv[2]);
	fd = eventfd(0, 0);
	if (fd < 0)
		err(1, "eventfd");
	if (fcntl(fd, strcmp(argv[1], "ofd") ? F_SETLK : F_OFD_SETLK, &fl))
		err(1, "lock");

	puts("held");
	fflush(stdout);
	for (;;)
		pause();
}
