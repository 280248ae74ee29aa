# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# keep, clear, quiet, and how the keywords may be written

load ../lib/slot

READABLE=(hash lru_hash percpu_hash lru_percpu_hash array percpu_array
	lpm_trie queue stack)

setup() {
	setup_slot
	make_slot
}

# Empty, or all zeroes as a new map of the type is
is_as_new() {
	local type=$1

	shift
	rm -f "$PINS/new"
	other_map "$@" "$type" "$PINS/new"
	if [[ $type == queue || $type == stack ]]; then
		run ! bpftool map peek pinned "$PINS/inner"
		[[ $output != *"value: "* ]]
	else
		cmp <(in_mode -j && dump "$PINS/inner") \
			<(in_mode -j && dump "$PINS/new")
	fi
}

@test "keep: the drained map is pinned there, and nowhere else" {
	for type in hash array percpu_hash; do
		make_slot array_of_maps --fill 3 $type
		dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
		drain keep "$PINS/kept" | cmp "$BATS_TEST_TMPDIR/want"
		[[ $(map_id "$PINS/kept") == "$(map_id "$PINS/inner")" ]]
		dump "$PINS/kept" | cmp "$BATS_TEST_TMPDIR/want"
		[[ -z $(left_pins) ]]
		rm "$PINS/kept"
	done
}

@test "keep: a queue or stack only if its elements are not printed" {
	for type in queue stack; do
		make_slot array_of_maps --fill 3 $type
		drain_refused "map [0-9]+ is a $type: its elements leave it as they are printed, so that 'keep' would keep none of them; 'quiet' keeps them$" \
			keep "$PINS/kept"
		drain quiet keep "$PINS/kept"
		bpftool map peek pinned "$PINS/kept" | grep "^value: "
		rm "$PINS/kept"
	done
}

@test "keep: the only thing that holds the map then" {
	dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
	rm "$PINS/inner"
	drain quiet keep "$PINS/kept"
	cmp "$BATS_TEST_TMPDIR/want" <(dump "$PINS/kept")
}

@test "keep: a path relative to the working directory" {
	cd "$PINS"
	drain quiet keep kept
	cd /
	[[ $(map_id "$PINS/kept") == "$(map_id "$PINS/inner")" ]]
}

@test "keep: on another bpffs" {
	local there=$BATS_TEST_TMPDIR/bpffs

	mkdir "$there"
	mount -t bpf bpf "$there"
	drain quiet keep "$there/kept"
	[[ $(map_id "$there/kept") == "$(map_id "$PINS/inner")" ]]
	umount "$there"
}

@test "clear: every type is empty afterwards, also unread, and with BTF" {
	for type in "${READABLE[@]}"; do
		for quiet in "" quiet; do
			make_slot array_of_maps --fill 9 "$type"
			drain clear $quiet >/dev/null
			is_as_new "$type"
		done
	done
	for type in hash array percpu_array percpu_hash lpm_trie; do
		make_slot array_of_maps --fill 9 --btf struct "$type"
		drain clear >/dev/null
		is_as_new "$type" --btf struct
	done
}

@test "clear: prints a full map, of an array up to the last index, and an empty one" {
	for type in hash array percpu_array; do
		for fill in 1000 5 0; do
			entries=$((fill ? fill : 3))
			make_slot array_of_maps --fill $fill --entries $entries $type
			dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
			drain clear | cmp "$BATS_TEST_TMPDIR/want"
			is_as_new $type --entries $entries
		done
	done
}

@test "clear and keep: kept, and empty" {
	drain clear keep "$PINS/kept" >/dev/null
	[[ $(map_id "$PINS/kept") == "$(map_id "$PINS/inner")" ]]
	is_as_new hash
}

@test "value and clear: two maps take turns" {
	for type in hash percpu_array queue; do
		make_slot array_of_maps --fill 1 $type
		rm -f "$PINS/other"
		other_map --fill 2 $type "$PINS/other"
		drain clear value pinned "$PINS/other" >/dev/null
		maps=(inner other)
		for turn in 1 2 3 4; do
			[[ $(slot_id) == "$(map_id "$PINS/${maps[turn % 2]}")" ]]
			drain clear value pinned "$PINS/${maps[(turn + 1) % 2]}" \
				>"$BATS_TEST_TMPDIR/turn"
			if [[ $type != percpu_array && $turn == 1 ]]; then
				tail -n 1 "$BATS_TEST_TMPDIR/turn" | grep -x "Found 2 elements"
			elif [[ $type != percpu_array ]]; then
				[[ $(<"$BATS_TEST_TMPDIR/turn") == "Found 0 elements" ]]
			fi
		done
	done
}

@test "quiet, plain: one line of what was done" {
	run --separate-stderr drain quiet
	[[ $status == 0 && ${#lines[@]} == 1 ]]
	grep -Ex "slot 00 00 00 00: map $(map_id "$PINS/inner") swapped for map $(
		slot_id), waited [0-9]+ us \([a-z_]+\)" <<<"$output"
}

@test "quiet, -j: one object of what was done" {
	for form in -j -jp; do
		make_slot array_of_maps --flag no_prealloc --fill 3 hash
		in_mode $form
		run -0 --separate-stderr drain quiet
		jq -es 'length == 1' <<<"$output"
		jq -e --argjson old "$(map_id "$PINS/inner")" \
			--argjson new "$(slot_id)" --arg name "$INNER_NAME" \
			'.slot == ["0x00","0x00","0x00","0x00"] and
			.id == $old and .new_id == $new and .type == "hash" and
			.name == $name and .flags == 1 and
			(.provider | length > 0) and
			(.wait_us | type == "number")' <<<"$output"
	done
}

@test "quiet, -j: wait_us is how long the swap took" {
	needs_at_call
	in_mode -j
	run_of quiet
	start=${EPOCHREALTIME/./}
	at_call run='sleep 0.2' 'bpf\(BPF_MAP_UPDATE_ELEM' "${RUN[@]}" >"$BATS_TEST_TMPDIR/out"
	jq -e --argjson most "$((${EPOCHREALTIME/./} - start))" \
		'.wait_us >= 200000 and .wait_us < $most' "$BATS_TEST_TMPDIR/out"
}

@test "quiet prints the key of the slot as it is" {
	make_slot hash_of_maps
	bpftool map update pinned "$PINS/outer" key hex de ad 00 0f \
		value pinned "$PINS/inner"
	bpftool map delete pinned "$PINS/outer" "${SLOT[@]}"
	in_slot key hex de ad 00 0f
	drain quiet | grep "^slot de ad 00 0f: "
	in_mode -j
	for key in "hex de ad 00 0f" "0xde 0xad 0 15" "222 173 0 017"; do
		# shellcheck disable=SC2086 # words
		in_slot key $key
		drain quiet | jq -e '.slot == ["0xde","0xad","0x00","0x0f"]'
	done
}

@test "quiet says nothing for a queue's elements and leaves them in it" {
	make_slot array_of_maps --fill 3 queue
	drain quiet keep "$PINS/kept"
	[[ $(bpftool map pop pinned "$PINS/kept") == "value: "* ]]
	bpftool map pop pinned "$PINS/kept"
	[[ $(bpftool map pop pinned "$PINS/kept") == "value: "* ]]
	[[ $(bpftool map pop pinned "$PINS/kept") != "value: "* ]]
}

@test "using: the provider that is named, or an error" {
	in_mode -j
	for name in $(providers); do
		run --separate-stderr drain quiet using "$name"
		if [[ $status == 0 ]]; then
			jq -e --arg name "$name" '.provider == $name' \
				<<<"$output"
			fill_slot
		else
			jq -e .error <<<"$output"
			[[ $(slot_id) == "$(map_id "$PINS/inner")" ]]
		fi
	done
}

@test "keywords may be abbreviated, in any order" {
	other_map hash "$PINS/other"
	bpftool map sw p "$PINS/outer" k 0 0 0 0 q c ke "$PINS/kept" \
		v p "$PINS/other" u map_in_map_update
	[[ $(slot_id) == "$(map_id "$PINS/other")" ]]
	[[ $(map_id "$PINS/kept") == "$(map_id "$PINS/inner")" ]]
	is_as_new hash
	drain value pinned "$PINS/inner" quiet
	rm "$PINS/kept"
	drain clear keep "$PINS/kept" using map_in_map_update quiet \
		value pinned "$PINS/other"
	[[ $(slot_id) == "$(map_id "$PINS/other")" ]]
}

@test "MAP by id, name and path" {
	bpftool map swap-drain id "$(map_id "$PINS/outer")" "${SLOT[@]}" quiet
	bpftool map swap-drain name "$OUTER_NAME" "${SLOT[@]}" quiet
	bpftool map swap-drain pinned "$PINS/outer" "${SLOT[@]}" quiet
}

@test "-d: which provider waited, on stderr only" {
	in_mode -d -j
	run -0 --separate-stderr drain
	jq -es 'length == 1 and (.[0] | length == 3)' <<<"$output"
	grep -E "^provider [a-z_]+: used$" <<<"$stderr"
	grep -E "^provider [a-z_]+: waited [0-9]+ us$" <<<"$stderr"
}
