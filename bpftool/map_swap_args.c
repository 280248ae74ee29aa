// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* bpftool map swap-drain: command line */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
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

/* Unlike map_parse_fd() it says so when no map has the name */
static int parse_map(struct words *w, struct map_ref *ref, const char *what)
{
	__u32 len = sizeof(ref->info);
	int *fds, nb_fds;
	bool by_name;

	if (w->argc < 2) {
		map_err("'%s' needs a MAP: { id MAP_ID | pinned FILE | name MAP_NAME }",
			what);
		return -1;
	}

	fds = malloc(sizeof(*fds));
	if (!fds) {
		map_err("mem alloc failed");
		return -1;
	}

	by_name = word_is(w, "name");
	nb_fds = map_parse_fds(&w->argc, &w->argv, &fds);
	if (nb_fds == 1)
		ref->fd = fds[0];
	else if (!nb_fds && by_name)
		map_err("no map has the name '%s'", w->argv[-1]);
	else if (nb_fds > 1)
		map_err("several maps have the name '%s'", w->argv[-1]);
	if (nb_fds > 1)
		while (nb_fds--)
			close(fds[nb_fds]);
	free(fds);
	if (ref->fd < 0)
		return -1;

	if (bpf_obj_get_info_by_fd(ref->fd, &ref->info, &len)) {
		map_err("can't get map info: %s", strerror(errno));
		return -1;
	}

	return 0;
}

static int parse_byte(const char *word, int base, unsigned char *byte)
{
	unsigned long val;
	char *end;

	val = strtoul(word, &end, base);
	if (!*word || *end || val > 0xff) {
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
		map_err("expected 'key' or 'all' after the MAP%s%s",
			w->argc ? ", got: " : "", w->argc ? *w->argv : "");
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
			map_err("key needs %u bytes, got %u", size, i);
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

	map_err("map %u%s%s (%s) is no map-in-map; see \"selector pattern\" in bpftool-map(8)",
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
