// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* libFuzzer harness: the command lines of "map sync", "map swap-drain" and "map drain"
 *
 * An input is a byte of switches, one for the outer map's key size, and words
 * that newlines part. Whatever they are, the parsers return 0 or -1; -1 goes
 * with exactly one error, a line or a valid JSON object, 0 with none; no
 * descriptor stays open. The sanitizers see to the rest.
 *
 * The sources of the parsers are the real ones, stubs.c stands for the kernel.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_writer.h"
#include "main.h"
#include "map_drain_args.h"

#include "fuzz.h"

#define WORDS_MAX	64

struct fuzz_kernel fuzz_kernel;

/* What went to stdout and stderr */
struct said {
	FILE *file, *real;
	char *text;
	size_t len;
};

static struct said out, err;

static void die(const char *what)
{
	stderr = err.real ? err.real : stderr;
	stdout = out.real ? out.real : stdout;
	fprintf(stderr, "FUZZ: %s\nstdout: '%s'\nstderr: '%s'\n", what,
		out.text ? out.text : "", err.text ? err.text : "");
	abort();
}

static void listen_to(struct said *said, FILE **stream)
{
	said->real = *stream;
	rewind(said->file);
	*stream = said->file;
}

static void stop_listening(struct said *said, FILE **stream)
{
	fflush(said->file);
	*stream = said->real;
	said->real = NULL;

	/* The JSON writer ends with an empty line, even an empty document */
	if (said->len && said->text[said->len - 1] == '\n' && json_output)
		said->len--;
	said->text[said->len] = '\0';
}

static void check_said(int ret, bool json, bool sync)
{
	const struct said *where = json ? &out : &err;
	const struct said *other = json ? &err : &out;
	const char *newline;

	if (ret != 0 && ret != -1)
		die("neither 0 nor -1");
	if (other->len)
		die("text where none belongs");

	if (!ret && sync && json) {
		if (!fuzz_json_is_object_with(out.text, "provider"))
			die("no valid JSON object with a provider");
	} else if (!ret) {
		if (where->len)
			die("something was said of a success");
	} else if (json) {
		if (!fuzz_json_is_object_with(out.text, "error"))
			die("no valid JSON object with an error");
	} else {
		newline = strchr(err.text, '\n');
		if (strncmp(err.text, "Error: ", 7) || !newline || newline[1])
			die("not one line with an error");
	}
}

/* Words that end where they end: a read beyond one, or beyond the last, is
 * found. "bpftool batch" has no NULL after the last word either.
 */
static char **make_words(const uint8_t *data, size_t size, int *argc)
{
	const uint8_t *end = data + size, *newline;
	char *words[WORDS_MAX], **argv;
	size_t len;
	int n = 0;

	while (data < end && n < WORDS_MAX) {
		newline = memchr(data, '\n', end - data);
		len = (newline ? newline : end) - data;
		words[n] = malloc(len + 1);
		memcpy(words[n], data, len);
		words[n++][len] = '\0';
		data += len + 1;
	}

	argv = malloc(n * sizeof(*argv));
	memcpy(argv, words, n * sizeof(*argv));
	*argc = n;

	return argv;
}

static int parse_drain(int argc, char **argv, bool swap)
{
	struct drain_args args;
	int ret;

	ret = swap ? swap_drain_args(&args, argc, argv) :
		     drain_args(&args, argc, argv);
	if (!ret && !args.recover &&
	    (args.map.fd < 0 || (swap && !args.all && !args.key)))
		die("accepted without a map, or without a key");
#ifdef FUZZ_CONTROL
	/* Shows that a bug behind a keyword is found */
	if (!ret && args.clear && args.keep)
		args.key[args.map.info.key_size] = 0;
#endif
	drain_args_free(&args);

	return ret;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	out.file = open_memstream(&out.text, &out.len);
	err.file = open_memstream(&err.text, &err.len);
	if (!out.file || !err.file)
		return -1;

	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char **argv;
	int argc, ret, i;
	bool sync;

	if (size < 2)
		return 0;

	sync = data[0] & SWITCH_SYNC;
	fuzz_kernel.switches = data[0];
	fuzz_kernel.key_size = data[1] % 16 + 1;
	fuzz_kernel.open_fds = 0;
	argv = make_words(data + 2, size - 2, &argc);

	listen_to(&out, &stdout);
	listen_to(&err, &stderr);
	json_output = data[0] & SWITCH_JSON;
	if (json_output)
		json_wtr = jsonw_new(stdout);

	ret = sync ? do_map_sync_sleepable(argc, argv) :
	      parse_drain(argc, argv, !(data[0] & SWITCH_DRAIN));

	if (json_output)
		jsonw_destroy(&json_wtr);
	stop_listening(&out, &stdout);
	stop_listening(&err, &stderr);

	check_said(ret, json_output, sync);
	if (fuzz_kernel.open_fds)
		die("a descriptor stayed open");

	for (i = 0; i < argc; i++)
		free(argv[i]);
	free(argv);

	return 0;
}
