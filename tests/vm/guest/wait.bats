# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The quick part of the tests that what waits does wait, for guests.

# shellcheck disable=SC2153 # BPFTOOL is given, bpftool a function
load ../../lib/common
load ../../lib/load

@test "wait: map sync returns only after a program that was inside has left" {
	late_wait raw_tp -- "$BPFTOOL" -d -j map sync
	[[ $(late left_at_exit) == true ]]
}

@test "wait: swap-drain prints a late add" {
	swap_drain_waits raw_tp array hash
}

@test "wait, control: the selector pattern without map sync misses a late add" {
	control_misses_late_add
}
