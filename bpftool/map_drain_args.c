// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The command lines of map swap-drain and map drain */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>

#include <bpf/bpf.h>

#include "main.h"
#include "map_drain_args.h"
#include "map_journal.h"
#include "map_msg.h"

/* The words that are left to parse */
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

/* A number without a sign or white space */
static bool parse_number(const char *word, int base, unsigned long most,
			 unsigned long *number)
{
	char *end;

	*number = strtoul(word, &end, base);

	return isxdigit((unsigned char)*word) && !*end && *number <= most;
}

static int cant_get_map(__u32 id, int err)
{
	return map_err("can't get map %u by its ID: %s", id, strerror(-err));
}

static int open_by_id(const char *word, struct map_ref *ref)
{
	unsigned long id;
	int err;

	if (!parse_number(word, 0, UINT_MAX, &id))
		return map_err("can't parse '%s' as the ID of a map", word);
	err = map_ref_open(ref, id, 0);

	return err ? cant_get_map(id, err) : 0;
}

static int open_by_name(const char *name, struct map_ref *ref)
{
	char ids[64] = "";	/* as far as they fit */
	unsigned int nr = 0;
	__u32 at = 0, id = 0;
	size_t len;
	int err;

	if (!*name || strlen(name) >= BPF_OBJ_NAME_LEN) {
		map_err("can't find the map '%s': a map's name has 1 to %d characters, longer ones were cut when it was loaded",
			name, (int)BPF_OBJ_NAME_LEN - 1);
		return -1;
	}

	while (!bpf_map_get_next_id(at, &at)) {
		err = map_ref_open(ref, at, BPF_F_RDONLY);
		/* Gone, or a security module protects it: not a map to drain */
		if (err == -ENOENT || err == -EPERM || err == -EACCES)
			continue;
		if (err)
			return cant_get_map(at, err);
		map_ref_close(ref);
		if (strcmp(name, ref->info.name))
			continue;
		id = at;
		len = strlen(ids);
		snprintf(ids + len, sizeof(ids) - len, "%s%u",
			 nr++ ? ", " : "", id);
	}
	if (errno != ENOENT)
		return map_err("can't get the ID of a map: %s",
			       strerror(errno));
	if (!nr)
		return map_err("no map has the name '%s'", name);
	if (nr > 1)
		return map_err("several maps have the name '%s', choose one by its ID: %s",
			       name, ids);

	err = map_ref_open(ref, id, 0);

	return err ? cant_get_map(id, err) : 0;
}

static int open_pinned(const char *path, struct map_ref *ref)
{
	int err = map_ref_open_pin(ref, path);

	if (err == -EMEDIUMTYPE)
		return map_err("%s is not the pin of a map", path);
	if (err == -EACCES && !bpffs_holds(path))
		return map_err("can't get the map at %s: not in a bpffs", path);

	return err ? map_err("can't get the map at %s: %s", path,
			     strerror(-err)) : 0;
}

/* As map_parse_fds(), which gives up when some map goes away while it looks for a
 * name, and takes ID 4294967297 for ID 1
 */
static int parse_map(struct words *w, struct map_ref *ref, const char *what)
{
	int (*open_by)(const char *word, struct map_ref *ref);

	if (w->argc < 2)
		return map_err("'%s' needs a MAP: { id MAP_ID | pinned FILE | name MAP_NAME }",
			       what);

	if (word_is(w, "id"))
		open_by = open_by_id;
	else if (word_is(w, "name"))
		open_by = open_by_name;
	else if (word_is(w, "pinned"))
		open_by = open_pinned;
	else
		return map_err("expected 'id', 'name' or 'pinned', got: '%s'",
			       *w->argv);
	next_word(w);

	return open_by(next_word(w), ref);
}

static int parse_byte(const char *word, int base, unsigned char *byte)
{
	unsigned long val;

	if (!parse_number(word, base, 0xff, &val))
		return map_err("can't parse '%s' as a byte of the key", word);
	*byte = val;

	return 0;
}

static int parse_slots(struct words *w, struct drain_args *args)
{
	__u32 i, size = args->map.info.key_size;
	int base = 0;

	if (word_is(w, "all")) {
		next_word(w);
		args->all = true;
		return 0;
	}
	if (!word_is(w, "key"))
		return map_err("expected 'key' and %u bytes, or 'all', after the MAP%s%s",
			       size, w->argc ? ", got: " : "",
			       w->argc ? *w->argv : "");
	next_word(w);

	args->key = malloc(size);
	if (!args->key)
		return map_err("mem alloc failed");

	if (word_is(w, "hex")) {
		base = 16;
		next_word(w);
	}
	for (i = 0; i < size; i++) {
		if (!w->argc) {
			map_err("key expected %u bytes got %u: write each by itself, as for 'map lookup'",
				size, i);
			return -1;
		}
		if (parse_byte(next_word(w), base, &args->key[i]))
			return -1;
	}

	return 0;
}

enum keyword_takes { NOTHING, A_WORD, A_MAP, SECONDS };
enum { SWAP_DRAIN = 1, DRAIN = 2, RECOVER = 4 };

/* The keywords, in any order; an abbreviation means the first that it fits */
#define AT(member)	offsetof(struct drain_args, member)
static const struct keyword {
	const char *name;
	int verbs;
	enum keyword_takes takes;
	size_t at;		/* in struct drain_args */
} keywords[] = {
	{ "value",	SWAP_DRAIN,		A_MAP,	 AT(value) },
	{ "since",	DRAIN,			A_WORD,	 AT(since) },
	{ "counters",	DRAIN,			A_WORD,	 AT(counters) },
	{ "keep",	SWAP_DRAIN | DRAIN,	A_WORD,	 AT(keep) },
	{ "clear",	SWAP_DRAIN,		NOTHING, AT(clear) },
	{ "quiet",	SWAP_DRAIN | DRAIN,	NOTHING, AT(quiet) },
	{ "using",	SWAP_DRAIN,		A_WORD,	 AT(way) },
	{ "timeout",	SWAP_DRAIN | RECOVER,	SECONDS, AT(timeout_ms) },
	{ "journal",	SWAP_DRAIN | DRAIN | RECOVER,	A_WORD,	AT(journal) },
	{ "force",	SWAP_DRAIN | DRAIN,	NOTHING, AT(force) },
};

static bool keyword_given(const struct keyword *k,
			  const struct drain_args *args)
{
	const void *at = (const void *)args + k->at;

	switch (k->takes) {
	case A_MAP:
		return ((const struct map_ref *)at)->fd >= 0;
	case A_WORD:
		return *(const char * const *)at;
	case SECONDS:
		return *(const unsigned int *)at;
	default:
		return *(const bool *)at;
	}
}

int drain_parse_seconds(const char *word, unsigned int *ms)
{
	unsigned long val;

	if (!parse_number(word, 10, UINT_MAX / 1000, &val) || !val)
		return map_err("timeout '%s' is not a number of seconds from 1 to %u",
			       word, UINT_MAX / 1000);
	*ms = val * 1000;

	return 0;
}

static int parse_keyword(struct words *w, const struct keyword *k,
			 struct drain_args *args)
{
	void *at = (void *)args + k->at;

	next_word(w);
	if (keyword_given(k, args))
		return map_err("'%s' is given twice", k->name);

	if (k->takes == NOTHING) {
		*(bool *)at = true;
		return 0;
	}
	if (k->takes == A_MAP)
		return parse_map(w, at, k->name);

	if (!w->argc || !*w->argv[0])
		return map_err("'%s' needs an argument", k->name);
	if (k->takes == SECONDS)
		return drain_parse_seconds(next_word(w), at);
	*(const char **)at = next_word(w);

	return 0;
}

static int unknown_keyword(const struct words *w, const struct drain_args *args)
{
	bool key = word_is(w, "key"), all = word_is(w, "all");

	if ((args->key && key) || (args->all && all))
		return map_err("'%s' is given twice", key ? "key" : "all");
	if ((args->key || args->all) && (key || all))
		return map_err("'key' and 'all' exclude each other");
	if (args->key && isdigit((unsigned char)*w->argv[0]))
		return map_err("key expected %u bytes, '%s' is one more",
			       args->map.info.key_size, *w->argv);

	return map_err("unknown keyword '%s'", *w->argv);
}

static int parse_options(struct words *w, struct drain_args *args, int verb)
{
	unsigned int i;

	while (w->argc) {
		for (i = 0; i < ARRAY_SIZE(keywords); i++)
			if ((keywords[i].verbs & verb) &&
			    word_is(w, keywords[i].name))
				break;
		if (i == ARRAY_SIZE(keywords))
			return unknown_keyword(w, args);
		if (parse_keyword(w, &keywords[i], args))
			return -1;
	}

	return 0;
}

static void init(struct drain_args *args)
{
	memset(args, 0, sizeof(*args));
	args->map.fd = -1;
	args->value.fd = -1;
}

int swap_drain_args(struct drain_args *args, int argc, char **argv)
{
	struct words w = { .argc = argc, .argv = argv };
	const struct bpf_map_info *info = &args->map.info;

	init(args);
	if (word_is(&w, "recover")) {
		next_word(&w);
		args->recover = true;
		return parse_options(&w, args, RECOVER);
	}

	if (parse_map(&w, &args->map, "swap-drain"))
		return -1;
	if (!map_is_map_in_map(info->type)) {
		map_err("map %u%s%s (%s) is not a map-in-map; use 'bpftool map drain', or see \"selector pattern\" in bpftool-map(8)",
			info->id, *info->name ? " " : "", info->name,
			map_type_name(info->type));
		return -1;
	}
	if (parse_slots(&w, args) || parse_options(&w, args, SWAP_DRAIN))
		return -1;
	if (args->all && (args->value.fd >= 0 || args->keep))
		return map_err("'%s' is for one slot, it can't go with 'all'",
			       args->keep ? "keep" : "value");

	return 0;
}

int drain_args(struct drain_args *args, int argc, char **argv)
{
	struct words w = { .argc = argc, .argv = argv };
	const struct bpf_map_info *info = &args->map.info;

	init(args);
	if (parse_map(&w, &args->map, "drain"))
		return -1;
	if (map_is_map_in_map(info->type))
		return map_err("map %u%s%s is a map-in-map: use 'bpftool map swap-drain'",
			       info->id, *info->name ? " " : "", info->name);

	if (parse_options(&w, args, DRAIN))
		return -1;
	if (args->since && args->keep)
		return map_err("'keep' can't go with 'since', which keeps the readings");

	return 0;
}

void drain_args_free(struct drain_args *args)
{
	map_ref_close(&args->map);
	map_ref_close(&args->value);
	free(args->key);
}

int drain_check_pin(const char *path, const char *what)
{
	char copy[PATH_MAX], *dir;
	const char *why = NULL;
	struct stat st;

	if (!path)
		return 0;
	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return map_err("the path to keep %s at is too long", what);

	if (strchr(basename(copy), '.'))
		return map_err("can't keep %s at %s: a bpffs does not allow dots in names",
			       what, path);

	snprintf(copy, sizeof(copy), "%s", path);
	dir = dirname(copy);
	if (!lstat(path, &st))
		why = "it exists already";
	else if (errno != ENOENT)
		why = strerror(errno);
	else if (!bpffs_holds(dir))
		why = access(dir, F_OK) ? strerror(errno) : "not in a bpffs";
	else if (path[strlen(path) - 1] == '/')
		why = "it is not the name of a file";
	else if (access(dir, W_OK))
		why = strerror(errno);

	return why ? map_err("can't keep %s at %s: %s", what, path, why) : 0;
}

/* An open() returns the lowest free descriptor: with stdout closed that could be
 * a map or a pin, and the output would go there.
 */
static int check_descriptors(void)
{
	static const char * const names[] = { "stdin", "stdout", "stderr" };
	struct map_place at = {};
	int fd, flags;

	if (fcntl(STDIN_FILENO, F_GETFD) < 0 &&
	    open("/dev/null", O_RDONLY) != STDIN_FILENO)
		return map_err("stdin is closed, and can't be replaced by /dev/null");

	for (fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		flags = fcntl(fd, F_GETFL);
		if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY)
			continue;
		at.to_stderr = fd == STDOUT_FILENO;
		return map_err_at(&at, "%s is %s", names[fd],
				  flags < 0 ? "closed" : "not writable");
	}

	return 0;
}

int drain_check_proc(const char *verb)
{
	return access("/proc/self/fdinfo", F_OK) ?
	       map_err("%s needs /proc, which is not mounted: can't read /proc/self/fdinfo: %s",
		       verb, strerror(errno)) : 0;
}

/* Opening maps by ID takes CAP_SYS_ADMIN. Try an ID that no map has, so that user
 * namespaces and security modules are covered.
 */
int drain_begin(const char *verb, struct drain_signals *before)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	int fd;

	if (check_descriptors() || drain_check_proc(verb))
		return -1;

	fd = bpf_map_get_fd_by_id(0);
	if (fd >= 0)
		close(fd);
	else if (errno == EPERM || errno == EACCES)
		return map_err("%s requires CAP_SYS_ADMIN, to open maps by ID",
			       verb);

	/* A reader that goes away, or "ulimit -f", must not end the process
	 * before it has reported where the data is.
	 */
	sigaction(SIGPIPE, &ignore, &before->on_pipe);
	sigaction(SIGXFSZ, &ignore, &before->on_limit);

	return 0;
}

int drain_end(int err, const struct drain_signals *before)
{
	/* After an error main() still ends the JSON document */
	if (err)
		return -1;

	sigaction(SIGPIPE, &before->on_pipe, NULL);
	sigaction(SIGXFSZ, &before->on_limit, NULL);
	/* bpftool batch takes a leftover errno for a failure */
	errno = 0;

	return 0;
}
