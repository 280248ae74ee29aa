# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain MAP all when one of the maps can be reached by another way, or
# another process has the lock

load ../lib/holders

setup() {
	setup_slot
	in_slot all
}

teardown() {
	let_go
	cleanup_leak_free
}

# Five maps, that of slot 3 in $PINS/third
five_maps() {
	make_outer array_of_maps 8 5 --fill 2 hash
	THIRD=$(inner_id "$PINS/outer" key 3 0 0 0)
	bpftool map pin id "$THIRD" "$PINS/third"
	OUTER=$(map_id "$PINS/outer")
}

maps_in_slots() {
	slots_and_ids | sed 's/.* //'
}

# each_is_drained COMMAND...: a run of which "drained" or "forced" sees the output
each_is_drained() {
	local before

	before=$(maps_in_slots)
	"$@"
	[[ $(maps_in_slots | wc -l) == $(wc -l <<<"$before") ]]
	! maps_in_slots | grep -xF "$before" || return
	# Each of them was printed
	[[ $(grep -c '^	slot ' <<<"$output") == $(wc -l <<<"$before") ]]
}

# one_is_refused PATTERN: because of one map no slot is touched, and with force
# all of them are drained
one_is_refused() {
	local slots

	slots=$(slots_and_ids)
	refused "$1"
	[[ $(slots_and_ids) == "$slots" ]]
	each_is_drained forced "$1"
}

@test "one of the maps is in a slot of another map-in-map" {
	for type in array_of_maps hash_of_maps; do
		rm -f "$PINS/third" "$PINS/other"
		five_maps
		other_outer third $type
		insert "$PINS/other" "$PINS/third" 1 0 0 0
		one_is_refused "map $THIRD .*slot 01 00 00 00 of map $OTHER other_${WORLD-}$$ holds it"

		# Of those that are in the slots now, no other slot has any
		drained
	done
}

@test "one of the maps is among a program's own" {
	bpftool map create "$PINS/held" type hash key 4 value 8 entries 16 \
		name "$INNER_NAME"
	load_prog reach_use reach_holder
	five_maps
	insert "$PINS/outer" "$PINS/held" 2 0 0 0
	bpftool map update pinned "$PINS/held" key 1 0 0 0 \
		value 1 0 0 0 0 0 0 0
	one_is_refused "map $(map_id "$PINS/held") .*program $PROG reach_holder has it among its own maps"
	drained
}

@test "slots of the same map-in-map don't count, as all of them are swapped" {
	five_maps
	insert "$PINS/outer" "$PINS/third" 0 0 0 0
	insert "$PINS/outer" "$PINS/third" 7 0 0 0
	drained
	ids=$(maps_in_slots)
	! grep -x "$THIRD" <<<"$ids" || return
	[[ $(wc -l <<<"$ids") == 6 && $(sort -u <<<"$ids" | wc -l) == 4 ]]

	# For a single slot they do
	in_slot key 0 0 0 0
	refused "map $(slot_id) .*slot 03 00 00 00 of map $OUTER $OUTER_NAME holds it"
}

@test "a sleepable program uses the map-in-map" {
	load_prog sleep_use uprobe_sleeps
	for slot in 1 2 3; do
		other_map --entries 1 --fill 1 array "$PINS/more"
		insert "$PINS/outer" "$PINS/more" $slot 0 0 0
		rm "$PINS/more"
	done
	BPFTOOL=$(tool_without_way) \
		one_is_refused "map [0-9]+ .*program $PROG uprobe_sleeps is sleepable"
	# One wait for all of them
	waited_for "map [0-9]+ .*program $PROG uprobe_sleeps is sleepable"
	[[ ! $(sleepable_way) ]] || each_is_drained drained
	rm "$PINS/uprobe_sleeps_prog"
	wait_until none_left prog "$PROG"
	drained
}

# holder_comes_between: slot 1 of $PINS/other takes the map of slot 0, $INNER, while
# all are swapped; $PINNED is what is pinned then
holder_comes_between() {
	local run out=$T/out pin

	INNER=$(slot_id)
	bpftool map pin id "$INNER" "$PINS/inner"
	drain_and_insert "$out" -j
	cat "$out" "$out.err"
	[[ $status -eq 255 && ! -s $out.err ]]
	jq -e --arg re "map $INNER .*slot 01 00 00 00 of map $OTHER .* holds it" \
		'.swapped == true and (.error | test($re))' "$out"
	run=$(jq -r .pinned "$out")
	[[ $run == "$PINS/journal/"* && $(find "$run" -type f | wc -l) == 5 ]]
	PINNED=$(for pin in "$run"/*; do map_id "$pin"; done | sort)
	! maps_in_slots | grep -vx "$INNER" | grep -xF "$PINNED" || return
}

recover_here() {
	run --separate-stderr bpftool -j map swap-drain recover \
		journal "$PINS/journal"
	RECOVERED=$(jq '.[].id // empty' <<<"$output" | sort)
}

@test "a holder of one map comes between the checks: all are pinned, and recovered" {
	five_maps
	other_outer third array_of_maps
	holder_comes_between

	# The four others need not wait for it
	recover_here
	[[ $status -eq 255 ]]
	[[ $RECOVERED == $(grep -vx "$INNER" <<<"$PINNED") ]]
	bpftool map delete id "$OTHER" key 1 0 0 0
	recover_here
	[[ $status -eq 0 && $RECOVERED == "$INNER" ]]
	journal_is_empty
}

@test "a slot of the same map-in-map that comes between the checks is a holder" {
	five_maps
	OTHER=$OUTER
	bpftool map pin id "$OUTER" "$PINS/other"
	holder_comes_between

	# What is back in a slot is safe there
	recover_here
	[[ $status -eq 0 ]]
	[[ $RECOVERED == $(grep -vx "$INNER" <<<"$PINNED") ]]
	[[ $(inner_id "$PINS/outer" key 1 0 0 0) == "$INNER" ]]
	journal_is_empty
}

@test "another has the lock of the map-in-map" {
	five_maps
	before=$(slots_and_ids)
	hold "$OUTER"
	run --separate-stderr drain_here
	[[ $status == 255 && -z $output ]]
	[[ $stderr == "Error: map $OUTER is locked by map $LOCK"* ]]
	[[ $(slots_and_ids) == "$before" ]]
	journal_is_empty

	drain_here >"$T/got" 3>&- &
	kill -KILL "$HOLDER"
	wait "$!"
	[[ $(grep -c '^	slot ' "$T/got") == 5 ]]
	journal_is_empty
}

@test "runs at the same time: each map is drained by one of them" {
	pids=() got=$T/got
	five_maps
	before=$(slots_and_ids)
	in_mode -j
	for i in 1 2 3 4; do
		drain_here >"$got.$i" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	# Those of later runs are the earlier ones' replacements
	jq -s -e '[.[][] | .id] | length == 20 and (unique | length) == 20' \
		"$got".*
	jq -r '.[] | select(.elements | length > 0) |
		"\(.slot | map(.[2:]) | join(" ")) \(.id)"' "$got".* | sort |
		diff -u <(echo "$before") -
	journal_is_empty
}
