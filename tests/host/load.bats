# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Nothing is lost under load: programs on all CPUs count as fast as they can
# while swap-drain runs in a loop. What was drained and what is left in the end
# is what they counted before they looked the slot up. See tests/progs/load.c.
#
# LOAD_SECONDS (default 10) is how long each test loads the machine in all.

load ../lib/common
load ../lib/load

setup() {
	setup_bpffs
	: "${LOAD_SECONDS:=10}"
}

teardown() {
	load_stop
	cleanup_bpffs
}

# What is done without swap-drain: read the map, then delete what was read
read_then_delete() {
	local dump=$BATS_TEST_TMPDIR/dump

	bpftool -j map dump pinned "$PINS/plain" | tee "$dump"
	jq -r --arg map "$PINS/plain" '.[] |
		"map delete pinned \($map) key hex \(.key | map(.[2:]) | join(" "))"' \
		"$dump" >"$dump.delete"
	[[ ! -s $dump.delete ]] || bpftool batch file "$dump.delete" >/dev/null
}

@test "nothing is lost with created replacements, or with two maps taking turns" {
	for kind in created turns; do
		loses_nothing array $kind
		loses_nothing hash $kind
	done
}

@test "control: in the same run, read then delete loses events and swap-drain none" {
	local drained_out=$BATS_TEST_TMPDIR/drained read_out=$BATS_TEST_TMPDIR/read

	for ((try = 1; try <= 5; try++)); do
		rm -f "$drained_out" "$read_out"
		load_start --plain
		for _ in {1..10}; do
			created >>"$drained_out"
			read_then_delete >>"$read_out"
		done
		load_stop

		drained=$(add_up "$drained_out")
		exact "array_of_maps of hash, created" "$drained" \
			"$(dump_slot | add_up)"
		bpftool -j map dump pinned "$PINS/plain" >>"$read_out"
		read=$(add_up "$read_out" | jq .sum)
		lost=$(($(load_told counted) - read))
		diag "read then delete: read $read, lost $lost"
		((lost == 0)) || break
	done
	((lost > 0))
}
