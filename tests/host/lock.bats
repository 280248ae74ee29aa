# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Two swap-drains of one outer map never overlap, and who keeps them out can
# cost a refusal only

load ../lib/common
load ../lib/faults

@test "lock: held by a local user, with a pid that is known" {
	own_world locked_by posix
}

@test "lock: held by a local user, with no pid to be known" {
	own_world locked_by ofd
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
