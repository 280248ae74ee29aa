# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck disable=SC2034,SC2154 # variables of run, and for other files
# Users of a map-in-map that not every kernel takes: extensions, LSM programs, and
# programs of types that can sleep since Linux 7.1 only

load ../lib/holders

teardown() {
	cleanup_leak_free
}

# extends TARGET: an extension of a program of users_target.bpf.c
extends() {
	load_prog_or_skip users_maps ext_part ext "$BUILD/tests/users_target.bpf.o" "$1"
}

@test "a sleepable raw_tp program: waited for" {
	last_slot
	load_prog_or_skip users_maps raw_tp_sleeps sleepable
	waited_for "program $PROG raw_tp_sleeps is sleepable"
}

@test "a sleepable tracepoint program: waited for" {
	last_slot
	load_prog_or_skip users_maps tp_sleeps sleepable
	waited_for "program $PROG tp_sleeps is sleepable"
}

@test "an extension of a sleepable program: waited for" {
	local target

	last_slot
	for target in target_syscall target_uprobe_s; do
		extends $target
		waited_for "program $PROG ext_part extends a program that may be sleepable"
		rm "$PINS"/ext_part_*
	done
}

@test "an extension of a program that can't sleep: drained" {
	local target

	last_slot
	for target in target_tc target_uprobe; do
		extends $target
		drained
		rm "$PINS"/ext_part_*
	done
}

@test "a sleepable LSM program: waited for; another one: drained" {
	load_prog_or_skip sleep_use lsm_sleeps
	waited_for "program $PROG lsm_sleeps is sleepable"
	rm "$PINS/lsm_sleeps_prog"
	wait_until none_left prog "$PROG"
	load_prog sleep_use lsm_plain
	drained
}
