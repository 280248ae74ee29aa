// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Holds the lock of a map as another run does: has a map of that name
 *
 *	lock_hold NAME [TYPE]
 *
 * A queue, or a map of another type, which is no lock. Until it is killed. Says
 * "held ID" once it is there.
 */

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

int main(int argc, char **argv)
{
	bool array = argc == 3 && !strcmp(argv[2], "array");
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int fd;

	if (argc != 2 && !array)
		errx(2, "usage: lock_hold NAME [array]");

	fd = bpf_map_create(array ? BPF_MAP_TYPE_ARRAY : BPF_MAP_TYPE_QUEUE,
			    argv[1], array ? 4 : 0, 4, 1, NULL);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		err(1, "no map %s", argv[1]);

	printf("held %u\n", info.id);
	fflush(stdout);
	for (;;)
		pause();
}
