# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The command under load. HAMMER_SECONDS (30) says how long.

load ../lib/common
load ../lib/load

setup_file() {
	export PROGS=$BUILD/tests HAMMER_SECONDS=${HAMMER_SECONDS:-30}
}

teardown() {
	load_stop
	cleanup_bpffs
}

late_writes() {
	run "$PROGS/sync_load" "$PROGS/sync_load.bpf.o" "$@"
	echo "$status: $output"
	[ "$status" -eq 0 ]
}

# Thousands of calls were counted, every single one, in a number of turns
plausible() {
	[[ $output =~ ^calls\ [0-9]{4,}\ lost\ 0\ turns\ [0-9]{2,}\ late\ [0-9]+$ ]]
}

# With one CPU and a kernel that preempts no program there may be none to see
@test "selector pattern, control: without a wait there are late writes" {
	needs_command
	late_writes 5 4 2000 nowait
	plausible
	[[ $output != *"late 0" ]]
}

@test "selector pattern: with the command there are none" {
	needs_command
	late_writes 10 4 2000
	plausible
	[[ $output == *"late 0" ]]
}

@test "32 processes issue the command at once, while swap-drain loses nothing" {
	local hammer
	# shellcheck disable=SC2034 # loses_nothing looks at them
	local LOAD_SECONDS=$HAMMER_SECONDS COUNTED_TYPES=(hash percpu_array)

	needs_command
	setup_bpffs
	"$PROGS/sync_hammer" 32 "$HAMMER_SECONDS" >"$BATS_TEST_TMPDIR/hammer" 3>&- &
	hammer=$!
	loses_nothing array created
	# It fails if a call failed or a process never got its turn
	wait "$hammer"
	cat "$BATS_TEST_TMPDIR/hammer"
}
