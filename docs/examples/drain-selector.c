// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* drain-selector: read and clear the one of two maps that is in use, exactly
 *
 *	drain-selector SELECTOR MAP_0 MAP_1 [sleepable]
 *
 * A BPF program reads from SELECTOR, a pinned array with one __u32, in which of
 * the two pinned hashes of __u32 and __u64 it counts. This has programs use the
 * other one, waits until none of them can still be counting in the first, and
 * prints "KEY COUNT" for each entry of that. With "sleepable" it waits for
 * sleepable programs too. bpftool is not needed.
 *
 *	gcc drain-selector.c $(pkgconf --cflags --libs libbpf-map-sync)
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <map_wait.h>
#include <map_wait_sleepable.h>

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

static int print_and_clear(int map)
{
	__u32 key, next;
	__u64 count;
	int err;

	while (!(err = bpf_map_get_next_key(map, NULL, &next))) {
		key = next;
		if (bpf_map_lookup_elem(map, &key, &count))
			return fail("can't read a count");
		printf("%u %llu\n", key, count);
		if (fflush(stdout) || bpf_map_delete_elem(map, &key))
			return fail("can't clear a count");
	}

	return err == -ENOENT ? 0 : fail("can't read the map");
}

int main(int argc, char **argv)
{
	struct map_wait_sleepable *sleepable = NULL;
	const __u32 zero = 0;
	struct map_wait *wait;
	char why[MAP_WAIT_WHY];
	int selector, maps[2];
	__u32 used, other;

	if (argc < 4)
		return 2;
	selector = bpf_obj_get(argv[1]);
	maps[0] = bpf_obj_get(argv[2]);
	maps[1] = bpf_obj_get(argv[3]);
	if (selector < 0 || maps[0] < 0 || maps[1] < 0)
		return fail("can't open a map");
	if (bpf_map_lookup_elem(selector, &zero, &used))
		return fail("can't read the selector");

	/* Before anything is changed: is there a way to wait at all? */
	if (map_wait_open(&wait, NULL, why, sizeof(why)) ||
	    (argc > 4 && !strcmp(argv[4], "sleepable") &&
	     (map_wait_sleepable_open(&sleepable, NULL, why, sizeof(why)) ||
	      map_wait_sleepable_prove(sleepable, why, sizeof(why))))) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}

	other = !used;
	if (bpf_map_update_elem(selector, &zero, &other, BPF_ANY))
		return fail("can't change the selector");

	/* After a failure nothing was read: the counts stay in the map, and
	 * are printed when the two have changed places twice
	 */
	if (map_wait_run(wait, why, sizeof(why)) ||
	    (sleepable && map_wait_sleepable_run(sleepable, why, sizeof(why)))) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	map_wait_close(wait);
	map_wait_sleepable_close(sleepable);

	return print_and_clear(maps[used & 1]);
}
