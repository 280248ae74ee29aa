/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Reads back what bpftool printed of a map with 4-byte keys (or none) and
 * 8-byte values: plain or JSON, one map or a list of them. Shares no code with
 * what printed it.
 */
#ifndef TESTS_FAULTS_OUT_H
#define TESTS_FAULTS_OUT_H

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#define OUT_MAX		8192	/* entries */
#define NO_ID		0xffffffffU

struct entry {
	__u32 id;		/* of the map it belongs to, NO_ID if not told */
	__u32 key;		/* 0 where there are no keys */
	__u64 value;
};

struct output {
	struct entry entries[OUT_MAX];
	size_t count;
	size_t maps;		/* of a list */
	size_t bytes;		/* of text */
	bool whole;		/* ends as a finished print does */
};

/* Bytes in hex, "0a 0b ..." or ["0x0a","0x0b",...], least byte first. Returns
 * what follows them, NULL when there are not that many.
 */
static inline const char *out_bytes(const char *at, size_t size, __u64 *val)
{
	unsigned int byte;
	size_t i;
	int len;

	*val = 0;
	for (i = 0; i < size; i++) {
		at += strspn(at, "\n [,\"");
		if (!strncmp(at, "0x", 2))
			at += 2;
		if (sscanf(at, "%2x%n", &byte, &len) != 1 || len != 2)
			return NULL;
		at += len;
		*val |= (__u64)byte << (8 * i);
	}

	return at;
}

static inline const char *out_word(const char *at, const char *word)
{
	return strncmp(at, word, strlen(word)) ? NULL : at + strlen(word);
}

static inline void out_end(struct output *out, const char *text, bool json)
{
	const char *last = text + strlen(text);
	unsigned int found;

	while (last > text && strchr("\n ", last[-1]))
		last--;
	if (json) {
		out->whole = last > text && last[-1] == ']' &&
			     !strstr(text, "\"error\"");
		return;
	}

	while (last > text && last[-1] != '\n')
		last--;
	out->whole = sscanf(last, "Found %u element", &found) == 1 &&
		     strchr(last, '\n') &&
		     (out->maps || found == out->count);
}

static inline void out_parse(struct output *out, const char *text)
{
	bool json = *text == '[' || *text == '{';
	const char *at = text, *next;
	__u64 key = 0, value;
	__u32 id = NO_ID;

	memset(out, 0, sizeof(*out));
	out->bytes = strlen(text);
	while (*at) {
		next = out_word(at, "\"id\":");
		if (next || (!json && (at == text || at[-1] == '\n') &&
			     *at >= '0' && *at <= '9' && strchr(at, ':'))) {
			id = strtoul(next ? : at, NULL, 10);
			out->maps++;
		}
		next = out_word(at, json ? "\"key\":" : "key:");
		if (next)
			next = out_bytes(next, 4, &key);
		if (!next) {
			next = out_word(at, json ? "\"value\":" : "value:");
			if (next)
				next = out_bytes(next, 8, &value);
			if (next && out->count < OUT_MAX) {
				out->entries[out->count].id = id;
				out->entries[out->count].key = key;
				out->entries[out->count++].value = value;
				key = 0;
			}
		}
		at = next ? : at + 1;
	}
	out_end(out, text, json);
}

static inline void out_read(struct output *out, const char *path)
{
	static char text[1 << 21];
	FILE *f = fopen(path, "r");
	size_t len;

	len = f ? fread(text, 1, sizeof(text), f) : 0;
	if (!f || len == sizeof(text))
		err(2, "%s", path);
	fclose(f);
	text[len] = '\0';
	out_parse(out, text);
}

#endif /* TESTS_FAULTS_OUT_H */
