# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain when a program can reach a map by another way

load ../lib/holders

setup() {
	setup_slot
	one_slot
}

# one_slot [OUTER_TYPE]
one_slot() {
	make_slot "$@"
	INNER=$(map_id "$PINS/inner")
	OUTER=$(map_id "$PINS/outer")
}

teardown() {
	cleanup_leak_free
}

# spare: a map that could be the replacement, $PINS/spare
spare() {
	other_map --fill 1 hash "$PINS/spare"
	SPARE=$(map_id "$PINS/spare")
}

@test "another slot of the same array_of_maps" {
	insert "$PINS/outer" "$PINS/inner" 3 0 0 0
	refused_and_forced "map $INNER .*slot 03 00 00 00 of map $OUTER $OUTER_NAME holds it"
	bpftool map delete pinned "$PINS/outer" key 3 0 0 0
	drained
}

@test "another slot of the same hash_of_maps" {
	one_slot hash_of_maps
	insert "$PINS/outer" "$PINS/inner" 9 8 7 6
	refused "map $INNER .*slot 09 08 07 06 of map $OUTER $OUTER_NAME holds it"

	# There may be a second warning, that of the swap's gap
	run -0 --separate-stderr drain_here force
	grep "^Warning: .*slot 09 08 07 06 of map $OUTER $OUTER_NAME holds it" \
		<<<"$stderr"
}

@test "a slot of another array_of_maps, beyond the first batch" {
	other_outer inner array_of_maps 4 1500
	insert "$PINS/other" "$PINS/inner" 0xd8 5 0 0
	refused_and_forced "map $INNER .*slot d8 05 00 00 of map $OTHER other_${WORLD-}$$ holds it"
}

@test "a slot of another hash_of_maps, among many, with a long key" {
	other_outer inner hash_of_maps 24 2000
	spare
	key="0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"
	for ((i = 0; i < 50; i++)); do
		echo "map update pinned $PINS/other key $key $i 0" \
			"value pinned $PINS/spare"
	done >"$BATS_TEST_TMPDIR/batch"
	bpftool batch file "$BATS_TEST_TMPDIR/batch" >/dev/null
	drained

	insert "$PINS/outer" "$PINS/inner" 0 0 0 0
	# shellcheck disable=SC2086
	insert "$PINS/other" "$PINS/inner" $key 255 255
	refused_and_forced "map $INNER .*slot( 00){22} ff ff of map $OTHER other_${WORLD-}$$ holds it"
}

# program_holds: $PINS/held, and the outer map takes such a map
program_holds() {
	other_map --entries 16 hash "$PINS/held"
	load_prog reach_use reach_holder
	make_outer array_of_maps 2 0 --entries 16 hash
}

@test "a program that has it among its own maps" {
	program_holds
	fill_slot "$PINS/held"

	refused_and_forced "map $(map_id "$PINS/held") .*program $PROG reach_holder has it among its own maps"
	rm "$PINS/reach_holder_prog"
	wait_until none_left prog "$PROG"
	fill_slot "$PINS/held"
	drained
}

@test "a replacement in another slot of the same outer map" {
	spare
	insert "$PINS/outer" "$PINS/spare" 1 0 0 0
	refused_and_forced "map $SPARE .*slot 01 00 00 00 of map $OUTER $OUTER_NAME holds it" \
		value pinned "$PINS/spare"
	[[ $(slot_id) == "$SPARE" ]]
}

@test "a replacement in a slot of another map-in-map" {
	spare
	other_outer inner hash_of_maps
	insert "$PINS/other" "$PINS/spare" 1 2 3 4
	refused_and_forced "map $SPARE .*slot 01 02 03 04 of map $OTHER other_${WORLD-}$$ holds it" \
		value pinned "$PINS/spare"
}

@test "a replacement that a program has among its own maps" {
	other_map --entries 16 hash "$PINS/inner2"
	program_holds
	fill_slot "$PINS/inner2"

	refused_and_forced "map $(map_id "$PINS/held") .*program $PROG reach_holder has it among its own maps" \
		value pinned "$PINS/held"
}

@test "a replacement that stands in the journal is refused, also with force" {
	run -255 --separate-stderr full drain_here
	left=$(journal_pins)
	[[ -n $left ]]

	INNER=$(slot_id)
	for force in "" force; do
		# shellcheck disable=SC2086
		run -255 --separate-stderr drain_here value pinned "$left" $force
		[[ -z $output ]]
		[[ $stderr =~ Error:\ map\ $(map_id "$left")\ .*its\ content\ was\ not\ printed ]]
		[[ $(slot_id) == "$INNER" && -e $left ]]
	done
	recover_all
	journal_is_empty
}

@test "a holder that comes between the checks: swapped, pinned, recovered" {
	local out=$BATS_TEST_TMPDIR/out FORCE=()

	other_outer inner array_of_maps
	MODE=(-j)
	dump "$PINS/inner" >"$BATS_TEST_TMPDIR/before"

	drain_and_insert "$out" -j
	cat "$out" "$out.err"
	[[ $status -eq 255 && ! -s $out.err ]]
	jq -e --arg re "slot 01 00 00 00 of map $OTHER other_${WORLD-}$$ holds it" \
		'.swapped == true and (.error | test($re))' "$out"
	pinned=$(jq -r .pinned "$out")
	[[ $pinned == "$PINS/journal/"* ]]
	[[ $(map_id "$pinned") == "$INNER" ]]
	[[ $(slot_id) != "$INNER" ]]

	# While it is held there, recover leaves it where it is
	run -255 --separate-stderr recover_all
	jq -e --arg re "slot 01 00 00 00 of map $OTHER other_${WORLD-}$$ holds it" \
		'length == 1 and (.[0].error | test($re))' <<<"$output"
	[[ $(map_id "$pinned") == "$INNER" ]]

	bpftool map delete id "$OTHER" key 1 0 0 0
	run -0 --separate-stderr recover_all
	jq -e --slurpfile before "$BATS_TEST_TMPDIR/before" \
		'.[0].elements == $before[0]' <<<"$output"
	journal_is_empty
}

@test "a holder that comes between the checks, in words" {
	local out=$BATS_TEST_TMPDIR/out FORCE=()

	other_outer inner array_of_maps
	drain_and_insert "$out"
	cat "$out" "$out.err"
	[[ $status -eq 255 && ! -s $out && $(wc -l <"$out.err") -eq 1 ]]
	pinned=$(journal_pins)
	grep -F "slot 01 00 00 00 of map $OTHER other_${WORLD-}$$ holds it" "$out.err"
	grep -F "slot was swapped, old map is pinned at $pinned" "$out.err"
	bpftool map delete id "$OTHER" key 1 0 0 0
	recover_all
	journal_is_empty
}

@test "a holder that comes between the checks does not matter with force" {
	local out=$BATS_TEST_TMPDIR/out FORCE=(force)

	other_outer inner array_of_maps
	dump "$PINS/inner" >"$BATS_TEST_TMPDIR/before"
	drain_and_insert "$out"
	[[ $status -eq 0 ]]
	cmp "$out" "$BATS_TEST_TMPDIR/before"
	journal_is_empty
}
