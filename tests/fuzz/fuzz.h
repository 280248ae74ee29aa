/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the parts of the harness share */

#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stdint.h>

/* How the kernel that stubs.c plays behaves */
struct fuzz_kernel {
	uint8_t switches;
	uint32_t key_size;
	int open_fds;
};

extern struct fuzz_kernel fuzz_kernel;

#define SWITCH_JSON		0x01
#define SWITCH_SYNC		0x02
#define SWITCH_NO_MAP_IN_MAP	0x04
#define SWITCH_NO_INFO		0x08
#define SWITCH_NO_PROVIDER	0x10
#define SWITCH_WAIT_FAILS	0x20
#define SWITCH_DRAIN		0x40

/* Is it a JSON object, and nothing more, with that as its first name? */
bool fuzz_json_is_object_with(const char *text, const char *name);

#endif /* TESTS_FUZZ_H */
