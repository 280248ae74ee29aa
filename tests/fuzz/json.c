// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A strict judge of the little JSON that the parsers print: one flat object of
 * strings, numbers and literals, without a space.
 */
#include <ctype.h>
#include <string.h>

#include "fuzz.h"

/* Length of a UTF-8 character, 0 if it is none */
static int utf8_len(const unsigned char *at)
{
	int i, len;

	if (*at < 0x80)
		return 1;
	if (*at >= 0xc2 && *at <= 0xdf)
		len = 2;
	else if (*at >= 0xe0 && *at <= 0xef)
		len = 3;
	else if (*at >= 0xf0 && *at <= 0xf4)
		len = 4;
	else
		return 0;

	for (i = 1; i < len; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;

	return len;
}

/* All of these return what follows, or NULL */
static const char *skip_string(const char *at)
{
	int len;

	if (*at++ != '"')
		return NULL;
	while (*at != '"') {
		if ((unsigned char)*at < ' ')
			return NULL;
		if (*at == '\\' && at[1] == 'u') {
			if (strspn(at + 2, "0123456789abcdef") < 4)
				return NULL;
			at += 6;
			continue;
		}
		if (*at == '\\') {
			if (!at[1] || !strchr("\"\\/bfnrt", at[1]))
				return NULL;
			at += 2;
			continue;
		}
		len = utf8_len((const unsigned char *)at);
		if (!len)
			return NULL;
		at += len;
	}

	return at + 1;
}

static const char *skip_object(const char *at);

static const char *skip_value(const char *at)
{
	if (*at == '"')
		return skip_string(at);
	if (*at == '{')
		return skip_object(at);
	if (!strncmp(at, "true", 4))
		return at + 4;
	if (!strncmp(at, "false", 5))
		return at + 5;
	if (!isdigit((unsigned char)*at))
		return NULL;
	while (isdigit((unsigned char)*at))
		at++;

	return at;
}

static const char *skip_object(const char *at)
{
	if (*at != '{')
		return NULL;
	do {
		at = skip_string(at + 1);
		if (!at || *at++ != ':')
			return NULL;
		at = skip_value(at);
	} while (at && *at == ',');

	return at && *at == '}' ? at + 1 : NULL;
}

bool fuzz_json_is_object_with(const char *text, const char *name)
{
	size_t len = strlen(name);
	const char *end;

	if (text[0] != '{' || text[1] != '"' ||
	    strncmp(text + 2, name, len) || text[len + 2] != '"')
		return false;
	end = skip_object(text);

	return end && !*end;
}
