// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Printing the entries of a map fast, in the same bytes
 *
 * All entries of a map are printed in the same form, and but for typed output
 * they are all of the same length: only the hex digits differ. So the slow way
 * prints an entry twice, once with all bytes 0x00 and once with 0xff. Where
 * the two texts differ are the digits. From then on an entry is printed by
 * putting its digits there.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "main.h"
#include "map_drain_fast.h"
#include "map_err.h"

/* Where its digits go takes eight bytes for each byte of an entry */
#define FAST_BYTES_MAX	262144

struct digits {
	__u32 text_at;		/* in the text */
	__u32 data_at;		/* in the key, or behind it in the value */
};

struct drain_fast {
	char *text;		/* of one entry, or what is before its types */
	size_t text_len;
	struct digits *key_digits, *value_digits;
	unsigned int nr_key, nr_value;
	struct drain_flat *flat;	/* NULL: not typed */
	bool close_entry;	/* the types are not all of the entry */
	FILE *out;
};

static char hex[256][2];

static void fill_hex(void)
{
	unsigned int i;
	char two[3];

	for (i = 0; i < 256; i++) {
		snprintf(two, sizeof(two), "%02x", i);
		memcpy(hex[i], two, 2);
	}
}

/* Prints two entries: the second has the comma that the others have too.
 * Returns where it begins, or -1.
 */
static long print_twice(struct drain_printer *p, const char *data)
{
	const void *value = data + p->info->key_size;
	const void *key = p->info->key_size ? data : NULL;
	json_writer_t *saved = json_wtr;
	long at = -1;

	if (p->doc->wtr) {
		json_wtr = jsonw_new(p->out);
		if (!json_wtr)
			goto restore;
		p->doc->wtr = json_wtr;
		jsonw_start_array(json_wtr);
	}
	drain_print_slowly(p, key, value);
	at = ftell(p->out);
	drain_print_slowly(p, key, value);
	if (p->doc->wtr)
		free(json_wtr);

restore:
	if (p->doc->wtr)
		p->doc->wtr = saved;
	json_wtr = saved;
	return at;
}

/* The text of an entry whose bytes are all the same */
static char *capture(struct drain_printer *p, size_t *len, int fill)
{
	size_t size = p->info->key_size + drain_value_size(p->info);
	size_t buf_len = 0;
	char *buf = NULL, *data;
	long at = -1;

	data = malloc(size);
	p->out = open_memstream(&buf, &buf_len);
	if (data && p->out) {
		memset(data, fill, size);
		at = print_twice(p, data);
	}
	if (p->out)
		fclose(p->out);
	p->out = stdout;
	free(data);

	if (at < 0 || !buf) {
		free(buf);
		return NULL;
	}
	*len = buf_len - at;
	memmove(buf, buf + at, *len);

	return buf;
}

/* Where in the data is the n-th byte that is printed? Behind the key come the
 * values of all CPUs, and the pads between them are not printed.
 */
static __u32 value_byte(const struct bpf_map_info *info, unsigned int n)
{
	if (!drain_is_percpu(info))
		return n;

	return n / info->value_size * drain_percpu_step(info) +
	       n % info->value_size;
}

static int find_digits(struct drain_fast *f, const struct bpf_map_info *info,
		       const char *other)
{
	size_t i;

	for (i = 0; i < f->text_len; i++) {
		struct digits *d;

		if (f->text[i] == other[i])
			continue;
		if (i + 1 == f->text_len || f->text[i + 1] == other[i + 1])
			return -EINVAL;

		if (f->nr_key < info->key_size) {
			d = &f->key_digits[f->nr_key];
			d->data_at = f->nr_key++;
		} else {
			d = &f->value_digits[f->nr_value];
			d->data_at = value_byte(info, f->nr_value++);
		}
		d->text_at = i++;
	}

	return 0;
}

static int make_text(struct drain_fast *f, struct drain_printer *p)
{
	const struct bpf_map_info *info = p->info;
	size_t values, other_len;
	char *other;
	int err = -EINVAL;

	values = drain_is_percpu(info) ?
			(size_t)info->value_size * get_possible_cpus() :
			info->value_size;
	f->text = capture(p, &f->text_len, 0x00);
	other = capture(p, &other_len, 0xff);
	f->key_digits = calloc(info->key_size + 1, sizeof(*f->key_digits));
	f->value_digits = calloc(values + 1, sizeof(*f->value_digits));
	if (f->text && other && f->text_len == other_len && f->key_digits &&
	    f->value_digits)
		err = find_digits(f, info, other);
	free(other);
	if (!err && (f->nr_key != info->key_size || f->nr_value != values))
		err = -EINVAL;

	return err;
}

/* Typed output of -j comes after the bytes, in one more field */
static int append_formatted(struct drain_fast *f)
{
	static const char field[] = ",\"formatted\":";
	char *text;

	/* The brace that ends the entry moves behind it */
	text = realloc(f->text, f->text_len + sizeof(field));
	if (!text)
		return -ENOMEM;
	f->text = text;
	memcpy(text + f->text_len - 1, field, sizeof(field) - 1);
	f->text_len += sizeof(field) - 2;
	f->close_entry = true;

	return 0;
}

static int build(struct drain_fast *f, struct drain_printer *p)
{
	struct btf *btf = p->btf;
	int err;

	if (btf) {
		/* A list's entries are three levels further in */
		f->flat = drain_flat_new(p, json_output || !p->doc->list ?
					 1 : 3, !json_output);
		if (!f->flat)
			return -EOPNOTSUPP;
		if (!json_output) {
			f->text = strdup(",");
			f->text_len = 1;
			return f->text ? 0 : -ENOMEM;
		}
	}

	p->btf = NULL;
	err = make_text(f, p);
	p->btf = btf;

	return err ? : btf ? append_formatted(f) : 0;
}

static const char *why_slow(const struct drain_printer *p)
{
	/* How deep -jp indents is known to the JSON writer alone */
	if (json_output && pretty_output)
		return "it is indented";
	if (p->info->key_size + drain_value_size(p->info) > FAST_BYTES_MAX)
		return "its entries are large";

	return NULL;
}

struct drain_fast *drain_fast_new(struct drain_printer *p)
{
	const char *why = why_slow(p);
	struct drain_fast *f = NULL;

	if (!why) {
		f = calloc(1, sizeof(*f));
		fill_hex();
		if (f && !build(f, p)) {
			f->out = p->out;
			return f;
		}
		drain_fast_free(f);
		why = "there is no fast form";
	}
	map_debug("map %u: printed field by field, which takes longer: %s",
		  p->info->id, why);

	return NULL;
}

void drain_fast_free(struct drain_fast *f)
{
	if (!f)
		return;
	drain_flat_free(f->flat);
	free(f->text);
	free(f->key_digits);
	free(f->value_digits);
	free(f);
}

static void put_digits(char *text, const struct digits *d, unsigned int nr,
		       const unsigned char *data)
{
	for (; nr; nr--, d++)
		memcpy(text + d->text_at, hex[data[d->data_at]], 2);
}

void drain_fast_entry(struct drain_fast *f, const void *key, const void *value)
{
	put_digits(f->text, f->key_digits, f->nr_key, key);
	put_digits(f->text, f->value_digits, f->nr_value, value);
	fwrite_unlocked(f->text, 1, f->text_len, f->out);

	if (f->flat)
		drain_flat_entry(f->flat, f->out, key, value);
	if (f->close_entry)
		putc_unlocked('}', f->out);
}
