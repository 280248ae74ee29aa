// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Messages of the map verbs */

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>

#include "json_writer.h"
#include "main.h"
#include "map_msg.h"

/* Control characters, and bytes that may not be UTF-8 */
static bool needs_escape(unsigned char c)
{
	return c < ' ' || c >= 0x7f;
}

/* Quotes a word so that it can be pasted into a shell. Control characters and
 * bytes above 127 need bash's $'...'.
 */
static void shell_quote(const char *word, char *out, size_t size)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-";
	const char *end = out + size - sizeof("\\xff'");
	bool ansi = false;
	const char *at;

	for (at = word; *at; at++)
		ansi |= needs_escape(*at);
	if (*word && !word[strspn(word, plain)]) {
		snprintf(out, size, "%s", word);
		return;
	}

	out += sprintf(out, ansi ? "$'" : "'");
	for (at = word; *at && out < end; at++) {
		if (*at == '\'')
			out += sprintf(out, ansi ? "\\'" : "'\\''");
		else if (*at == '\\' && ansi)
			out += sprintf(out, "\\\\");
		else if (needs_escape(*at))
			out += sprintf(out, "\\x%02x", (unsigned char)*at);
		else
			*out++ = *at;
	}
	sprintf(out, "'");
}

void map_recover_command(const char *journal, char *cmd, size_t size)
{
	char quoted[4 * PATH_MAX] = "";

	if (journal)
		shell_quote(journal, quoted, sizeof(quoted));
	snprintf(cmd, size, "bpftool map swap-drain recover%s%s",
		 journal ? " journal " : "", quoted);
}

/* The control characters below U+00A0 have two bytes */
static bool is_control(const char *s, unsigned int len)
{
	return (unsigned char)*s < ' ' || *s == 0x7f ||
	       (len == 2 && (unsigned char)*s == 0xc2 &&
		(unsigned char)s[1] < 0xa0);
}

/* A message is one line of UTF-8 without anything that controls the terminal */
static void make_printable(char *text)
{
	unsigned int len;

	for (; *text; text += len ? : 1) {
		len = jsonw_utf8_len(text);
		if (!len || is_control(text, len))
			memset(text, '?', len ? : 1);
	}
}

/* A path may hold bytes that are not UTF-8. Write them as Python's
 * "surrogateescape" reads them, so that the path can still be found.
 */
static void write_path(json_writer_t *wtr, const char *name, const char *path)
{
	char text[6 * PATH_MAX + 1], *out = text;
	const char *at = path;
	unsigned int len;

	for (; *at && out < text + sizeof(text) - 7; at += len ? : 1) {
		len = jsonw_utf8_len(at);
		if (!len)
			out += sprintf(out, "\\udc%02x", (unsigned char)*at);
		else if (*at == '"' || *at == '\\')
			out += sprintf(out, "\\%c", *at);
		else if (is_control(at, len))
			out += sprintf(out, "\\u%04x", (unsigned char)at[len - 1]);
		else
			out += sprintf(out, "%.*s", (int)len, at);
	}
	*out = '\0';

	jsonw_name(wtr, name);
	jsonw_printf(wtr, "\"%s\"", text);
}

static void write_json(json_writer_t *wtr, const struct map_place *at,
		       const char *msg)
{
	char command[4 * PATH_MAX + 64];

	jsonw_start_object(wtr);
	write_path(wtr, "error", msg);
	if (at) {
		map_recover_command(at->journal, command, sizeof(command));
		jsonw_bool_field(wtr, at->moved ? "moved" : "swapped", true);
		write_path(wtr, "pinned", at->pinned);
		write_path(wtr, "recover", command);
	}
	jsonw_end_object(wtr);
}

void map_place_text(const struct map_place *at, char text[MAP_PLACE_TEXT])
{
	char path[PATH_MAX], command[4 * PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s", at->pinned);
	make_printable(path);
	map_recover_command(at->journal, command, sizeof(command));
	snprintf(text, MAP_PLACE_TEXT,
		 "%s pinned at %s; print and release it with: %s",
		 at->moved ? "the values are" : "old map is", path, command);
}

static void print_plain(const struct map_place *at, const char *msg)
{
	char text[MAP_PLACE_TEXT];

	if (!at) {
		fprintf(stderr, "Error: %s\n", msg);
		return;
	}
	map_place_text(at, text);
	fprintf(stderr, "Error: %s; %s%s\n", msg,
		at->moved ? "" : "slot was swapped, ", text);
}

int map_err_at(const struct map_place *at, const char *fmt, ...)
{
	bool to_stderr = at && at->to_stderr;
	char msg[ERR_MAX_LEN];
	json_writer_t *wtr;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	make_printable(msg);
	if (at && !at->pinned)
		at = NULL;

	if (json_output && !to_stderr) {
		write_json(json_wtr, at, msg);
		/* The error must be seen, even if stdout is full */
		if (!fflush(stdout) && !ferror(stdout))
			return -1;
		__fpurge(stdout);
	}

	wtr = json_output ? jsonw_new(stderr) : NULL;
	if (wtr) {
		write_json(wtr, at, msg);
		jsonw_destroy(&wtr);
	} else {
		print_plain(at, msg);
	}

	return -1;
}

static void print_line(const char *prefix, const char *fmt, va_list ap)
{
	char msg[5 * PATH_MAX];

	vsnprintf(msg, sizeof(msg), fmt, ap);
	make_printable(msg);
	fprintf(stderr, "%s%s\n", prefix, msg);
}

void map_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line("Warning: ", fmt, ap);
	va_end(ap);
}

void map_debug(const char *fmt, ...)
{
	va_list ap;

	/* -d is kept in verifier_logs */
	if (!verifier_logs)
		return;

	va_start(ap, fmt);
	print_line("", fmt, ap);
	va_end(ap);
}

void map_debug_line(__maybe_unused void *ctx, const char *line)
{
	map_debug("%s", line);
}
