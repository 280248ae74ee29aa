// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* reach_load: load one program of an object, and leave it, its link and its maps pinned
 *
 *	reach_load OBJECT PROGRAM DIR
 *	reach_load OBJECT PROGRAM DIR sleepable		made so by a flag
 *	reach_load OBJECT PROGRAM DIR ext TARGET_OBJECT TARGET
 *		an extension, attached to another program
 *	reach_load OBJECT PROGRAM DIR iter MAP_PIN	attached to a map
 *
 * A map that DIR, on a bpffs, has already is taken from there. The ID of the program,
 * or of the iterator's link, goes to stdout. Exit status 77 when the kernel refuses it,
 * with its reason on stderr.
 */
#include <err.h>

#include "reach_load.h"

static void check(bool refused, const char *what)
{
	if (refused)
		exit(reach_refused(what));
}

static struct bpf_program *load_target(const char *file, const char *name)
{
	struct bpf_object *obj = reach_open(file, name, NULL);

	if (!obj)
		exit(2);
	check(bpf_object__load(obj), "the target");

	return bpf_object__find_program_by_name(obj, name);
}

static struct bpf_link *attach_iter(struct bpf_program *prog, const char *pin)
{
	union bpf_iter_link_info info = {};

	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info,
		    .link_info_len = sizeof(info));

	info.map.map_fd = bpf_obj_get(pin);

	return bpf_program__attach_iter(prog, &opts);
}

static void pin(int fd, const char *dir, const char *name, const char *kind)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s_%s", dir, name, kind);
	if (bpf_obj_pin(fd, path))
		err(1, "%s", path);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 4 ? argv[4] : "";
	struct bpf_link_info link_info = {};
	struct bpf_prog_info info = {};
	struct bpf_link *link = NULL;
	__u32 len = sizeof(info);
	struct bpf_program *prog, *target;
	struct bpf_object *obj;

	if (argc < 4)
		return 2;
	libbpf_set_print(NULL);
	obj = reach_open(argv[1], argv[2], argv[3]);
	if (!obj)
		err(2, "%s", argv[2]);
	prog = bpf_object__find_program_by_name(obj, argv[2]);

	if (!strcmp(kind, "ext")) {
		target = load_target(argv[5], argv[6]);
		bpf_program__set_attach_target(prog, bpf_program__fd(target), "part");
	}
	if (!strcmp(kind, "sleepable"))
		bpf_program__set_flags(prog, BPF_F_SLEEPABLE);
	check(bpf_object__load(obj), argv[2]);
	if (!strcmp(kind, "ext"))
		link = bpf_program__attach_freplace(prog, 0, NULL);
	if (!strcmp(kind, "iter"))
		link = attach_iter(prog, argv[5]);
	check(!link && argc > 5, "to attach it");

	pin(bpf_program__fd(prog), argv[3], argv[2], "prog");
	if (link)
		pin(bpf_link__fd(link), argv[3], argv[2], "link");
	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		err(1, "program");
	len = sizeof(link_info);
	if (link && bpf_obj_get_info_by_fd(bpf_link__fd(link), &link_info, &len))
		err(1, "link");
	printf("%u\n", strcmp(kind, "iter") ? info.id : link_info.id);

	return 0;
}
