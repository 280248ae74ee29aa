// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The audit's verdict on each program of some BPF objects
 *
 *	audit_check [-v] [-s] [-c COUNTERS]... OBJECT...
 *	audit_check -r FILE...
 *
 * A program's name begins with the map that it is audited for: "flows__named" is
 * about the map "flows" (".bss" is spelled "bss"). One line a program: object,
 * program, what is found ("exact", or kinds of findings), the bytes of a value, in
 * runs: "8c 16. 4p" is 8 bytes of counters, 16 others, 4 that are added to plainly.
 * One that continues with "ext_" is taken for an extension of a program.
 * With -c the counters are named; several times: a line for each, which begins with
 * the list. With -s calls are known by the kernel's symbols only. With -r the files
 * hold translated instructions, which no kernel has to know; map 7 has values of 24 bytes.
 *
 * Links bpftool's own objects.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "map_ref.h"
#include "map_writers_state.h"

#define MAX_LISTS	32
#define MAX_RAW		64

static bool verbose, symbols, raw;
static const char *counters[MAX_LISTS];
static unsigned int nr_counters;

static int log_nothing(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return verbose && level == LIBBPF_WARN ? vfprintf(stderr, fmt, ap) : 0;
}

static struct bpf_map *find_map(struct bpf_object *obj, const char *prog)
{
	size_t n = strcspn(prog, "_");
	struct bpf_map *map;
	const char *name;

	bpf_object__for_each_map(map, obj) {
		name = bpf_map__name(map);
		if (strstr(name, ".bss"))
			name = "bss";
		if (strstr(name, ".data"))
			name = "data";
		if (strlen(name) == n && !strncmp(name, prog, n))
			return map;
	}
	return NULL;
}

static void print_bytes(const struct map_audit *a)
{
	static const char letter[] = ".cp";
	__u32 i, first = 0;

	for (i = 1; i <= a->map->info.value_size; i++) {
		if (i < a->map->info.value_size && a->bytes[i] == a->bytes[first])
			continue;
		printf(" %u%c", i - first, letter[a->bytes[first]]);
		first = i;
	}
}

static void __printf(1, 2) say(const char *fmt, ...)
{
	va_list ap;

	printf("    ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static bool has_finding(const struct map_audit *a, enum map_finding_kind kind)
{
	unsigned int i;

	for (i = 0; i < a->nr_findings; i++)
		if (a->findings[i].kind == kind)
			return true;
	return false;
}

static void print_kinds(const struct map_audit *a)
{
	static const char * const kinds[] = {
		"plain", "conflict", "delete", "update", "unknown", "other_cpu",
		"narrow",
	};
	const char *sep = " ";
	unsigned int i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!has_finding(a, i))
			continue;
		printf("%s%s", sep, kinds[i]);
		sep = ",";
	}
	if (*sep == ' ')
		printf(" exact");
}

static __u32 prog_id(int fd)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

static int check(const struct map_ref *map, __u32 id, const char *what, const char *list)
{
	struct map_audit a;
	const char *bad;
	int err;

	err = map_audit_init(&a, map);
	if (!err && symbols) {
		a.state->learned_types = ~0ULL;
		a.state->learned_usual = ~0U;
	}
	if (!err)
		err = map_audit_prog(&a, id, strstr(what, "__ext_"));
	if (!err && list)
		err = map_audit_counters(&a, list, &bad);
	if (!err)
		err = map_audit_finish(&a);
	if (nr_counters > 1)
		printf("%s: ", list);
	printf("%s", what);
	if (err) {
		printf(" error %s\n", strerror(-err));
	} else {
		print_kinds(&a);
		print_bytes(&a);
		printf("\n");
		if (verbose)
			map_audit_each_line(&a, say);
	}
	map_audit_free(&a);
	return err;
}

static int check_prog(struct bpf_object *obj, struct bpf_program *prog, const char *file)
{
	struct bpf_map *map = find_map(obj, bpf_program__name(prog));
	struct map_ref ref = { .fd = map ? bpf_map__fd(map) : -1 };
	__u32 len = sizeof(ref.info);
	unsigned int i = 0;
	char what[256];
	int err = 0;

	snprintf(what, sizeof(what), "%s %s", file, bpf_program__name(prog));
	if (!map || bpf_obj_get_info_by_fd(ref.fd, &ref.info, &len)) {
		printf("%s has no map\n", what);
		return -1;
	}
	do {
		if (check(&ref, prog_id(bpf_program__fd(prog)), what, counters[i]))
			err = -1;
	} while (++i < nr_counters);
	return err;
}

static int add_raw(struct map_audit *a, const char *path)
{
	struct map_audit_prog *p = calloc(1, sizeof(*p));
	FILE *f = fopen(path, "r");

	a->progs = calloc(1, sizeof(*a->progs));
	if (!p || !f || !a->progs)
		return -1;
	*a->progs = p;
	a->nr_progs = 1;
	p->insns = calloc(MAX_RAW, sizeof(*p->insns));
	p->nr_insns = fread(p->insns, sizeof(*p->insns), MAX_RAW, f);
	fclose(f);
	return 0;
}

static int check_raw(const char *path)
{
	const struct map_ref map = {
		.fd = -1,
		.info = { .id = 7, .type = BPF_MAP_TYPE_ARRAY, .value_size = 24 },
	};
	struct map_audit a;
	int err;

	err = map_audit_init(&a, &map);
	if (!err)
		err = add_raw(&a, path) ?: map_audit_finish(&a);
	printf("%s", path);
	print_kinds(&a);
	print_bytes(&a);
	printf("\n");
	map_audit_free(&a);
	return err;
}

/* Only one program of the object is loaded, so that each is by itself */
static int check_one(const char *path, const char *file, unsigned int nr, bool *last)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	struct bpf_program *prog, *chosen = NULL;
	unsigned int i = 0;
	int err = -1;

	*last = true;
	if (!obj)
		return -1;
	bpf_object__for_each_program(prog, obj) {
		bpf_program__set_autoload(prog, i == nr);
		if (i == nr)
			chosen = prog;
		if (i++ > nr)
			*last = false;
	}
	if (bpf_object__load(obj))
		printf("%s %s can't be loaded\n", file, bpf_program__name(chosen));
	else
		err = check_prog(obj, chosen, file);
	bpf_object__close(obj);
	return err;
}

static int check_object(const char *path)
{
	const char *file = strrchr(path, '/');
	bool last = false;
	unsigned int i;
	int err = 0;

	for (i = 0; !last; i++)
		if (check_one(path, file ? file + 1 : path, i, &last))
			err = -1;
	return err;
}

int main(int argc, char **argv)
{
	int i = 1, err = 0;

	for (; i < argc && *argv[i] == '-'; i++) {
		if (!strcmp(argv[i], "-v"))
			verbose = true;
		else if (!strcmp(argv[i], "-s"))
			symbols = true;
		else if (!strcmp(argv[i], "-r"))
			raw = true;
		else if (i + 1 < argc && nr_counters < MAX_LISTS)
			counters[nr_counters++] = argv[++i];
	}
	libbpf_set_print(log_nothing);
	for (; i < argc; i++)
		if (raw ? check_raw(argv[i]) : check_object(argv[i]))
			err = 1;
	return err;
}
