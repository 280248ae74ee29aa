// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Errors of the map verbs that must stay valid JSON whatever is in them */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json_writer.h"
#include "main.h"
#include "map_err.h"

/* File names and keywords come from the command line and may hold anything.
 * A message is one line, and the JSON writer escapes few control characters
 * and passes on bytes that are no UTF-8.
 */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f ||
		    (json_output && (*text & 0x80)))
			*text = '?';
}

static void write_json(json_writer_t *wtr, const struct map_err_state *state,
		       const char *msg)
{
	jsonw_start_object(wtr);
	jsonw_string_field(wtr, "error", msg);
	if (state->swapped) {
		jsonw_bool_field(wtr, "swapped", true);
		if (state->pinned)
			jsonw_string_field(wtr, "pinned", state->pinned);
	}
	jsonw_end_object(wtr);
}

static void report(const struct map_err_state *state, const char *fmt,
		   va_list ap)
{
	static const struct map_err_state untouched = {};
	char msg[ERR_MAX_LEN];
	json_writer_t *wtr;

	if (!state)
		state = &untouched;
	vsnprintf(msg, sizeof(msg), fmt, ap);
	make_printable(msg);

	if (!json_output) {
		fprintf(stderr, "Error: %s", msg);
		if (state->swapped && state->pinned)
			fprintf(stderr,
				"; slot was swapped, old map is pinned at %s",
				state->pinned);
		fprintf(stderr, "\n");
		return;
	}

	if (!state->to_stderr) {
		write_json(json_wtr, state, msg);
		/* Where the data is must be heard, even if stdout is full */
		if (!state->swapped || (!fflush(stdout) && !ferror(stdout)))
			return;
	}

	wtr = jsonw_new(stderr);
	if (!wtr) {
		fprintf(stderr, "Error: %s\n", msg);
		return;
	}
	write_json(wtr, state, msg);
	jsonw_destroy(&wtr);
}

void map_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(NULL, fmt, ap);
	va_end(ap);
}

void map_err_state(const struct map_err_state *state, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(state, fmt, ap);
	va_end(ap);
}

void map_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "Warning: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
}

void map_debug(const char *fmt, ...)
{
	va_list ap;

	/* -d is kept in verifier_logs */
	if (!verifier_logs)
		return;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
}
