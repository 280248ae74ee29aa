// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* users_load: load and attach a program that uses a map-in-map
 *
 *	users_load ext OBJECT PROGRAM DIR TARGET_OBJECT TARGET
 *		an extension, attached to another program
 *	users_load sleepable OBJECT PROGRAM DIR
 *		a program that is made sleepable
 *	users_load iter OBJECT PROGRAM DIR MAP_PIN
 *		an iterator, attached to a map
 *
 * Programs, links and maps stay pinned in DIR, on a bpffs. A map that it has
 * already is taken from there. The ID of the program, or of the iterator's link, goes
 * to stdout. Exit status 77 when the kernel refuses it, with its reason.
 */
#include <stdbool.h>

#include "reach_load.h"

static int quiet(enum libbpf_print_level level, const char *format,
		 va_list args)
{
	return 0;
}

static struct bpf_program *only(struct bpf_object *obj, const char *name)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, obj)
		bpf_program__set_autoload(prog,
					  !strcmp(bpf_program__name(prog),
						  name));

	return bpf_object__find_program_by_name(obj, name);
}

static void use_pins(struct bpf_object *obj, const char *dir)
{
	struct bpf_map *map;
	char path[4096];

	bpf_object__for_each_map(map, obj) {
		snprintf(path, sizeof(path), "%s/%s", dir, bpf_map__name(map));
		if (!bpf_map__is_internal(map))
			bpf_map__set_pin_path(map, path);
	}
}

static struct bpf_link *attach_iter(struct bpf_program *prog, const char *pin)
{
	union bpf_iter_link_info info = {};

	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info,
		    .link_info_len = sizeof(info));

	info.map.map_fd = bpf_obj_get(pin);

	return bpf_program__attach_iter(prog, &opts);
}

static int pin(struct bpf_program *prog, struct bpf_link *link,
	       const char *dir)
{
	struct bpf_link_info link_info = {};
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s_prog", dir, bpf_program__name(prog));
	if (bpf_program__pin(prog, path) ||
	    bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		return 1;
	if (link) {
		snprintf(path, sizeof(path), "%s/%s_link", dir,
			 bpf_program__name(prog));
		len = sizeof(link_info);
		if (bpf_link__pin(link, path) ||
		    bpf_obj_get_info_by_fd(bpf_link__fd(link), &link_info,
					   &len))
			return 1;
	}
	printf("%u\n", link_info.type == BPF_LINK_TYPE_ITER ? link_info.id :
							      info.id);

	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_program *prog, *target = NULL;
	struct bpf_object *obj, *target_obj;
	struct bpf_link *link = NULL;
	bool ext, sleepable, iter;

	if (argc < 5)
		return 2;
	ext = !strcmp(argv[1], "ext");
	sleepable = !strcmp(argv[1], "sleepable");
	iter = !strcmp(argv[1], "iter");

	if (!getenv("REACH_VERBOSE"))
		libbpf_set_print(quiet);
	obj = bpf_object__open_file(argv[2], NULL);
	prog = obj ? only(obj, argv[3]) : NULL;
	if (!prog)
		return 2;
	use_pins(obj, argv[4]);

	if (ext) {
		target_obj = bpf_object__open_file(argv[5], NULL);
		target = target_obj ? only(target_obj, argv[6]) : NULL;
		if (!target)
			return 2;
		if (bpf_object__load(target_obj))
			return reach_refused("the target");
		bpf_program__set_attach_target(prog, bpf_program__fd(target),
					       "part");
	}
	if (sleepable)
		bpf_program__set_flags(prog, BPF_F_SLEEPABLE);
	if (bpf_object__load(obj))
		return reach_refused(argv[3]);
	if (ext)
		link = bpf_program__attach_freplace(prog, 0, NULL);
	if (iter)
		link = attach_iter(prog, argv[5]);
	if ((ext || iter) && !link)
		return reach_refused("to attach it");

	if (pin(prog, link, argv[4])) {
		perror("users_load");
		return 1;
	}

	return 0;
}
