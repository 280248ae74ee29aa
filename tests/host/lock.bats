# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Two swap-drains of one outer map never overlap

load ../lib/common
load ../lib/faults

@test "lock: held by another, for ten seconds and longer" {
	own_world locked
}

@test "lock: a map that only has its name is none" {
	own_world lock_no_queue
}

@test "lock: who waits gets it when the holder is killed" {
	own_world lock_is_waited_for
}

@test "lock: different outer maps don't wait for each other" {
	own_world lock_of_another
}

@test "lock: reaches other mount, PID and network namespaces" {
	own_world lock_reaches_namespaces
}
