/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The steps that print an entry with its BTF types: map_drain_flat.c makes the list,
 * map_drain_steps.c runs it for each entry
 */

#ifndef __BPFTOOL_MAP_DRAIN_FLAT_H
#define __BPFTOOL_MAP_DRAIN_FLAT_H

#include "map_drain_fast.h"

#define ESCAPE_MAX	8	/* bytes of text, with the end */

enum step_kind {
	STEP_TEXT,
	STEP_UNSIGNED,
	STEP_SIGNED,
	STEP_BOOL,
	STEP_BITS,		/* hex digits */
	STEP_ENUM,
	STEP_POINTER,		/* in quotes */
	STEP_STRING,		/* if the bytes are one */
};

struct step {
	enum step_kind kind;
	bool of_key;		/* else of the value */
	__u8 size;		/* bytes of the number */
	__u8 bit, bits;		/* of a bitfield */
	__u32 at;		/* offset in key or value, or in the texts */
	__u32 len;		/* of the text, or the string with its end */
	__u32 skip;		/* steps that print what is no string */
	const struct btf_type *type;	/* of an enum */
};

struct drain_flat {
	const struct btf *btf;	/* borrowed */
	struct step *steps;
	unsigned int nr;
	char *texts;
	size_t texts_len;
	/* As the JSON writer has them: that of 6.1 takes a backslash for a newline */
	char quote[ESCAPE_MAX], backslash[ESCAPE_MAX];
};

#endif /* __BPFTOOL_MAP_DRAIN_FLAT_H */
