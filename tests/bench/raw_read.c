// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Reads all of a pinned map with BPF_MAP_LOOKUP_BATCH and prints how many
 * entries there were: the floor for whatever prints them too. Ends with 3 where the
 * kernel can't read a map of this type so.
 *
 * usage: raw_read PIN
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define BATCH		4096
#define KERNEL_NOTSUPP	524	/* what the kernel says for a type without batches */

int main(int argc, char **argv)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info), count;
	unsigned long long total = 0;
	char cursor[512], *keys, *values;
	void *in = NULL;
	size_t step;
	int fd, end;

	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	if (argc != 2)
		errx(2, "usage: raw_read PIN");
	fd = bpf_obj_get(argv[1]);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		err(1, "can't open %s", argv[1]);

	/* Per-CPU values have a place for each CPU */
	step = (info.value_size + 7) / 8 * 8 * libbpf_num_possible_cpus();
	keys = malloc((size_t)BATCH * info.key_size);
	values = malloc(BATCH * step);
	if (!keys || !values)
		err(1, "no memory");

	do {
		count = BATCH;
		end = bpf_map_lookup_batch(fd, in, cursor, keys, values, &count,
					   &opts);
		/* Before 5.6 the kernel does not know the command */
		if (!in && end && (errno == KERNEL_NOTSUPP || errno == EINVAL))
			err(3, "no batches");
		if (end && errno != ENOENT)
			err(1, "can't read a batch");
		total += count;
		in = cursor;
	} while (!end);
	printf("%llu\n", total);

	return 0;
}
