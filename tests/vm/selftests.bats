#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The kernel's own selftests of the command: patches/selftests/, in the runner that the
# kernel's Makefile makes of them. Needs the patched kernel in $BUILD/vm/$BASE.

setup() {
	cd "$TREE/../selftests/tools/testing/selftests/bpf" || return 1
}

# Every subtest there is in the source
subtests() {
	sed -n 's/.*test__start_subtest("\(.*\)").*/\1/p' \
		prog_tests/sync_map_access.c
}

@test "the kernel's selftests pass on the patched kernel" {
	local name

	run "$BATS_TEST_DIRNAME/boot.sh" -k "$BUILD/vm/${BASE:-6.12}/bzImage" \
		-l "$BATS_TEST_TMPDIR/console" -- ./test_progs -t sync_map_access
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(subtests | wc -l)" -ge 4 ]
	while read -r name; do
		[[ $output == *"sync_map_access/$name:OK"* ]]
	done < <(subtests)
	# 7.x counts subtests that failed, too
	[[ $output =~ ' 0 SKIPPED, 0'(/0)?' FAILED' ]]
}

# The control. This machine's kernel does not have the command, or not with the
# number that the tests were built with.
@test "the kernel's selftests fail where nothing waits" {
	local name

	! grep -qw BPF_SYNC_MAP_ACCESS /sys/kernel/btf/vmlinux ||
		skip "this machine's kernel has the command"
	run ./test_progs -t sync_map_access
	echo "$output" | tail -n 40
	[ "$status" -ne 0 ]
	for name in args wait sleepable selector; do
		[[ $output == *"sync_map_access/$name:FAIL"* ]]
	done
}
