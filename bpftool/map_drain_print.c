// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Printing a drained map: the same bytes as "bpftool map dump" */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "json_writer.h"
#include "main.h"
#include "map_drain.h"
#include "map_drain_fast.h"
#include "map_drain_progress.h"
#include "map_err.h"

/* So rarely that it costs nothing, so often that large entries show too */
#define TELL_ENTRIES	16

bool drain_is_percpu(const struct bpf_map_info *info)
{
	return info->type == BPF_MAP_TYPE_PERCPU_HASH ||
	       info->type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       info->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* The kernel pads each CPU's value to 8 bytes */
size_t drain_percpu_step(const struct bpf_map_info *info)
{
	return round_up((size_t)info->value_size, 8);
}

size_t drain_value_size(const struct bpf_map_info *info)
{
	return drain_is_percpu(info) ? drain_percpu_step(info) * get_possible_cpus() :
				 info->value_size;
}

bool drain_is_typed(const struct bpf_map_info *info)
{
	return info->btf_id && info->btf_value_type_id;
}

int drain_doc_init(struct drain_doc *doc, bool list, bool typed)
{
	memset(doc, 0, sizeof(*doc));
	doc->list = list;
	doc->wtr = json_output ? json_wtr : NULL;
	if (doc->wtr || !typed)
		return 0;

	/* Plain output of maps with BTF is JSON too, indented */
	doc->wtr = jsonw_new(stdout);
	if (!doc->wtr) {
		map_err("mem alloc failed");
		return -1;
	}
	doc->own_wtr = true;
	jsonw_pretty(doc->wtr, true);

	return 0;
}

static void form_free(struct drain_form *form)
{
	drain_fast_free(form->fast);
	btf__free(form->btf);
	memset(form, 0, sizeof(*form));
}

void drain_doc_free(struct drain_doc *doc)
{
	form_free(&doc->form);
	/* Not jsonw_destroy(), which writes */
	if (doc->own_wtr)
		free(doc->wtr);
	memset(doc, 0, sizeof(*doc));
}

void drain_doc_begin(struct drain_doc *doc)
{
	doc->open = true;
	drain_progress_start(false);
	if (doc->wtr && doc->list)
		jsonw_start_array(doc->wtr);
}

int drain_doc_end(struct drain_doc *doc)
{
	int err;

	if (!doc->open)
		return 0;
	doc->open = false;
	drain_progress_stop();
	if (doc->wtr && doc->list)
		jsonw_end_array(doc->wtr);

	/* jsonw_destroy() flushes too, and tells nobody why it failed */
	err = drain_flush();
	if (doc->own_wtr)
		jsonw_destroy(&doc->wtr);
	doc->own_wtr = false;

	return err ? : drain_flush();
}

/* The dumper does not know every kind of type (a float is one), and the plain
 * typed form shows nothing else. It is tried on an entry of zeros.
 */
static int check_types(struct drain_printer *p,
		       const struct map_err_state *state)
{
	/* The dumper reads numbers where their type wants them to stand */
	size_t value_at = roundup(p->info->key_size, 8);
	void *zeros = calloc(1, value_at + drain_value_size(p->info));
	json_writer_t *saved = p->doc->wtr;
	size_t len = 0;
	char *buf = NULL;
	int err = -ENOMEM;
	FILE *out;

	out = open_memstream(&buf, &len);
	if (!zeros || !out)
		goto free;
	p->doc->wtr = jsonw_new(out);
	if (p->doc->wtr) {
		err = drain_print_typed(p, zeros, zeros + value_at);
		free(p->doc->wtr);
	}
	p->doc->wtr = saved;

free:
	if (out)
		fclose(out);
	free(buf);
	free(zeros);
	if (err)
		map_err_state(state,
			      "map %u has a type that can't be shown in plain output, -j shows its bytes: %s",
			      p->info->id, strerror(-err));
	return err ? -1 : 0;
}

/* Nothing else of a map shows in how its entries are printed */
static bool is_form_of(const struct drain_form *form,
		       const struct bpf_map_info *info)
{
	return form->type == info->type && form->key_size == info->key_size &&
	       form->value_size == info->value_size &&
	       form->btf_id == info->btf_id &&
	       form->btf_key_type_id == info->btf_key_type_id &&
	       form->btf_value_type_id == info->btf_value_type_id;
}

static int make_form(struct drain_printer *p, struct drain_form *form,
		     const struct map_err_state *state)
{
	const struct bpf_map_info *info = p->info;

	form_free(form);
	if (p->doc->wtr && drain_is_typed(info)) {
		form->btf = btf__load_from_kernel_by_id(info->btf_id);
		if (!form->btf) {
			map_err_state(state, "can't get the BTF of map %u: %s",
				      info->id, strerror(errno));
			return -1;
		}
	}
	p->btf = form->btf;
	if (p->btf && p->doc->own_wtr && check_types(p, state)) {
		form_free(form);
		return -1;
	}
	form->fast = drain_fast_new(p);

	form->type = info->type;
	form->key_size = info->key_size;
	form->value_size = info->value_size;
	form->btf_id = info->btf_id;
	form->btf_key_type_id = info->btf_key_type_id;
	form->btf_value_type_id = info->btf_value_type_id;

	return 0;
}

int drain_printer_init(struct drain_printer *p, struct drain_doc *doc,
		       const struct bpf_map_info *info,
		       const struct map_err_state *state)
{
	struct drain_form *form = &doc->form;

	memset(p, 0, sizeof(*p));
	p->doc = doc;
	p->info = info;
	p->out = stdout;
	if (!is_form_of(form, info) && make_form(p, form, state))
		return -1;
	p->btf = form->btf;
	p->fast = form->fast;

	return 0;
}

static void print_label_json(const struct drain_label *label,
			     json_writer_t *wtr)
{
	json_writer_t *saved = json_wtr;
	unsigned int i;

	if (!label->nr_keys) {
		jsonw_uint_field(wtr, "outer_id", label->outer_id);
		return;
	}

	/* Where print_hex_data_json() writes to */
	json_wtr = wtr;
	jsonw_name(wtr, label->nr_keys > 1 ? "slots" : "slot");
	if (label->nr_keys > 1)
		jsonw_start_array(wtr);
	for (i = 0; i < label->nr_keys; i++)
		print_hex_data_json((uint8_t *)label->keys[i], label->key_size);
	if (label->nr_keys > 1)
		jsonw_end_array(wtr);
	json_wtr = saved;
}

static void print_header_json(struct drain_printer *p,
			      const struct drain_label *label)
{
	const struct bpf_map_info *info = p->info;
	json_writer_t *wtr = p->doc->wtr;

	jsonw_start_object(wtr);
	print_label_json(label, wtr);
	jsonw_uint_field(wtr, "id", info->id);
	jsonw_string_field(wtr, "type", map_type_name(info->type));
	if (*info->name)
		jsonw_string_field(wtr, "name", info->name);
	jsonw_uint_field(wtr, "flags", info->map_flags);
	jsonw_name(wtr, "elements");
}

static void print_header_plain(struct drain_printer *p,
			       const struct drain_label *label)
{
	const struct bpf_map_info *info = p->info;
	unsigned int i;

	if (p->doc->maps)
		printf("\n");
	printf("%u: %s  ", info->id, map_type_name(info->type));
	if (*info->name)
		printf("name %s  ", info->name);
	printf("flags 0x%x\n", info->map_flags);

	if (!label->nr_keys)
		printf("\touter_id %u\n", label->outer_id);
	for (i = 0; i < label->nr_keys; i++) {
		printf("\tslot ");
		fprint_hex(stdout, (void *)label->keys[i], label->key_size,
			   " ");
		printf("\n");
	}
}

void drain_print_begin(struct drain_printer *p,
		       const struct drain_label *label)
{
	struct drain_doc *doc = p->doc;

	if (doc->list && doc->wtr)
		print_header_json(p, label);
	else if (doc->list)
		print_header_plain(p, label);
	if (doc->wtr)
		jsonw_start_array(doc->wtr);
	doc->maps++;
	drain_out_error();
}

static void hex_field(const char *name, const void *data, unsigned int size)
{
	jsonw_name(json_wtr, name);
	print_hex_data_json((uint8_t *)data, size);
}

static int typed_field(struct drain_printer *p, const char *name, __u32 type_id,
		       const void *data)
{
	const struct btf_dumper d = {
		.btf = p->btf,
		.jw = p->doc->wtr,
		.is_plain_text = p->doc->own_wtr,
	};

	jsonw_name(p->doc->wtr, name);

	return btf_dumper_type(&d, type_id, data);
}

/* One object a CPU; print_value() prints what stands in it */
static int print_percpu(struct drain_printer *p, const void *values,
			int (*print_value)(struct drain_printer *p,
					   const void *value))
{
	unsigned int cpu, cpus = get_possible_cpus();
	int err = 0;

	jsonw_name(p->doc->wtr, "values");
	jsonw_start_array(p->doc->wtr);
	for (cpu = 0; cpu < cpus && !err; cpu++) {
		jsonw_start_object(p->doc->wtr);
		jsonw_int_field(p->doc->wtr, "cpu", cpu);
		err = print_value(p, values);
		jsonw_end_object(p->doc->wtr);
		values += drain_percpu_step(p->info);
	}
	jsonw_end_array(p->doc->wtr);

	return err;
}

static int print_typed_value(struct drain_printer *p, const void *value)
{
	return typed_field(p, "value", p->info->btf_value_type_id, value);
}

static int print_hex_value(struct drain_printer *p, const void *value)
{
	hex_field("value", value, p->info->value_size);

	return 0;
}

/* A type that the dumper does not know ends the entry early */
int drain_print_typed(struct drain_printer *p, const void *key,
		      const void *value)
{
	int err = 0;

	jsonw_start_object(p->doc->wtr);
	if (key && p->info->btf_key_type_id)
		err = typed_field(p, "key", p->info->btf_key_type_id, key);
	if (!err)
		err = drain_is_percpu(p->info) ?
			print_percpu(p, value, print_typed_value) :
			print_typed_value(p, value);
	jsonw_end_object(p->doc->wtr);

	return err;
}

static void print_json(struct drain_printer *p, const void *key,
		       const void *value)
{
	jsonw_start_object(p->doc->wtr);
	if (key)
		hex_field("key", key, p->info->key_size);
	if (drain_is_percpu(p->info))
		print_percpu(p, value, print_hex_value);
	else
		print_hex_value(p, value);
	if (p->btf) {
		/* All bytes are out by now, also when a type is not known */
		jsonw_name(p->doc->wtr, "formatted");
		drain_print_typed(p, key, value);
	}
	jsonw_end_object(p->doc->wtr);
}

static void plain_bytes(FILE *out, const void *data, unsigned int size)
{
	fprint_hex(out, (void *)data, size, " ");
}

static void print_plain_percpu(struct drain_printer *p, const void *key,
			       const void *values)
{
	unsigned int cpu, cpus = get_possible_cpus();
	__u32 size = p->info->value_size;

	fprintf(p->out, "key:\n");
	plain_bytes(p->out, key, p->info->key_size);
	fprintf(p->out, "\n");
	for (cpu = 0; cpu < cpus; cpu++) {
		fprintf(p->out, "value (CPU %02u):%c", cpu,
			size > 16 ? '\n' : ' ');
		plain_bytes(p->out, values + cpu * drain_percpu_step(p->info),
			    size);
		fprintf(p->out, "\n");
	}
}

/* Up to 24 bytes share a line; a key or value over 16 starts its own */
static void print_plain(struct drain_printer *p, const void *key,
			const void *value)
{
	__u32 key_size = key ? p->info->key_size : 0;
	__u32 value_size = p->info->value_size;
	bool wide = key_size > 16 || value_size > 16;
	char start = wide ? '\n' : ' ';

	if (key) {
		fprintf(p->out, "key:%c", start);
		plain_bytes(p->out, key, key_size);
		fprintf(p->out, !wide && key_size + value_size <= 24 ? "  " : "\n");
	}
	fprintf(p->out, "value:%c", start);
	plain_bytes(p->out, value, value_size);
	fprintf(p->out, "\n");
}

/* Every entry could be printed so; map_drain_fast.c prints the same faster */
int drain_print_slowly(struct drain_printer *p, const void *key,
		       const void *value)
{
	int err = 0;

	if (json_output)
		print_json(p, key, value);
	else if (p->btf)
		err = drain_print_typed(p, key, value);
	else if (drain_is_percpu(p->info))
		print_plain_percpu(p, key, value);
	else
		print_plain(p, key, value);

	return err;
}

static void tell_progress(struct drain_printer *p)
{
	drain_progress(p->count - p->told);
	p->told = p->count;
}

int drain_print_entry(struct drain_printer *p, const void *key,
		      const void *value)
{
	int err = 0;

	/* The first entry leaves the JSON writer in the state that it has to
	 * be in when whatever comes after the last one is written.
	 */
	if (p->fast && p->count)
		drain_fast_entry(p->fast, key, value);
	else
		err = drain_print_slowly(p, key, value);
	if (!err)
		err = drain_out_error();
	p->count++;
	if (p->count - p->told >= TELL_ENTRIES)
		tell_progress(p);

	return p->as_dump ? 0 : err;
}

void drain_print_end(struct drain_printer *p, bool whole)
{
	struct drain_doc *doc = p->doc;

	tell_progress(p);
	if (doc->wtr) {
		jsonw_end_array(doc->wtr);
		if (doc->list)
			jsonw_end_object(doc->wtr);
	} else if (whole) {
		printf("Found %u element%s\n", p->count,
		       p->count != 1 ? "s" : "");
	}
	drain_out_error();
}
