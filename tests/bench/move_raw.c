// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Moves the counters of a pinned map into a new one, and prints how many microseconds that
 * took, and how many values there were. All bytes of a value are counters.
 *
 * usage: move_raw PIN
 */
#include <err.h>

#include "map_move.c"
#include "map_move_cpus.c"
#include "map_move_needs.c"
#include "now.h"

int main(int argc, char **argv)
{
	struct map_ref map = {}, stage = {};
	struct map_move_opts opts = { .map = &map, .stage = &stage };
	__u32 len = sizeof(map.info);
	struct map_move_result res;
	unsigned long long begin;
	struct map_move *m;
	char why[256] = "";
	__u8 *bytes;

	LIBBPF_OPTS(bpf_map_create_opts, create);

	if (argc != 2)
		errx(2, "usage: move_raw PIN");
	map.fd = bpf_obj_get(argv[1]);
	if (map.fd < 0 || bpf_obj_get_info_by_fd(map.fd, &map.info, &len))
		err(1, "can't open %s", argv[1]);
	bytes = malloc(map.info.value_size);
	if (!bytes)
		err(1, "no memory");
	memset(bytes, 1, map.info.value_size);
	opts.bytes = bytes;

	create.map_flags = map.info.map_flags;
	stage.fd = bpf_map_create(map_move_stage_type(map.info.type), "stage",
				  map.info.key_size, map.info.value_size,
				  map.info.max_entries, &create);
	if (stage.fd < 0)
		err(1, "can't create the stage");
	if (map_move_open(&m, &opts, why, sizeof(why)))
		errx(1, "can't load: %s", why);
	begin = now_us();
	if (map_move_run(m, &res))
		err(1, "can't move");
	printf("%llu %llu\n", now_us() - begin, res.moved);
	map_move_close(m);

	return 0;
}
