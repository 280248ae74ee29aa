# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# SIGINT, SIGTERM and SIGHUP: the run says where the old map is, and dies of the
# signal
#
# FAULTS_QUICK=N takes every N-th place only.

load ../lib/common
load ../lib/faults

setup_file() {
	export FAULTS_QUICK=${FAULTS_QUICK:-1}
}

@test "interrupt: in the midst of printing, the pin is named" {
	own_world told_in_the_midst INT TERM HUP
}

@test "interrupt: a signal that is ignored stays ignored" {
	own_world ignored_in_the_midst
}

@test "interrupt: before anything is pinned nothing is said" {
	own_world not_told_before
}

@test "interrupt: at every system call, a created replacement" {
	own_world signals created 8
}

@test "interrupt: at every system call, a given replacement and clear" {
	own_world signals turns 4
}

@test "interrupt: at every system call, all slots" {
	own_world signals all 4
}
