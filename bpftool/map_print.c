// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Printing maps: the same bytes as "bpftool map dump" */

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "json_writer.h"
#include "main.h"
#include "map_msg.h"
#include "map_print.h"
#include "map_ref.h"

#define PROGRESS_FIRST_MS	1000
#define PROGRESS_AGAIN_MS	250
/* Rarely enough to cost nothing, often enough for large entries */
#define PROGRESS_ENTRIES	16

bool map_is_typed(const struct bpf_map_info *info)
{
	return info->btf_id && info->btf_value_type_id;
}

int map_doc_init(struct map_doc *doc, bool list, bool typed)
{
	memset(doc, 0, sizeof(*doc));
	doc->list = list;
	doc->wtr = json_output ? json_wtr : NULL;
	if (doc->wtr || !typed)
		return 0;

	/* Plain output of maps with BTF is JSON too, indented */
	doc->wtr = jsonw_new(stdout);
	if (!doc->wtr)
		return map_err("mem alloc failed");
	jsonw_pretty(doc->wtr, true);

	return 0;
}

static void free_types(struct map_doc *doc)
{
	btf__free(doc->btf);
	doc->btf = NULL;
	doc->btf_id = 0;
}

void map_doc_free(struct map_doc *doc)
{
	free_types(doc);
	/* Not jsonw_destroy(), which would write */
	if (!json_output)
		free(doc->wtr);
	memset(doc, 0, sizeof(*doc));
}

static unsigned long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

void map_progress_start(struct map_progress *pr)
{
	struct stat st;

	if (!isatty(STDERR_FILENO) || isatty(STDOUT_FILENO) ||
	    fstat(STDOUT_FILENO, &st))
		return;
	pr->on = S_ISREG(st.st_mode) || S_ISCHR(st.st_mode);
	pr->start_ms = now_ms();
	pr->next_ms = pr->start_ms + PROGRESS_FIRST_MS;
}

void map_progress(struct map_progress *pr)
{
	unsigned long long now;
	pid_t pgrp;

	if (!pr->on || ++pr->entries % PROGRESS_ENTRIES)
		return;
	now = now_ms();
	if (now < pr->next_ms)
		return;

	pr->next_ms = now + PROGRESS_AGAIN_MS;
	/* A background job must not write over what the user types */
	pgrp = tcgetpgrp(STDERR_FILENO);
	if (pgrp >= 0 && pgrp != getpgrp())
		return;
	fprintf(stderr, "\r%llu entries, %llu entries/s\033[K", pr->entries,
		pr->entries * 1000 / (now - pr->start_ms));
	pr->shown = true;
}

void map_progress_hide(struct map_progress *pr)
{
	if (pr->shown)
		fputs("\r\033[K", stderr);
	pr->shown = false;
}

void map_doc_begin(struct map_doc *doc)
{
	map_progress_start(&doc->progress);
	if (doc->wtr && doc->list)
		jsonw_start_array(doc->wtr);
}

/* Call right after printing, while errno still belongs to that write */
static int doc_error(struct map_doc *doc)
{
	if (!doc->err && ferror_unlocked(stdout))
		doc->err = errno ? -errno : -EIO;

	return doc->err;
}

int map_stdout_flush(void)
{
	int fd;

	/* Don't end truncated output as if it were complete */
	if (ferror(stdout)) {
		__fpurge(stdout);
		return -EIO;
	}
	if (fflush(stdout))
		return -errno;

	/* A network file system may report write errors only on close() */
	fd = dup(STDOUT_FILENO);

	return fd < 0 || close(fd) ? -errno : 0;
}

int map_doc_end(struct map_doc *doc)
{
	int err;

	if (doc->wtr && doc->list)
		jsonw_end_array(doc->wtr);

	/* jsonw_destroy() flushes too, but does not return why it failed */
	err = map_stdout_flush();
	if (doc->wtr && !json_output)
		jsonw_destroy(&doc->wtr);

	return doc->err ? : err ? : map_stdout_flush();
}

int map_printer_init(struct map_printer *p, struct map_doc *doc,
		     const struct bpf_map_info *info)
{
	p->doc = doc;
	p->info = info;
	p->btf = NULL;
	if (!doc->wtr || !map_is_typed(info))
		return 0;

	if (doc->btf_id != info->btf_id ||
	    doc->key_type_id != info->btf_key_type_id ||
	    doc->value_type_id != info->btf_value_type_id) {
		free_types(doc);
		doc->btf = btf__load_from_kernel_by_id(info->btf_id);
		if (!doc->btf)
			return -errno;
		doc->btf_id = info->btf_id;
		doc->key_type_id = info->btf_key_type_id;
		doc->value_type_id = info->btf_value_type_id;
		if (!btf_dumper_knows_map(doc->btf, info)) {
			btf__free(doc->btf);
			doc->btf = NULL;
		}
	}
	p->btf = doc->btf;

	return 0;
}

/* As print_hex_data_json(), which only writes to bpftool's own writer */
static void bytes_json(json_writer_t *wtr, const unsigned char *data,
		       __u32 size)
{
	__u32 i;

	jsonw_start_array(wtr);
	for (i = 0; i < size; i++)
		jsonw_printf(wtr, "\"0x%02hhx\"", data[i]);
	jsonw_end_array(wtr);
}

static void print_label_json(json_writer_t *wtr, const struct map_label *label)
{
	unsigned int i;

	if (!label->nr_keys) {
		jsonw_uint_field(wtr, "outer_id", label->outer_id);
		return;
	}

	jsonw_name(wtr, label->nr_keys > 1 ? "slots" : "slot");
	if (label->nr_keys > 1)
		jsonw_start_array(wtr);
	for (i = 0; i < label->nr_keys; i++)
		bytes_json(wtr, label->keys[i], label->key_size);
	if (label->nr_keys > 1)
		jsonw_end_array(wtr);
}

static void print_header_json(struct map_printer *p,
			      const struct map_label *label)
{
	const struct bpf_map_info *info = p->info;
	json_writer_t *wtr = p->doc->wtr;

	jsonw_start_object(wtr);
	print_label_json(wtr, label);
	jsonw_uint_field(wtr, "id", info->id);
	jsonw_string_field(wtr, "type", map_type_name(info->type));
	if (*info->name)
		jsonw_string_field(wtr, "name", info->name);
	jsonw_uint_field(wtr, "flags", info->map_flags);
	jsonw_name(wtr, "elements");
}

static void print_header_plain(struct map_printer *p,
			       const struct map_label *label)
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

void map_print_begin(struct map_printer *p, const struct map_label *label)
{
	struct map_doc *doc = p->doc;

	if (doc->list && doc->wtr)
		print_header_json(p, label);
	else if (doc->list)
		print_header_plain(p, label);
	if (doc->wtr)
		jsonw_start_array(doc->wtr);
	doc->maps++;
	doc_error(doc);
}

/* An entry without types, or without a key, as -j shows it */
static void print_bytes(struct map_printer *p, const void *key,
			const void *value)
{
	json_writer_t *wtr = p->doc->wtr;
	unsigned int cpu, cpus = get_possible_cpus();
	size_t step = map_value_bytes(p->info) / cpus;

	jsonw_start_object(wtr);
	if (key) {
		jsonw_name(wtr, "key");
		bytes_json(wtr, key, p->info->key_size);
	}
	if (!map_is_percpu(p->info->type)) {
		jsonw_name(wtr, "value");
		bytes_json(wtr, value, p->info->value_size);
	} else {
		jsonw_name(wtr, "values");
		jsonw_start_array(wtr);
		for (cpu = 0; cpu < cpus; cpu++) {
			jsonw_start_object(wtr);
			jsonw_int_field(wtr, "cpu", cpu);
			jsonw_name(wtr, "value");
			bytes_json(wtr, value + cpu * step, p->info->value_size);
			jsonw_end_object(wtr);
		}
		jsonw_end_array(wtr);
	}
	jsonw_end_object(wtr);
}

int map_print_entry(struct map_printer *p, const void *key, const void *value)
{
	struct map_doc *doc = p->doc;

	if (p->skip && p->skip(key, value, p->skip_ctx))
		return 0;

	if (doc->wtr && (!key || !(json_output || p->btf)))
		print_bytes(p, key, value);
	else
		print_map_entry((void *)p->info, (void *)key, (void *)value,
				p->btf, doc->wtr);
	p->count++;
	map_progress(&doc->progress);

	return doc_error(doc);
}

void map_print_end(struct map_printer *p, bool whole)
{
	struct map_doc *doc = p->doc;

	if (doc->wtr) {
		jsonw_end_array(doc->wtr);
		if (doc->list)
			jsonw_end_object(doc->wtr);
	} else if (whole) {
		printf("Found %u element%s\n", p->count,
		       p->count != 1 ? "s" : "");
	}
	doc_error(doc);
}
