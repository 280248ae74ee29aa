#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck disable=SC2034,SC2154 # variables of run, and for other files
# Users of a map-in-map that not every kernel takes: extensions, LSM programs, and
# programs of types that can sleep since Linux 7.1 only

bats_require_minimum_version 1.5.0
load ../lib/holders

teardown() {
	cleanup_leak_free
}

drained_here() {
	run --separate-stderr drain_here
	echo "$status '$output' '$stderr'"
	[[ $status -eq 0 && -n $output && -z $stderr ]]
}

# waited_for_here PATTERN: refused where there is no way to wait
waited_for_here() {
	BPFTOOL=$(tool_without_way) refuses_drain "$1"
	if [[ $(sleepable_way) ]]; then
		drained_here
	else
		refuses_drain "$1"
	fi
}

@test "a sleepable raw_tp program: waited for" {
	last_slot
	load_prog_or_skip users_maps raw_tp_sleeps sleepable
	waited_for_here "program $PROG raw_tp_sleeps is sleepable"
}

@test "a sleepable tracepoint program: waited for" {
	last_slot
	load_prog_or_skip users_maps tp_sleeps sleepable
	waited_for_here "program $PROG tp_sleeps is sleepable"
}

@test "an extension of a sleepable program: waited for" {
	local target

	last_slot
	for target in target_syscall target_uprobe_s; do
		extends $target
		waited_for_here "program $PROG ext_part extends a program that may be sleepable"
		rm "$PINS"/ext_part_*
	done
}

@test "an extension of a program that can't sleep: drained" {
	local target

	last_slot
	for target in target_tc target_uprobe; do
		extends $target
		drained_here
		rm "$PINS"/ext_part_*
	done
}

@test "a sleepable LSM program: waited for; another one: drained" {
	load_prog_or_skip sleep_use lsm_sleeps
	waited_for_here "program $PROG lsm_sleeps is sleepable"
	rm "$PINS/lsm_sleeps_prog"
	wait_until none_left prog "$PROG"
	load_prog sleep_use lsm_plain
	drained_here
}
