// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Creates, fills and pins a map of any type, which "bpftool map create" can't with
 * BTF, a NUMA node or map_extra; or tells what a map is like
 *
 *	map_make [OPTION...] TYPE PIN [OUTER_TYPE OUTER_PIN]
 *	map_make { --types | --info PIN | --list }
 *
 *	--key, --value, --entries, --numa, --extra N, --flag NAME	as they say
 *	--btf struct|counters|flow|bytes|float|lock	types for key and value
 *	--share-btf	one BTF object for many maps
 *	--fill N	entries; without --sums their values are noise
 *	--sums		values 1, 4, 7, ...
 *	--freeze
 *	--outer-entries N, --outer-name NAME	of the map-in-map
 *	--slots N	its slots 0 to N-1 are filled, and no other map is pinned
 *	--hold		stays until it is killed
 *
 * With PIN "-" it is not pinned, and its id is printed.
 */

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "map_types.h"
#include "opts.h"

#define SLOTS_AT_ONCE	128
#define NOT_GIVEN	UINT_MAX

static struct map_spec {
	__u32 type;
	const char *name, *btf, *pin, *outer_name;
	__u32 key_size, value_size, entries, fill, outer_entries;
	__u32 seed;		/* other values in each of many maps */
	__u32 slots;		/* to fill */
	bool sums, freeze, hold;
	bool share_btf;		/* one BTF object for many maps */
	struct map_types types;	/* loaded last */
	struct bpf_map_create_opts opts;
} spec = {
	.name = "inner", .outer_name = "outer", .outer_entries = 4,
	.key_size = NOT_GIVEN, .value_size = NOT_GIVEN, .entries = NOT_GIVEN,
	.slots = NOT_GIVEN, .opts.sz = sizeof(spec.opts),
};

/* Sizes and flags that a type insists on; hash-like types take any */
static const struct {
	__u32 type, key_size, value_size, entries, flags;
} shapes[] = {
	{ BPF_MAP_TYPE_STACK_TRACE,		4, 80, 4, 0 },
	{ BPF_MAP_TYPE_LPM_TRIE,		8, 8, 16, BPF_F_NO_PREALLOC },
	{ BPF_MAP_TYPE_CGROUP_STORAGE,		16, 8, 0, 0 },
	{ BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,	16, 8, 0, 0 },
	{ BPF_MAP_TYPE_QUEUE,			0, 8, 16, 0 },
	{ BPF_MAP_TYPE_STACK,			0, 8, 16, 0 },
	{ BPF_MAP_TYPE_BLOOM_FILTER,		0, 8, 16, 0 },
	{ BPF_MAP_TYPE_RINGBUF,			0, 0, 4096, 0 },
	{ BPF_MAP_TYPE_USER_RINGBUF,		0, 0, 4096, 0 },
	{ 33,	/* arena since 6.9 */			0, 0, 4, BPF_F_MMAPABLE },
	{ BPF_MAP_TYPE_SK_STORAGE,		4, 8, 0, BPF_F_NO_PREALLOC },
	{ BPF_MAP_TYPE_INODE_STORAGE,		4, 8, 0, BPF_F_NO_PREALLOC },
	{ BPF_MAP_TYPE_TASK_STORAGE,		4, 8, 0, BPF_F_NO_PREALLOC },
	{ 32,	/* cgrp_storage since 6.2 */		4, 8, 0, BPF_F_NO_PREALLOC },
	{ BPF_MAP_TYPE_HASH,			4, 8, 16, 0 },
	{ BPF_MAP_TYPE_PERCPU_HASH,		4, 8, 16, 0 },
	{ BPF_MAP_TYPE_LRU_HASH,		4, 8, 1024, 0 },
	{ BPF_MAP_TYPE_LRU_PERCPU_HASH,		4, 8, 1024, 0 },
	{ BPF_MAP_TYPE_ARRAY,			4, 8, 16, 0 },
	{ BPF_MAP_TYPE_PERCPU_ARRAY,		4, 8, 16, 0 },
	{ 34,	/* insn_array since 6.19 */		4, 16, 4, 0 },
	{ BPF_MAP_TYPE_UNSPEC,			4, 4, 4, 0 },	/* the rest */
};

static const struct {
	const char *name;
	__u32 flag;
} flag_names[] = {
	{ "no_prealloc",	BPF_F_NO_PREALLOC },
	{ "no_common_lru",	BPF_F_NO_COMMON_LRU },
	{ "rdonly",		BPF_F_RDONLY },
	{ "wronly",		BPF_F_WRONLY },
	{ "zero_seed",		BPF_F_ZERO_SEED },
	{ "rdonly_prog",	BPF_F_RDONLY_PROG },
	{ "wronly_prog",	BPF_F_WRONLY_PROG },
	{ "mmapable",		BPF_F_MMAPABLE },
	{ "inner_map",		BPF_F_INNER_MAP },
};

static void parse_flag(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(flag_names) / sizeof(*flag_names); i++)
		if (!strcmp(flag_names[i].name, word)) {
			spec.opts.map_flags |= flag_names[i].flag;
			return;
		}
	errx(2, "no flag: %s", word);
}

static void parse_numa(const char *word)
{
	spec.opts.map_flags |= BPF_F_NUMA_NODE;
	spec.opts.numa_node = atoi(word);
}

static void parse_extra(const char *word)
{
	spec.opts.map_extra = strtoull(word, NULL, 0);
}

static void print_types(void)
{
	const char *name;
	__u32 type;

	for (type = 1; type <= LAST_TYPE; type++) {
		name = libbpf_bpf_map_type_str(type);
		if (name)
			printf("%s\n", name);
		else
			printf("%u\n", type);
	}
}

static struct bpf_map_info info_of(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		err(1, "can't read the map's info");

	return info;
}

static void print_info(const char *pin)
{
	struct bpf_map_info info = info_of(bpf_obj_get(pin));

	printf("id %u\ntype %u\nkey_size %u\nvalue_size %u\nmax_entries %u\n"
	       "flags 0x%x\nextra %llu\nname %s\n"
	       "btf_id %u\nbtf_key %u\nbtf_value %u\n",
	       info.id, info.type, info.key_size, info.value_size,
	       info.max_entries, info.map_flags,
	       (unsigned long long)info.map_extra, info.name,
	       info.btf_id, info.btf_key_type_id, info.btf_value_type_id);
	exit(0);
}

/* Every map of the machine: "bpftool map show" looks at every process too, which
 * takes seconds in a guest. Without program arrays, of which swap-drain makes none:
 * some kernels (6.18) keep one for good when a process opens it by its id while it is
 * released.
 */
static void print_list(void)
{
	__u32 id = 0, len;

	while (!bpf_map_get_next_id(id, &id)) {
		struct bpf_map_info info = {};
		int fd = bpf_map_get_fd_by_id(id);

		len = sizeof(info);
		/* It may be gone by now */
		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) &&
		    info.type != BPF_MAP_TYPE_PROG_ARRAY)
			printf("%u %s\n", id, info.name);
		if (fd >= 0)
			close(fd);
	}
}

static __u8 noise(__u32 *state)
{
	*state = *state * 1664525 + 1013904223;

	return *state >> 24;
}

/* Distinct for each i as far as the size allows */
static void make_key(const struct map_spec *s, __u32 i, __u8 *key)
{
	__u32 state = i, data = s->type == BPF_MAP_TYPE_LPM_TRIE ? 4 : 0;
	__u32 bits = (s->key_size - data) * 8, j;

	for (j = data; j < s->key_size; j++)
		key[j] = j - data < 4 ? i >> ((j - data) * 8) : noise(&state);
	if (data)
		memcpy(key, &bits, 4);
}

/* The least and the greatest numbers too, and a boolean that is one */
static void make_counters(struct counters_value *v, __u32 i)
{
	if (i % 5 == 1) {
		memset(v, 0xff, sizeof(*v));
		v->drift = 1LL << 63;
		v->delta = 1U << 31;
	} else if (i % 5 == 2) {
		memset(v, 0, sizeof(*v));
		v->seen.rank = -32768;
	}
	v->open = i % 2;
}

/* What a text, an enum and a pointer may hold as well */
static void make_odd(struct map_value *v, __u32 i)
{
	static const char names[8][13] = {
		"", "'`~ {}[],:/", "\x7f", "a\tb", "\x80", "twelve bytes", "a\"", "\\"
	};
	static const __u32 states[4] = { 7, 5, -1, 0x80000000 };
	static const __s8 levels[3] = { -1, 90, 0 };
	static const __u64 masks[4] = { 0, 1ULL << 40, -1, 1 };

	memcpy(v->name, names[i % 8], sizeof(v->name));
	v->state = states[i % 4];
	v->level_name = levels[i % 3];
	v->mask = masks[i % 4];
	v->owner = i % 3 ? (void *)(unsigned long)i : NULL;
}

static void make_value(const struct map_spec *s, __u32 i, __u32 cpu,
		       __u8 *value)
{
	struct map_value *v = (void *)value;
	__u32 state = i * 31 + cpu * 7 + s->seed * 1009 + 1, j;

	for (j = 0; j < s->value_size; j++)
		value[j] = noise(&state);
	if (s->sums)
		*(__u64 *)value = 3 * i + 1;

	/* A text, a known name and a boolean every other time */
	if (s->btf && !strcmp(s->btf, "struct") && i % 2) {
		memset(v->name, 0, sizeof(v->name));
		snprintf(v->name, sizeof(v->name), "a\"b\\c%u", i % 1000);
		v->state = i % 4 < 2;
		v->seen = i % 3 == 0;
	}
	if (s->btf && !strcmp(s->btf, "struct") && i % 4 == 2)
		make_odd(v, i / 4);
	if (s->btf && !strcmp(s->btf, "counters"))
		make_counters((void *)value, i);
}

static void fill_map(int fd, const struct map_spec *s)
{
	size_t step = (s->value_size + 7) / 8 * 8;
	int cpus = libbpf_num_possible_cpus(), cpu;
	__u8 *key, *value;
	__u32 i;

	key = calloc(1, s->key_size + 1);
	value = calloc(cpus, step);
	if (!key || !value || cpus < 0)
		err(1, "can't fill the map");

	for (i = 0; i < s->fill; i++) {
		make_key(s, i, key);
		for (cpu = 0; cpu < cpus; cpu++)
			make_value(s, i, cpu, value + cpu * step);
		if (bpf_map_update_elem(fd, s->key_size ? key : NULL, value,
					BPF_ANY))
			err(1, "can't fill the map");
	}
	free(key);
	free(value);
}

static int create_map(struct map_spec *s)
{
	struct map_types *types = &s->types;
	int fd;

	if (s->btf && !types->btf) {
		if (map_types_load(types, s->btf,
				   s->type == BPF_MAP_TYPE_LPM_TRIE,
				   s->key_size, &s->value_size))
			err(1, "can't load the BTF");
		s->opts.btf_fd = btf__fd(types->btf);
		s->opts.btf_key_type_id = types->key_id;
		s->opts.btf_value_type_id = types->value_id;
	}

	fd = bpf_map_create(s->type, s->name, s->key_size, s->value_size,
			    s->entries, &s->opts);
	if (fd < 0)
		err(1, "can't create the map");
	if (!s->share_btf) {
		btf__free(types->btf);
		types->btf = NULL;
	}

	return fd;
}

/* A batch waits for one grace period on most kernels; it must not need more
 * descriptors than everybody may have
 */
static void fill_slots(struct map_spec *s, int outer)
{
	__u32 keys[SLOTS_AT_ONCE], slot, i, nr;
	int fds[SLOTS_AT_ONCE];

	LIBBPF_OPTS(bpf_map_batch_opts, opts);

	for (slot = 0; slot < s->slots; slot += nr) {
		for (nr = 0; nr < SLOTS_AT_ONCE && slot + nr < s->slots; nr++) {
			keys[nr] = slot + nr;
			s->seed = keys[nr];
			fds[nr] = create_map(s);
			fill_map(fds[nr], s);
		}
		i = nr;
		if (bpf_map_update_batch(outer, keys, fds, &i, &opts))
			err(1, "can't fill the slots");
		for (i = 0; i < nr; i++)
			close(fds[i]);
	}
}

/* What the map-in-map takes, of another name than those in its slots */
static int create_example(struct map_spec *s)
{
	const char *name = s->name;
	char text[BPF_OBJ_NAME_LEN];
	int fd;

	snprintf(text, sizeof(text), "%st", name);
	s->name = text;
	fd = create_map(s);
	s->name = name;

	return fd;
}

static void make_outer(struct map_spec *s, int inner, char **args)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = inner);
	__u32 key = 0;
	int outer;

	outer = bpf_map_create(map_type(args[0]), s->outer_name, 4, 4,
			       s->outer_entries, &opts);
	if (outer < 0)
		err(1, "can't create the outer map");
	if (s->slots != NOT_GIVEN)
		fill_slots(s, outer);
	else if (bpf_map_update_elem(outer, &key, &inner, BPF_ANY))
		err(1, "can't fill the slot");
	if (bpf_obj_pin(outer, args[1]))
		err(1, "can't pin the outer map");
}

/* What was not given on the command line */
static void complete(struct map_spec *s)
{
	size_t i;

	for (i = 0; shapes[i].type && shapes[i].type != s->type; i++)
		;

	if (s->key_size == NOT_GIVEN)
		s->key_size = shapes[i].key_size;
	if (s->value_size == NOT_GIVEN)
		s->value_size = shapes[i].value_size;
	if (s->entries == NOT_GIVEN)
		s->entries = shapes[i].entries;
	if (s->entries && s->fill > s->entries)
		s->entries = s->fill;
	if (s->btf && !strcmp(s->btf, "flow"))
		s->key_size = sizeof(struct flow_key);
	s->opts.map_flags |= shapes[i].flags;
}

int main(int argc, char **argv)
{
	struct map_spec *s = &spec;
	bool types = false, list = false;
	const struct opt opts[] = {
		{ "name", .text = &s->name },
		{ "key", .num = &s->key_size },
		{ "value", .num = &s->value_size },
		{ "entries", .num = &s->entries },
		{ "flag", .call = parse_flag },
		{ "extra", .call = parse_extra },
		{ "numa", .call = parse_numa },
		{ "fill", .num = &s->fill },
		{ "sums", .flag = &s->sums },
		{ "btf", .text = &s->btf },
		{ "share-btf", .flag = &s->share_btf },
		{ "freeze", .flag = &s->freeze },
		{ "hold", .flag = &s->hold },
		{ "slots", .num = &s->slots },
		{ "outer-entries", .num = &s->outer_entries },
		{ "outer-name", .text = &s->outer_name },
		{ "types", .flag = &types },
		{ "list", .flag = &list },
		{ "info", .call = print_info },
		{}
	};
	char **args = parse_opts(argv, opts);
	int fd, nr = argv + argc - args;

	if (types)
		print_types();
	if (list)
		print_list();
	if (types || list)
		return 0;
	if (nr != 4 && (nr != 2 || s->slots != NOT_GIVEN))
		errx(2, "usage: map_make [OPTION...] TYPE PIN [OUTER_TYPE OUTER_PIN]");
	s->type = map_type(args[0]);
	complete(s);

	libbpf_set_print(NULL);
	if (s->slots != NOT_GIVEN) {
		make_outer(s, create_example(s), args + 2);
		return 0;
	}
	fd = create_map(s);
	fill_map(fd, s);
	if (s->freeze && bpf_map_freeze(fd))
		err(1, "can't freeze the map");
	if (!strcmp(args[1], "-"))
		printf("%u\n", info_of(fd).id);
	else if (bpf_obj_pin(fd, args[1]))
		err(1, "can't pin the map");
	if (nr == 4)
		make_outer(s, fd, args + 2);
	fflush(stdout);
	while (s->hold)
		pause();

	return 0;
}
