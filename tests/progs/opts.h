/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The options of a command line, --NAME or --NAME VALUE, by a table that ends with {} */
#ifndef TESTS_OPTS_H
#define TESTS_OPTS_H

#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <linux/types.h>

#define LAST_TYPE	63	/* no kernel has more types of maps than this */

/* Where it goes: to one of these */
struct opt {
	const char *name;
	bool *flag;
	__u32 *num;
	const char **text;
	void (*call)(const char *value);
};

/* Returns what comes after the options */
static inline char **parse_opts(char **argv, const struct opt *opts)
{
	const struct opt *o;

	while (*++argv && !strncmp(*argv, "--", 2)) {
		if (!(*argv)[2])
			return argv + 1;
		for (o = opts; o->name && strcmp(o->name, *argv + 2); o++)
			;
		if (o->flag) {
			*o->flag = true;
			continue;
		}
		if (!o->name || !*++argv)
			errx(2, "bad option: %s", argv[o->name ? -1 : 0]);
		if (o->num)
			*o->num = strtoul(*argv, NULL, 10);
		else if (o->text)
			*o->text = *argv;
		else
			o->call(*argv);
	}

	return argv;
}

/* By its name, or the number of one that this libbpf does not know */
static inline int map_type(const char *word)
{
	const char *name;
	char *end;
	int type;

	type = strtoul(word, &end, 10);
	if (!*end)
		return type;
	for (type = 1; type <= LAST_TYPE; type++) {
		name = libbpf_bpf_map_type_str(type);
		if (name && !strcmp(name, word))
			return type;
	}
	errx(2, "no type of maps: %s", word);
}

#endif /* TESTS_OPTS_H */
