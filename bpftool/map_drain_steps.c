// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Printing an entry by the steps that its BTF types were made into */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>

#include "main.h"
#include "map_drain_flat.h"

static void print_unsigned(FILE *out, __u64 n)
{
	char digits[20], *at = digits + sizeof(digits);

	do {
		*--at = '0' + n % 10;
		n /= 10;
	} while (n);
	fwrite_unlocked(at, 1, digits + sizeof(digits) - at, out);
}

static void print_signed(FILE *out, __s64 n)
{
	if (n < 0)
		putc_unlocked('-', out);
	print_unsigned(out, n < 0 ? -(__u64)n : (__u64)n);
}

static void print_hex(FILE *out, __u64 n)
{
	char digits[16], *at = digits + sizeof(digits);

	do {
		*--at = "0123456789abcdef"[n & 0xf];
		n >>= 4;
	} while (n);
	fwrite_unlocked(at, 1, digits + sizeof(digits) - at, out);
}

static __s64 sign_extended(__u64 n, __u8 size)
{
	int shift = 64 - 8 * size;

	return (__s64)(n << shift) >> shift;
}

/* The name of a value, NULL if it has none */
static const char *enum_name(const struct btf *btf, const struct btf_type *t,
			     __s64 value)
{
	const struct btf_enum64 *e64 = btf_enum64(t);
	const struct btf_enum *e = btf_enum(t);
	__u32 i;

	for (i = 0; i < btf_vlen(t); i++) {
		if (!btf_is_enum64(t) && e[i].val == value)
			return btf__name_by_offset(btf, e[i].name_off);
		if (btf_is_enum64(t) &&
		    btf_enum64_value(&e64[i]) == (__u64)value)
			return btf__name_by_offset(btf, e64[i].name_off);
	}

	return NULL;
}

static void print_enum(const struct drain_flat *flat, const struct step *step,
		       FILE *out, __s64 value)
{
	const char *name = enum_name(flat->btf, step->type, value);

	if (!name) {
		print_signed(out, value);
		return;
	}
	/* An identifier: nothing in it has to be escaped */
	putc_unlocked('"', out);
	fputs_unlocked(name, out);
	putc_unlocked('"', out);
}

/* Prints it and returns true; or false if the dumper would not take it for one:
 * it has to end, and to hold nothing but what can be seen.
 */
static bool print_string(const struct drain_flat *flat, FILE *out,
			 const char *s, size_t size)
{
	const char *at, *end = memchr(s, 0, size);

	if (!end)
		return false;
	for (at = s; at < end; at++)
		if (*at < 0x20 || *at > 0x7e)
			return false;

	putc_unlocked('"', out);
	for (at = s; at < end; at++) {
		if (*at == '"')
			fputs_unlocked(flat->quote, out);
		else if (*at == '\\')
			fputs_unlocked(flat->backslash, out);
		else
			putc_unlocked(*at, out);
	}
	putc_unlocked('"', out);

	return true;
}

static void print_number(const struct drain_flat *flat, const struct step *step,
			 FILE *out, __u64 n)
{
	switch (step->kind) {
	case STEP_SIGNED:
		print_signed(out, sign_extended(n, step->size));
		break;
	case STEP_BOOL:
		fputs_unlocked(n ? "true" : "false", out);
		break;
	case STEP_BITS:
		n = n >> step->bit << (64 - step->bits) >> (64 - step->bits);
		print_hex(out, n);
		break;
	case STEP_POINTER:
		fprintf(out, "\"%p\"", (void *)(unsigned long)n);
		break;
	case STEP_ENUM:
		print_enum(flat, step, out, sign_extended(n, step->size));
		break;
	default:
		print_unsigned(out, n);
		break;
	}
}

void drain_flat_entry(const struct drain_flat *flat, FILE *out,
		      const void *key, const void *value)
{
	const struct step *step, *end = flat->steps + flat->nr;
	const void *data;
	__u64 n;

	for (step = flat->steps; step < end; step++) {
		if (step->kind == STEP_TEXT) {
			fwrite_unlocked(flat->texts + step->at, 1, step->len,
					out);
			continue;
		}

		data = (step->of_key ? key : value) + step->at;
		if (step->kind == STEP_STRING) {
			if (print_string(flat, out, data, step->len))
				step += step->skip;
			continue;
		}
		n = 0;
		memcpy(&n, data, step->size);
		print_number(flat, step, out, n);
	}
}
