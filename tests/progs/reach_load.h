/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Loading one program of an object, and running a command while it is loaded
 * or at work.
 */
#ifndef TESTS_REACH_LOAD_H
#define TESTS_REACH_LOAD_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "run.h"

/* The verifier's no, and what is not there, are mistakes of the test */
static inline int reach_refused(const char *what)
{
	fprintf(stderr, "the kernel refuses %s: %s\n", what, strerror(errno));

	return errno == EACCES || errno == ENOENT ? 1 : EXIT_SKIP;
}

static inline bool reach_sleeps(const char *name)
{
	static const char end[] = "_sleeps";
	size_t len = strlen(name);

	return len > strlen(end) && !strcmp(name + len - strlen(end), end);
}

/* Its maps are taken from the folder where it has some of their names, and
 * pinned there. What is named so can sleep, also if libbpf knows no section for it.
 * NULL with errno set for no such program.
 */
static inline struct bpf_object *reach_open(const char *file, const char *name,
					    const char *dir)
{
	struct bpf_program *prog, *wanted;
	struct bpf_object *obj;
	struct bpf_map *map;
	char path[4096];

	obj = bpf_object__open_file(file, NULL);
	wanted = obj ? bpf_object__find_program_by_name(obj, name) : NULL;
	if (!wanted)
		return NULL;
	bpf_object__for_each_program(prog, obj)
		bpf_program__set_autoload(prog, prog == wanted);
	if (reach_sleeps(name))
		bpf_program__set_flags(wanted, BPF_F_SLEEPABLE);

	bpf_object__for_each_map(map, obj) {
		snprintf(path, sizeof(path), "%s/%s", dir, bpf_map__name(map));
		if (dir && !bpf_map__is_internal(map))
			bpf_map__set_pin_path(map, path);
	}

	return obj;
}

static inline struct bpf_object *reach_load(const char *file, const char *name,
					    const char *dir)
{
	struct bpf_object *obj = reach_open(file, name, dir);

	return obj && !bpf_object__load(obj) ? obj : NULL;
}

#endif /* TESTS_REACH_LOAD_H */
