# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The mirror of bpftool (libbpf/bpftool) has a linux/kernel.h and a linux/filter.h of its
# own, with less in them than those of the kernel's tools. Our files have to do with that.

load ../lib/sources

setup_file() {
	export HEADERS=$BATS_FILE_TMPDIR/headers

	mkdir -p "$HEADERS/linux"
	cat >"$HEADERS/linux/kernel.h" <<-'HEADER'
		#ifndef __LINUX_KERNEL_H
		#define __LINUX_KERNEL_H
		#include <linux/compiler.h>
		#include <stddef.h>
		#define container_of(ptr, type, member) \
			((type *)((char *)(ptr) - offsetof(type, member)))
		#define max(x, y) ((x) > (y) ? (x) : (y))
		#define min(x, y) ((x) < (y) ? (x) : (y))
		#define roundup(x, y) ((((x) + ((y) - 1)) / (y)) * (y))
		#define round_up(x, y) ((((x) - 1) | ((__typeof__(x))((y) - 1))) + 1)
		#define ARRAY_SIZE(arr) (sizeof(arr) / sizeof((arr)[0]))
		#endif
	HEADER
	# As much as upstream's own files use, which differs from release to release
	: >"$HEADERS/linux/filter.h"
}

# check FILE: as the mirror's Makefile would compile it
check() {
	local tools=$TREE/tools obj=$TREE/../obj

	gcc -fsyntax-only -std=gnu11 -O1 -W -Wall -Wno-unused-parameter \
		-Wno-missing-field-initializers -Werror -DPACKAGE='"bpftool"' \
		-DUSE_LIBCAP -DUSE_LIBBPF -I"$HEADERS" -I"$obj" -I"$tools/bpf/bpftool" \
		-I"$obj/libbpf/include" -I"$TREE/kernel/bpf" -I"$tools/include" \
		-I"$tools/include/uapi" -I"$tools/lib" -I"$tools/lib/bpf" "$1"
}

@test "mirror: our files need no more of its headers than they have" {
	local file

	for file in "$ROOT"/bpftool/*.c; do
		check "$file"
	done
}

# needs_more HEADER CODE NAME: a file that needs more is noticed
needs_more() {
	{
		cat "$ROOT/bpftool/kernel_btf.c"
		printf '#include <linux/%s>\n%s\n' "$1" "$2"
	} >"$BATS_TEST_TMPDIR/more.c"
	run check "$BATS_TEST_TMPDIR/more.c"
	[ "$status" -ne 0 ]
	[[ $output == *"$3"* ]]
}

@test "mirror: a file that needs more would be noticed" {
	needs_more kernel.h 'int m(void); int m(void) { return max_t(int, 1, 2); }' max_t
	needs_more filter.h 'struct bpf_insn i[] = { BPF_EXIT_INSN() };' BPF_EXIT_INSN
}
