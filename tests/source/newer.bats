#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# KSRC=DIR with a tree that is newer than any base: newer-tree.sh makes one that
# has what later releases changed where our patches go or our files call

load ../lib/common
load ../lib/slot
load ../lib/sources

bats_require_minimum_version 1.5.0

setup_file() {
	export NEWER=$BATS_FILE_TMPDIR/newer COPY=$BATS_FILE_TMPDIR/copy

	grep -qw __MAX_BPF_CMD "$TREE/../pristine/include/uapi/linux/bpf.h" ||
		skip "no newer tree can be made of one that has no __MAX_BPF_CMD yet"
	"$BATS_TEST_DIRNAME/newer-tree.sh" "$TREE/../pristine" "$NEWER"
	copy_sources "$COPY"
	# Not optimized: it is the same code
	EXTRA_CFLAGS=-O0 env -u MAKELEVEL -u MAKEFLAGS -u MAKEOVERRIDES \
		"${MAKE:-make}" -C "$COPY" KSRC="$NEWER" build/bpftool \
		>"$BATS_FILE_TMPDIR/log" 2>&1 || {
		tail -n 20 "$BATS_FILE_TMPDIR/log"
		return 1
	}
}

setup() {
	BPFTOOL=$COPY/build/bpftool
	setup_slot
}

teardown() {
	cleanup_slot
}

# The patched tree
newer_has() {
	grep -qE "$1" "$COPY/build/ksrc/tree/$2"
}

@test "newer: bpftool builds with later signatures, without a warning" {
	newer_has 'map_parse_fd\(int \*argc, char \*\*\*argv, __u32 open_flags\);' \
		tools/bpf/bpftool/main.h
	run ! newer_has free_btf_vmlinux tools/bpf/bpftool/map.c
	run ! grep -A 5 'warning:' "$BATS_FILE_TMPDIR/log"
	"$BPFTOOL" map help 2>&1 | grep -q swap-drain
}

@test "newer: map sync waits" {
	run bpftool -j map sync
	echo "$output"
	[ "$status" -eq 0 ]
	jq -e '.wait_us > 0' <<<"$output"
}

@test "newer: swap-drain prints the map and puts another in its place" {
	local id want

	make_slot
	id=$(slot_id)
	want=$(dump "$PINS/inner")
	run drain
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = "$want" ]
	[ "$(slot_id)" != "$id" ]
}

@test "newer: map dump, which closes what it was given, prints the same" {
	local word

	make_slot
	other_map --fill 5 hash "$PINS/other"
	for word in "pinned $PINS/inner" "name $INNER_NAME"; do
		# shellcheck disable=SC2086 # two words
		diff <(plain_bpftool map dump $word) <(bpftool map dump $word)
		# shellcheck disable=SC2086 # two words
		diff <(plain_bpftool -j map dump $word) <(bpftool -j map dump $word)
	done
	# Each is closed once
	run strace -f -e trace=close -o "$BATS_TEST_TMPDIR/trace" \
		"$BPFTOOL" map dump name "$INNER_NAME"
	[ "$status" -eq 0 ]
	[ -s "$BATS_TEST_TMPDIR/trace" ]
	run ! grep 'close([0-9]*) *= -1 EBADF' "$BATS_TEST_TMPDIR/trace"
}

@test "newer: the command goes where later releases have more of them" {
	local file

	for file in include tools/include; do
		awk '/^enum bpf_cmd {/ { on = 1 } on && /^}/ { exit } on' \
			"$COPY/build/ksrc/tree/$file/uapi/linux/bpf.h" | tail -n 4 |
			diff - <(printf '\t%s,\n' BPF_PROG_ASSOC_STRUCT_OPS \
				'BPF_SYNC_MAP_ACCESS = 60' __MAX_BPF_CMD \
				'BPF_COMMON_ATTRS = 1 << 16')
	done
	# security_bpf() is asked by the one call there is, with all its arguments:
	# what our patch does comes before it, and after it
	awk '/^static int __sys_bpf\(/ { on = 1 } on && /^}/ { exit }
		on && /check_sync_map_access\(|security_bpf\(|cmd &= |sync_map_access\(/ {
			sub(/^.*= /, ""); print }' \
		"$COPY/build/ksrc/tree/kernel/bpf/syscall.c" |
		diff - <(printf '%s;\n' 'check_sync_map_access(uattr, size)' \
			'security_bpf(cmd, &attr, size, uattr.is_kernel)' \
			'~BPF_COMMON_ATTRS' 'sync_map_access(uattr, size)')
	[ "$(grep -c 'security_bpf(' "$COPY/build/ksrc/tree/kernel/bpf/syscall.c")" -eq 1 ]
	# Before that flag went the first check does not see the command: there has
	# to be one where it waits
	awk '/^static int sync_map_access\(/ { on = 1 } on && /^}/ { exit }
		on && /check_sync_map_access\(|synchronize_rcu_expedited\(/ {
			sub(/^.*= /, ""); sub(/^\t/, ""); print }' \
		"$COPY/build/ksrc/tree/kernel/bpf/syscall.c" |
		diff - <(printf '%s;\n' 'check_sync_map_access(uattr, size)' \
			'synchronize_rcu_expedited()')
}

@test "newer: the series is made for it, and applies" {
	local git=$BATS_TEST_TMPDIR/git
	export GIT_CONFIG_GLOBAL=$BATS_TEST_TMPDIR/gitconfig GIT_CONFIG_NOSYSTEM=1

	git config --file "$GIT_CONFIG_GLOBAL" user.name tests
	git config --file "$GIT_CONFIG_GLOBAL" user.email tests@localhost
	"$ROOT/scripts/series.sh" "$NEWER" "$BATS_TEST_TMPDIR/mails"
	cp -a "$NEWER" "$git"
	git -C "$git" init -q
	git -C "$git" add -A
	git -C "$git" commit -q -m newer
	git -C "$git" am -q "$BATS_TEST_TMPDIR"/mails/*.patch
	diff -r -x .pc -x .patches -x .git -x testing "$git" "$COPY/build/ksrc/tree"
}

# The control, and last, for it spoils the copy: a call of the old form trips over
# what the fixture changed
@test "newer: a file of ours that called an old signature would not build" {
	cat >>"$COPY/bpftool/map_err.c" <<-'CODE'
		#include "main.h"
		int old_form(int argc, char **argv);
		int old_form(int argc, char **argv)
		{
			return map_parse_fd(&argc, &argv);
		}
	CODE
	run env -u MAKELEVEL -u MAKEFLAGS -u MAKEOVERRIDES EXTRA_CFLAGS=-O0 \
		"${MAKE:-make}" -C "$COPY" KSRC="$NEWER" build/bpftool
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output == *'too few arguments'* ]]
}
