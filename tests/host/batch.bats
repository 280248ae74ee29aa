# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Both verbs in a file of "bpftool batch"

load ../lib/slot

setup() {
	setup_slot
	make_slot array_of_maps --fill 2 hash
	FILE=$T/batch
	DRAIN="map swap-drain pinned $PINS/outer key 0 0 0 0"
}

# in_batch LINE...: runs the lines; IN_BATCH holds bpftool's options
in_batch() {
	printf '%s\n' "$@" >"$FILE"
	run --separate-stderr bpftool "${IN_BATCH[@]}" batch file "$FILE"
}

@test "plain: in order, exit status 0" {
	dump "$PINS/inner" >"$T/want"
	in_batch "map sync" "$DRAIN" "map sync" "$DRAIN quiet" "$DRAIN"
	[[ $status == 0 ]]
	cmp -n "$(wc -c <"$T/want")" "$T/want" - <<<"$output"
	[[ ${lines[3]} == "slot 00 00 00 00: map "* ]]
	[[ ${lines[4]} == "Found 0 elements" ]]
	[[ ${lines[5]} == "processed 5 commands" ]]
}

@test "-j and -jp: valid JSON, in order" {
	IN_BATCH=(-j)
	in_batch "map sync" "$DRAIN" "$DRAIN" "$DRAIN quiet" \
		"map dump pinned $PINS/inner"
	[[ $status == 0 ]]
	jq -es 'length == 1' <<<"$output"
	jq -e 'map(.output) | (.[0] | has("wait_us")) and
		(.[1] | length == 2) and .[2] == [] and
		(.[3] | has("new_id")) and .[4] == .[1]' <<<"$output"

	fill_slot
	IN_BATCH=(-jp)
	in_batch "map sync" "$DRAIN"
	[[ $status == 0 ]]
	jq -e '.[1].output | length == 2' <<<"$output"
}

@test "from stdin" {
	bpftool -j batch file - <<<"$DRAIN" | jq -e '.[0].output | length == 2'
}

@test "the typed plain form, and what comes after it" {
	make_slot array_of_maps --fill 2 --btf struct hash
	dump "$PINS/inner" >"$T/want"
	in_batch "$DRAIN" "map sync" "map dump pinned $PINS/inner"
	[[ $status == 0 ]]
	cat "$T/want" "$T/want" - <<<"processed 3 commands" | diff - <(echo "$output")
}

@test "both verbs many times" {
	lines_of_file=()
	for ((i = 0; i < 20; i++)); do
		lines_of_file+=("map sync" "$DRAIN quiet")
	done
	in_batch "${lines_of_file[@]}"
	[[ $status == 0 && ${#lines[@]} == 21 && ${lines[20]} == "processed 40 commands" ]]
}

@test "a line that fails ends the batch; with -j the JSON stays valid" {
	for line in "map sync bogus" "map swap-drain" "$DRAIN bogus" "$DRAIN a\\b\"c" \
		"$DRAIN key 0 0 0 0" "map swap-drain pinned $PINS/inner key 0 0 0 0"; do
		IN_BATCH=()
		in_batch "map sync" "$line" "$DRAIN"
		[[ $status != 0 && $stderr == *"Error: "* ]]
		IN_BATCH=(-j)
		in_batch "map sync" "$line" "$DRAIN"
		[[ $status != 0 ]]
		jq -es 'length == 1' <<<"$output"
		jq -e 'length == 2 and .[1].output.error' <<<"$output"
		[[ $(slot_id) == "$(map_id "$PINS/inner")" ]]
	done
}

@test "a full stdout in a batch" {
	printf '%s\n' "$DRAIN" "map sync" >"$FILE"
	run --separate-stderr full bpftool batch file "$FILE"
	[[ $status != 0 && $stderr == *"slot was swapped, old map is pinned at"* ]]
	cmp <(dump "$(left_pins)") <(dump "$PINS/inner")
	release_pins
}
