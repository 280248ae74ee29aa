// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Shows the accesses that the command does not wait for: a tc program starts a
 * callback, the inner map is swapped out, the command returns, and the callback
 * still writes to the old map. Prints its counter before and after that.
 *
 * usage: sync_late OBJECT
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "sync_guest.h"

#define TIMER_DELAY_NS	2000000000ULL
#define TRIES		2000	/* of 10 ms each */

static const __u32 key;

static int start(struct bpf_object *obj)
{
	struct bpf_program *prog;
	char packet[64] = {};
	int err;

	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		    .data_size_in = sizeof(packet), .repeat = 1);

	prog = bpf_object__find_program_by_name(obj, "start");
	err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	return err ? err : (int)opts.retval;
}

static int wait_for(int fd, bool done)
{
	struct late_shared shared;
	int i;

	for (i = 0; i < TRIES; i++) {
		if (bpf_map_lookup_elem(fd, &key, &shared))
			return -1;
		if (done ? shared.done : shared.started)
			return 0;
		usleep(10000);
	}
	errno = ETIMEDOUT;
	return -1;
}

/* A replacement that the kernel takes for one of the same kind */
static int swap(struct bpf_object *obj)
{
	const struct bpf_map *inner = bpf_object__find_map_by_name(obj, "inner");
	int fd, outer = bpf_object__find_map_fd_by_name(obj, "outer");

	LIBBPF_OPTS(bpf_map_create_opts, opts,
		    .btf_fd = bpf_object__btf_fd(obj),
		    .btf_key_type_id = bpf_map__btf_key_type_id(inner),
		    .btf_value_type_id = bpf_map__btf_value_type_id(inner));

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fresh", sizeof(key),
			    bpf_map__value_size(inner), 1, &opts);
	if (fd < 0)
		return -1;
	return bpf_map_update_elem(outer, &key, &fd, BPF_ANY);
}

/* The counter stands first in either kind of element */
static unsigned long long counter(struct bpf_object *obj)
{
	unsigned long long value[8] = {};

	bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(obj, "inner"), &key,
			    value);
	return value[0];
}

int main(int argc, char **argv)
{
	struct late_shared shared = { .delay_ns = TIMER_DELAY_NS };
	struct bpf_object *obj;
	int fd;

	if (argc != 2)
		return 1;
	obj = bpf_object__open(argv[1]);
	if (!obj || bpf_object__load(obj))
		return 1;
	fd = bpf_object__find_map_fd_by_name(obj, "shared");

	if (bpf_map_update_elem(fd, &key, &shared, BPF_ANY) || start(obj) ||
	    wait_for(fd, false)) {
		fprintf(stderr, "the callback does not start\n");
		return 1;
	}
	if (swap(obj)) {
		fprintf(stderr, "can't swap: %s\n", strerror(errno));
		return 1;
	}
	if (bpf_sync_map_access()) {
		fprintf(stderr, "can't wait: %s\n", strerror(errno));
		return 1;
	}
	printf("after the wait %llu\n", counter(obj));

	/* Now the callback of the bpf_wq may go on; a timer fires by itself */
	if (bpf_map_lookup_elem(fd, &key, &shared))
		return 1;
	shared.go = 1;
	if (bpf_map_update_elem(fd, &key, &shared, BPF_ANY) || wait_for(fd, true)) {
		fprintf(stderr, "the callback does not end\n");
		return 1;
	}
	printf("at the end %llu\n", counter(obj));
	return 0;
}
