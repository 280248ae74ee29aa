// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* reach_load: load one program of an object, and leave it and its maps pinned
 *
 *	reach_load OBJECT PROGRAM DIR
 *
 * A map that DIR, on a bpffs, has already is taken from there. The program's
 * id goes to stdout. Exit status 77 when the kernel refuses the program, with
 * its reason on stderr.
 */
#include "reach_load.h"

static int quiet(enum libbpf_print_level level, const char *format,
		 va_list args)
{
	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	struct bpf_program *prog;
	struct bpf_object *obj;
	char path[4096];

	if (argc != 4)
		return 2;

	if (!getenv("REACH_VERBOSE"))
		libbpf_set_print(quiet);
	obj = reach_load(argv[1], argv[2], argv[3]);
	if (!obj)
		return reach_refused(argv[2]);

	prog = bpf_object__find_program_by_name(obj, argv[2]);
	snprintf(path, sizeof(path), "%s/%s_prog", argv[3], argv[2]);
	if (bpf_program__pin(prog, path) ||
	    bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len)) {
		perror("reach_load");
		return 1;
	}
	printf("%u\n", info.id);
	bpf_object__close(obj);

	return 0;
}
