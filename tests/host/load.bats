#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Nothing is lost under load: programs on all CPUs count as fast as they can
# while swap-drain runs in a loop. What was drained and what is left in the end
# is what they counted before they looked the slot up. See tests/progs/load.c.
#
# LOAD_SECONDS (default 10) is how long each test loads the machine in all.

load ../lib/common
load ../lib/race

setup() {
	setup_bpffs
	: "${LOAD_SECONDS:=10}"
}

teardown() {
	load_stop
	cleanup_bpffs
}

# swap_drain [ARG...]
swap_drain() {
	bpftool -j map swap-drain pinned "$PINS/outer" "${SLOT[@]}" "$@" \
		2>>"$BATS_TEST_TMPDIR/err" && return 0
	cat "$BATS_TEST_TMPDIR/err" >&2
	return 1
}

# The kinds of replacement, by the number of the turn
created() {
	swap_drain
}

turns() {
	swap_drain value pinned "$PINS/turn$(($1 % 2))" clear
}

# drain_for MS KIND: goes round until the time is over, and twice at least
drain_for() {
	local end=$(($(now_ms) + $1)) turn

	for ((turn = 1; turn <= 2 || $(now_ms) < end; turn++)); do
		"$2" "$turn" || return 1
	done
}

now_ms() {
	local us=${EPOCHREALTIME/[^0-9]/}

	echo "${us%???}"
}

# exact WHAT DRAINED LEFT: neither lost nor counted twice
exact() {
	local counted missed expected drained left lost

	counted=$(load_told counted)
	missed=$(load_told missed)
	drained=$(jq .sum <<<"$2")
	left=$(jq .sum <<<"$3")
	expected=$counted
	if [[ $1 == hash_of_maps* ]] && ! updates_in_place; then
		diag "this kernel does not update hash_of_maps in place: $missed events found the slot empty"
		expected=$((counted - missed))
		missed=0
	fi
	lost=$((expected - drained - left))
	diag "$1: counted $counted, drained $drained in $(jq .documents <<<"$2") swaps, left $left, missed $missed, lost $lost"

	((counted > 0 && missed == 0 && lost == 0)) &&
		[[ $(load_told failed) == 0 ]]
}

# loses_nothing OUTER KIND: a slice of the time for each type of inner map
loses_nothing() {
	local ms=$((LOAD_SECONDS * 1000 / ${#COUNTED_TYPES[@]})) type drained

	for type in "${COUNTED_TYPES[@]}"; do
		load_start --outer "$1" --inner "$type" --turns
		drained=$(set -o pipefail && drain_for "$ms" "$2" | add_up)
		load_stop
		exact "$1_of_maps of $type, $2" "$drained" "$(dump_slot | add_up)"
	done
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

@test "array_of_maps: nothing is lost with created replacements" {
	loses_nothing array created
}

@test "array_of_maps: nothing is lost with two maps taking turns" {
	loses_nothing array turns
}

@test "hash_of_maps: nothing is lost with created replacements" {
	loses_nothing hash created
}

@test "hash_of_maps: nothing is lost with two maps taking turns" {
	loses_nothing hash turns
}

@test "control: in the same run, read then delete loses events and swap-drain none" {
	local try drained read lost
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
