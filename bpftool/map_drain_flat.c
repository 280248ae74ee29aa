// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Printing keys and values with their BTF types, fast
 *
 * The dumper walks the types anew for each entry. Here they are walked once,
 * into a flat list of steps: print a text, print a number at an offset. What
 * that list prints is compared with what the dumper prints, for several
 * patterns of bytes; only a list that prints the same is used.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "json_writer.h"
#include "main.h"
#include "map_drain_flat.h"

#define STEPS_MAX	4096
#define DEPTH_MAX	32

/* State of the walk over the types */
struct walk {
	struct drain_flat *flat;
	const struct btf *btf;
	FILE *texts;
	size_t text_at;		/* where the text that is being written began */
	int depth;
	bool pretty;
	bool plain;		/* the plain form of bits, else the JSON form */
	bool of_key;
	bool first;		/* no comma yet at this level */
	bool failed;
};

static struct step *add_step(struct walk *w, enum step_kind kind)
{
	struct step *step;

	if (w->flat->nr == STEPS_MAX) {
		w->failed = true;
		return NULL;
	}
	step = &w->flat->steps[w->flat->nr++];
	step->kind = kind;
	step->of_key = w->of_key;

	return step;
}

/* Makes a step of all text written since the last one */
static void end_text(struct walk *w)
{
	size_t end = ftell(w->texts);
	struct step *step;

	if (end == w->text_at)
		return;
	step = add_step(w, STEP_TEXT);
	if (!step)
		return;
	step->at = w->text_at;
	step->len = end - w->text_at;
	w->text_at = end;
}

static void new_line(struct walk *w)
{
	if (w->pretty)
		fprintf(w->texts, "\n%*s", 4 * w->depth, "");
}

static void open_level(struct walk *w, char c)
{
	if (!w->first)
		putc(',', w->texts);
	putc(c, w->texts);
	w->depth++;
	w->first = true;
}

static void close_level(struct walk *w, char c)
{
	w->depth--;
	if (!w->first)
		new_line(w);
	putc(c, w->texts);
	w->first = false;
}

static void put_name(struct walk *w, const char *name)
{
	if (!w->first)
		putc(',', w->texts);
	new_line(w);
	fprintf(w->texts, "\"%s\":%s", name, w->pretty ? " " : "");
	w->first = true;
}

static struct step *put_number(struct walk *w, enum step_kind kind, __u32 at)
{
	struct step *step;

	if (!w->first)
		putc(',', w->texts);
	w->first = false;
	end_text(w);
	step = add_step(w, kind);
	if (step)
		step->at = at;

	return step;
}

static void put_bits(struct walk *w, __u32 bit_offset, __u32 bits)
{
	struct step *step;

	if (bit_offset % 8 + bits > 64) {
		w->failed = true;
		return;
	}
	if (!w->first)
		putc(',', w->texts);
	w->first = true;
	fputs(w->plain ? "0x" : "\"0x", w->texts);
	step = put_number(w, STEP_BITS, bit_offset / 8);
	if (step) {
		step->bit = bit_offset % 8;
		step->bits = bits;
		step->size = (step->bit + bits + 7) / 8;
	}
	if (!w->plain)
		putc('"', w->texts);
}

static void put_int(struct walk *w, const struct btf_type *t, __u32 at)
{
	__u8 encoding = btf_int_encoding(t), bits = btf_int_bits(t);
	struct step *step;

	if (btf_int_offset(t) || (bits != 8 && bits != 16 && bits != 32 &&
				  bits != 64)) {
		w->failed = true;
		return;
	}

	switch (encoding) {
	case 0:
		step = put_number(w, STEP_UNSIGNED, at);
		break;
	case BTF_INT_SIGNED:
		step = put_number(w, STEP_SIGNED, at);
		break;
	case BTF_INT_BOOL:
		step = put_number(w, STEP_BOOL, at);
		break;
	default:
		w->failed = true;
		return;
	}
	/* The dumper looks at one byte of a bool, whatever its size */
	if (step)
		step->size = encoding == BTF_INT_BOOL ? 1 : bits / 8;
}

/* The dumper reads both as signed numbers, and compares those with the values */
static void put_enum(struct walk *w, const struct btf_type *t, __u32 at)
{
	struct step *step;

	if ((t->size != 1 && t->size != 2 && t->size != 4 && t->size != 8) ||
	    (btf_is_enum64(t) && t->size != 8)) {
		w->failed = true;
		return;
	}
	step = put_number(w, STEP_ENUM, at);
	if (step) {
		step->size = t->size;
		step->type = t;
	}
}

static void put_pointer(struct walk *w, __u32 at)
{
	struct step *step;

	step = put_number(w, w->plain ? STEP_POINTER : STEP_UNSIGNED, at);
	if (step)
		step->size = sizeof(void *);
}

static void walk_type(struct walk *w, __u32 id, __u32 at);

static void walk_struct(struct walk *w, const struct btf_type *t, __u32 at)
{
	__u32 i, offset, bits;
	const char *name;

	open_level(w, '{');
	for (i = 0; i < btf_vlen(t) && !w->failed; i++) {
		offset = btf_member_bit_offset(t, i);
		bits = btf_member_bitfield_size(t, i);
		name = btf__name_by_offset(w->btf, btf_members(t)[i].name_off);
		if (!name || (!bits && offset % 8)) {
			w->failed = true;
			return;
		}
		put_name(w, name);
		if (bits)
			put_bits(w, at * 8 + offset, bits);
		else
			walk_type(w, btf_members(t)[i].type, at + offset / 8);
	}
	close_level(w, '}');
}

/* As the dumper sees it: a typedef of char does not count */
static bool may_be_string(const struct walk *w, const struct btf_array *array)
{
	const struct btf_type *t = btf__type_by_id(w->btf, array->type);

	while (t && btf_is_mod(t))
		t = btf__type_by_id(w->btf, t->type);

	return t && btf_is_int(t) && t->size == 1 && array->nelems &&
	       (btf_int_encoding(t) == BTF_INT_CHAR ||
		!strcmp("char", btf__name_by_offset(w->btf, t->name_off)));
}

static void walk_array(struct walk *w, const struct btf_type *t, __u32 at)
{
	const struct btf_array *array = btf_array(t);
	__s64 size = btf__resolve_size(w->btf, array->type);
	struct step *string = NULL;
	__u32 i;

	if (size < 0) {
		w->failed = true;
		return;
	}
	/* Its bytes decide in each entry: a string, or else the steps after it */
	if (may_be_string(w, array)) {
		string = put_number(w, STEP_STRING, at);
		if (!string)
			return;
		string->len = array->nelems;
		w->first = true;
	}

	open_level(w, '[');
	for (i = 0; i < array->nelems && !w->failed; i++)
		walk_type(w, array->type, at + i * size);
	close_level(w, ']');
	if (string) {
		end_text(w);
		string->skip = w->flat->steps + w->flat->nr - (string + 1);
	}
}

static void walk_type(struct walk *w, __u32 id, __u32 at)
{
	const struct btf_type *t;

	t = btf__type_by_id(w->btf, btf__resolve_type(w->btf, id));
	if (!t || w->depth > DEPTH_MAX)
		w->failed = true;
	else if (btf_is_int(t))
		put_int(w, t, at);
	else if (btf_is_composite(t))
		walk_struct(w, t, at);
	else if (btf_is_array(t))
		walk_array(w, t, at);
	else if (btf_is_any_enum(t))
		put_enum(w, t, at);
	else if (btf_is_ptr(t))
		put_pointer(w, at);
	else
		w->failed = true;
}

static void walk_values(struct walk *w, const struct bpf_map_info *info)
{
	__u32 cpu, cpus = get_possible_cpus();

	put_name(w, "values");
	open_level(w, '[');
	for (cpu = 0; cpu < cpus && !w->failed; cpu++) {
		open_level(w, '{');
		put_name(w, "cpu");
		fprintf(w->texts, "%u", cpu);
		w->first = false;
		put_name(w, "value");
		walk_type(w, info->btf_value_type_id,
			  cpu * drain_percpu_step(info));
		close_level(w, '}');
	}
	close_level(w, ']');
}

static void walk_entry(struct walk *w, const struct bpf_map_info *info)
{
	open_level(w, '{');
	if (info->key_size && info->btf_key_type_id) {
		put_name(w, "key");
		w->of_key = true;
		walk_type(w, info->btf_key_type_id, 0);
		end_text(w);
		w->of_key = false;
	}
	if (drain_is_percpu(info)) {
		walk_values(w, info);
	} else {
		put_name(w, "value");
		walk_type(w, info->btf_value_type_id, 0);
	}
	close_level(w, '}');
	end_text(w);
}

/* What the dumper prints for the same bytes, at the same depth */
static void print_by_dumper(struct drain_printer *p, FILE *out, int depth,
			    bool pretty, const void *key, const void *value)
{
	json_writer_t *saved = p->doc->wtr;
	int i;

	p->doc->wtr = jsonw_new(out);
	if (p->doc->wtr) {
		jsonw_pretty(p->doc->wtr, pretty);
		for (i = 0; i < depth; i++)
			jsonw_start_array(p->doc->wtr);
		drain_print_typed(p, key, value);
		free(p->doc->wtr);
	}
	p->doc->wtr = saved;
}

static bool same_for(const struct drain_flat *flat, struct drain_printer *p,
		     int depth, bool pretty, const void *key, const void *value)
{
	char *want = NULL, *have = NULL;
	size_t want_len = 0, have_len = 0;
	bool same = false;
	FILE *out;

	out = open_memstream(&want, &want_len);
	if (out) {
		print_by_dumper(p, out, depth, pretty, key, value);
		fclose(out);
	}
	out = open_memstream(&have, &have_len);
	if (out) {
		drain_flat_entry(flat, out, key, value);
		fclose(out);
	}

	/* The dumper's text begins with the brackets of the outer levels */
	if (want && have && want_len == depth + have_len)
		same = !memcmp(want + depth, have, have_len);
	free(want);
	free(have);

	return same;
}

static bool same_as_dumper(const struct drain_flat *flat,
			   struct drain_printer *p, int depth, bool pretty)
{
	static const unsigned char fills[] = { 0x00, 0x01, 0x5a, 0x80, 0xff };
	/* The dumper reads numbers where their type wants them to stand */
	size_t value_at = roundup(p->info->key_size, 8);
	size_t i, j, size = value_at + drain_value_size(p->info);
	unsigned char *data = malloc(size);
	bool same = data;

	for (i = 0; same && i <= sizeof(fills); i++) {
		for (j = 0; j < size; j++)
			data[j] = i < sizeof(fills) ? fills[i] : j * 37 + 11;
		same = same_for(flat, p, depth, pretty, data, data + value_at);
	}
	free(data);

	return same;
}

/* The text of a string, without the quotes around it */
static int learn_text(const char *s, char text[ESCAPE_MAX])
{
	char *buf = NULL;
	size_t len = 0;
	json_writer_t *wtr;
	FILE *out;
	int err = -1;

	out = open_memstream(&buf, &len);
	if (!out)
		return -1;
	wtr = jsonw_new(out);
	if (wtr)
		jsonw_string(wtr, s);
	free(wtr);
	fclose(out);

	if (len > 2 && len - 2 < ESCAPE_MAX) {
		memcpy(text, buf + 1, len - 2);
		text[len - 2] = '\0';
		err = 0;
	}
	free(buf);

	return err;
}

struct drain_flat *drain_flat_new(struct drain_printer *p, int depth,
				  bool pretty)
{
	struct drain_flat *flat = calloc(1, sizeof(*flat));
	struct walk w = {
		.flat = flat,
		.btf = p->btf,
		.depth = depth,
		.pretty = pretty,
		.plain = p->doc->own_wtr,
		.first = true,
	};

	if (!flat)
		return NULL;
	flat->btf = p->btf;
	flat->steps = calloc(STEPS_MAX, sizeof(*flat->steps));
	w.texts = open_memstream(&flat->texts, &flat->texts_len);
	if (!flat->steps || !w.texts || learn_text("\"", flat->quote) ||
	    learn_text("\\", flat->backslash))
		goto fail;

	walk_entry(&w, p->info);
	fclose(w.texts);
	w.texts = NULL;
	if (!w.failed && same_as_dumper(flat, p, depth, pretty))
		return flat;

fail:
	if (w.texts)
		fclose(w.texts);
	drain_flat_free(flat);
	return NULL;
}

void drain_flat_free(struct drain_flat *flat)
{
	if (!flat)
		return;
	free(flat->steps);
	free(flat->texts);
	free(flat);
}
