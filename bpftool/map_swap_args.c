// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: command line */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_err.h"
#include "map_swap.h"

/* What is left to parse */
struct words {
	int argc;
	char **argv;
};

/* An empty word would be a prefix of every keyword */
static bool word_is(const struct words *w, const char *keyword)
{
	return w->argc && *w->argv[0] && is_prefix(w->argv[0], keyword);
}

static const char *next_word(struct words *w)
{
	w->argc--;
	return *w->argv++;
}

static int open_by_id(const char *word, struct map_ref *ref)
{
	unsigned long id;
	char *end;
	int err;

	id = strtoul(word, &end, 0);
	if (!isdigit((unsigned char)*word) || *end || id > UINT_MAX) {
		map_err("can't parse '%s' as the ID of a map", word);
		return -1;
	}

	err = map_ref_open(ref, id, 0);
	if (err)
		map_err("can't get map %lu by its ID: %s", id, strerror(-err));

	return err ? -1 : 0;
}

static int open_by_name(const char *name, struct map_ref *ref)
{
	struct map_ref map;
	__u32 at = 0;
	int err;

	while (!bpf_map_get_next_id(at, &at)) {
		err = map_ref_open(&map, at, 0);
		if (err == -ENOENT)
			continue;	/* it is gone meanwhile */
		if (err) {
			map_err("can't get map %u by its ID: %s", at,
				strerror(-err));
			return -1;
		}
		if (strcmp(name, map.info.name)) {
			map_ref_close(&map);
			continue;
		}
		if (ref->fd >= 0) {
			map_err("several maps have the name '%s'", name);
			map_ref_close(&map);
			return -1;
		}
		*ref = map;
	}
	if (errno != ENOENT) {
		map_err("can't get the ID of a map: %s", strerror(errno));
		return -1;
	}
	if (ref->fd < 0)
		map_err("no map has the name '%s'", name);

	return ref->fd < 0 ? -1 : 0;
}

static int open_pinned(const char *path, struct map_ref *ref)
{
	__u32 len = sizeof(ref->info);
	int type;

	ref->fd = bpf_obj_get(path);
	if (ref->fd < 0) {
		map_err("can't get the map at %s: %s", path,
			errno == EACCES && !bpffs_holds(path) ?
				"not in a bpffs" : strerror(errno));
		return -1;
	}
	/* Of a program or a link it would be other information */
	type = get_fd_type(ref->fd);
	if (type != BPF_OBJ_MAP) {
		if (type >= 0)	/* else it has said so itself */
			map_err("what is pinned at %s is no map", path);
		return -1;
	}
	if (bpf_obj_get_info_by_fd(ref->fd, &ref->info, &len)) {
		map_err("can't get map info: %s", strerror(errno));
		return -1;
	}

	return 0;
}

/* The words of map_parse_fds(), whose errors put file names and keywords into
 * JSON as they are, which gives up when some map goes away while it looks for
 * a name, and to which id 4294967297 is id 1.
 */
static int parse_map(struct words *w, struct map_ref *ref, const char *what)
{
	int (*open_by)(const char *word, struct map_ref *ref);

	if (w->argc < 2) {
		map_err("'%s' needs a MAP: { id MAP_ID | pinned FILE | name MAP_NAME }",
			what);
		return -1;
	}

	if (word_is(w, "id")) {
		open_by = open_by_id;
	} else if (word_is(w, "name")) {
		open_by = open_by_name;
	} else if (word_is(w, "pinned")) {
		open_by = open_pinned;
	} else {
		map_err("expected 'id', 'name' or 'pinned', got: '%s'",
			*w->argv);
		return -1;
	}
	next_word(w);

	return open_by(next_word(w), ref);
}

static int parse_byte(const char *word, int base, unsigned char *byte)
{
	unsigned long val;
	char *end;

	/* A sign or white space is nothing that a byte has */
	val = strtoul(word, &end, base);
	if (!isxdigit((unsigned char)*word) || *end || val > 0xff) {
		map_err("can't parse '%s' as a byte of the key", word);
		return -1;
	}
	*byte = val;

	return 0;
}

static int parse_slots(struct words *w, struct swap_args *args)
{
	__u32 i, size = args->outer.info.key_size;
	int base = 0;

	if (word_is(w, "all")) {
		next_word(w);
		args->all = true;
		return 0;
	}
	if (!word_is(w, "key")) {
		map_err("expected 'key' and %u bytes, or 'all', after the MAP%s%s",
			size, w->argc ? ", got: " : "",
			w->argc ? *w->argv : "");
		return -1;
	}
	next_word(w);

	args->key = malloc(size);
	if (!args->key) {
		map_err("mem alloc failed");
		return -1;
	}

	if (word_is(w, "hex")) {
		base = 16;
		next_word(w);
	}
	for (i = 0; i < size; i++) {
		if (!w->argc) {
			map_err("key needs %u bytes, got %u: write each by itself, as for 'map lookup'",
				size, i);
			return -1;
		}
		if (parse_byte(next_word(w), base, &args->key[i]))
			return -1;
	}

	return 0;
}

static int parse_word(struct words *w, const char *keyword, const char **to)
{
	if (!w->argc || !*w->argv[0]) {
		map_err("'%s' needs an argument", keyword);
		return -1;
	}
	*to = next_word(w);

	return 0;
}

enum keyword_takes { NOTHING, A_WORD, A_MAP };

/* What may follow the key, in any order; an abbreviation means the first that
 * it fits. The manual, the help and the completion name the same.
 */
static const struct keyword {
	const char *name;
	enum keyword_takes takes;
	size_t at;		/* offset in struct swap_args */
} keywords[] = {
	{ "value",	A_MAP,		offsetof(struct swap_args, value) },
	{ "keep",	A_WORD,		offsetof(struct swap_args, keep) },
	{ "clear",	NOTHING,	offsetof(struct swap_args, clear) },
	{ "quiet",	NOTHING,	offsetof(struct swap_args, quiet) },
	{ "using",	A_WORD,		offsetof(struct swap_args, provider) },
	{ "journal",	A_WORD,		offsetof(struct swap_args, journal) },
	{ "force",	NOTHING,	offsetof(struct swap_args, force) },
};

static bool keyword_given(const struct keyword *k, const struct swap_args *args)
{
	const void *at = (const void *)args + k->at;

	switch (k->takes) {
	case A_MAP:
		return ((const struct map_ref *)at)->fd >= 0;
	case A_WORD:
		return *(const char * const *)at;
	default:
		return *(const bool *)at;
	}
}

static int parse_keyword(struct words *w, const struct keyword *k,
			 struct swap_args *args)
{
	void *at = (void *)args + k->at;

	next_word(w);
	if (keyword_given(k, args)) {
		map_err("'%s' is given twice", k->name);
		return -1;
	}

	switch (k->takes) {
	case A_MAP:
		return parse_map(w, at, k->name);
	case A_WORD:
		return parse_word(w, k->name, at);
	default:
		*(bool *)at = true;
		return 0;
	}
}

static int parse_option(struct words *w, struct swap_args *args)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(keywords); i++)
		if (word_is(w, keywords[i].name) &&
		    (!args->recover || !strcmp(keywords[i].name, "journal")))
			return parse_keyword(w, &keywords[i], args);

	if (args->key && word_is(w, "key"))
		map_err("'key' is given twice");
	else if (args->all && word_is(w, "all"))
		map_err("'all' is given twice");
	else if (!args->recover && (word_is(w, "key") || word_is(w, "all")))
		map_err("'key' and 'all' exclude each other");
	else if (args->key && isdigit((unsigned char)*w->argv[0]))
		map_err("key needs %u bytes, '%s' is one more",
			args->outer.info.key_size, *w->argv);
	else
		map_err("unknown keyword '%s'", *w->argv);
	return -1;
}

static int check_outer(const struct map_ref *outer)
{
	const struct bpf_map_info *info = &outer->info;

	if (info->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	    info->type == BPF_MAP_TYPE_HASH_OF_MAPS)
		return 0;

	map_err("map %u%s%s (%s) is no map-in-map, so it has no slot to swap; to read and empty it exactly see \"selector pattern\" in bpftool-map(8)",
		info->id, *info->name ? " " : "", info->name,
		map_type_name(info->type));
	return -1;
}

int swap_args_parse(struct swap_args *args, int argc, char **argv)
{
	struct words w = { .argc = argc, .argv = argv };

	memset(args, 0, sizeof(*args));
	args->outer.fd = -1;
	args->value.fd = -1;

	if (word_is(&w, "recover")) {
		next_word(&w);
		args->recover = true;
	} else if (parse_map(&w, &args->outer, "swap-drain") ||
		   check_outer(&args->outer) || parse_slots(&w, args)) {
		return -1;
	}

	while (w.argc)
		if (parse_option(&w, args))
			return -1;

	if (args->all && (args->value.fd >= 0 || args->keep)) {
		map_err("'%s' is for one slot, it can't go with 'all'",
			args->keep ? "keep" : "value");
		return -1;
	}

	return 0;
}

void swap_args_free(struct swap_args *args)
{
	map_ref_close(&args->outer);
	map_ref_close(&args->value);
	free(args->key);
}
