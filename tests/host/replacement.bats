# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The map that takes the old one's place

load ../lib/slot

# attributes PIN: all that map info tells, but not which map it is
attributes() {
	map_make --info "$1" | grep -v '^id '
}

# The map that is in the slot now, at $PINS/now
pin_slot() {
	rm -f "$PINS/now"
	bpftool map pin id "$(slot_id)" "$PINS/now"
}

# same_attributes OUTER_TYPE OPTION_OF_MAP_MAKE... TYPE
same_attributes() {
	echo "$*"
	make_slot "$@"
	drain >/dev/null
	pin_slot
	[[ $(map_id "$PINS/now") != "$(map_id "$PINS/inner")" ]]
	attributes "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
	attributes "$PINS/now" | diff -u "$BATS_TEST_TMPDIR/want" -
}

# As same_attributes, in both types of outer map, with and without BTF
same_in_both() {
	local outer_type

	for outer_type in array_of_maps hash_of_maps; do
		same_attributes $outer_type "$@"
		same_attributes $outer_type --btf struct "$@"
	done
}

@test "the replacement is like the old map, of every type" {
	for type in hash lru_hash percpu_hash lru_percpu_hash; do
		same_in_both --key 8 --entries 100 $type
	done
	same_in_both --entries 100 array
	same_in_both --entries 100 percpu_array
	same_in_both --key 20 --entries 100 lpm_trie
	for outer_type in array_of_maps hash_of_maps; do
		same_attributes $outer_type --value 24 --entries 100 queue
		same_attributes $outer_type --value 24 --entries 100 stack
	done
}

# map show tells less, but looks it up elsewhere; it takes its time
shown() {
	bpftool -j map show pinned "$1" |
		jq -S 'del(.id, .bytes_memlock, .pinned, .pids)'
}

@test "bpftool map show tells the same of both, and the new one is empty, or zeroes" {
	for type in hash lru_hash percpu_hash lru_percpu_hash array \
		percpu_array lpm_trie queue; do
		make_slot array_of_maps --fill 9 --entries 100 "$type"
		drain >/dev/null
		pin_slot
		diff -u <(shown "$PINS/inner") <(shown "$PINS/now")
		rm -f "$PINS/empty"
		other_map --entries 100 "$type" "$PINS/empty"
		cmp <(dump "$PINS/now") <(dump "$PINS/empty")
	done
}

@test "the replacement has the old map's flags" {
	while read -ra options; do
		same_attributes array_of_maps "${options[@]}"
	done <<-END
		--flag no_prealloc hash
		--flag no_prealloc percpu_hash
		--flag no_common_lru lru_hash
		--flag no_common_lru lru_percpu_hash
		--flag rdonly_prog array
		--flag rdonly_prog hash
		--flag wronly_prog hash
		--flag wronly_prog queue
		--flag rdonly_prog lpm_trie
		--flag zero_seed hash
		--flag mmapable array
	END
	same_attributes hash_of_maps --flag no_prealloc --btf struct hash
}

@test "an array whose size may differ (BPF_F_INNER_MAP)" {
	skip_unless "this kernel has no BPF_F_INNER_MAP" \
		other_map --flag inner_map array "$PINS/probe"
	same_attributes array_of_maps --flag inner_map --entries 7 array
	same_attributes hash_of_maps --flag inner_map --entries 7 --btf struct \
		array

	# One of another size may be given
	make_slot array_of_maps --flag inner_map --entries 3 --fill 3 array
	other_map --flag inner_map --entries 8 array "$PINS/other"
	drain value pinned "$PINS/other" >/dev/null
	[[ $(slot_id) == "$(map_id "$PINS/other")" ]]
}

# Neither of the types that can be drained has a meaning for map_extra: the
# kernel refuses one other than 0, so that there is none to carry over
@test "map_extra: no type that can be drained takes one" {
	for type in hash lru_hash percpu_hash lru_percpu_hash array \
		percpu_array lpm_trie queue stack; do
		run ! other_map --extra 5 "$type" "$PINS/probe"
	done
	other_map --extra 5 bloom_filter "$PINS/probe"
}

@test "the old map's name, also the longest" {
	INNER_NAME=in_name_of_15_ch
	INNER_NAME=${INNER_NAME:0:15}
	same_attributes array_of_maps hash
	[[ $(map_make --info "$PINS/now" | sed -n 's/^name //p') == \
		"$INNER_NAME" ]]
}

@test "two swap-drains in a row: the replacement's replacement" {
	make_slot array_of_maps --fill 3 --btf struct hash
	drain >/dev/null
	in_mode -j
	run --separate-stderr drain
	[[ $status == 0 && $output == "[]" ]]
	pin_slot
	diff -u <(attributes "$PINS/inner") <(attributes "$PINS/now")
}

@test "value MAP: exactly that map goes in" {
	turn=0
	for outer_type in array_of_maps hash_of_maps; do
		# That of the last turn may not be gone yet
		name=in_${WORLD-}$$_$((++turn))
		# A hash may have another size
		make_slot $outer_type --entries 100 --fill 3 hash
		rm -f "$PINS/other"
		map_make --name "$name" --fill 2 --entries 7 hash "$PINS/other"
		dump "$PINS/other" >"$BATS_TEST_TMPDIR/other"
		for how in "pinned $PINS/other" "id $(map_id "$PINS/other")" "name $name"; do
			# shellcheck disable=SC2086 # two words
			drain value $how >/dev/null
			[[ $(slot_id) == "$(map_id "$PINS/other")" ]]
			fill_slot
		done
		cmp "$BATS_TEST_TMPDIR/other" <(dump "$PINS/other")
	done
}

@test "a map with a NUMA node, or a frozen one, wants value MAP" {
	while IFS=: read -r option why given; do
		rm -f "$PINS/other"
		# shellcheck disable=SC2086 # words or none
		make_slot array_of_maps $option --fill 3 hash
		# shellcheck disable=SC2086 # words or none
		other_map $given hash "$PINS/other"
		run --separate-stderr drain
		[[ $status == 255 && $stderr == *"$why"*"value MAP"* ]]
		[[ $(slot_id) == "$(map_id "$PINS/inner")" ]]
		dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
		drain value pinned "$PINS/other" | cmp "$BATS_TEST_TMPDIR/want"
		[[ $(slot_id) == "$(map_id "$PINS/other")" ]]
	done <<-END
		--numa 0:NUMA node:--numa 0
		--freeze:is frozen:
	END
}

@test "a frozen map can't be cleared, and frozen elements can't be popped" {
	while read -r type word; do
		rm -f "$PINS/other"
		make_slot array_of_maps --fill 3 --freeze "$type"
		other_map "$type" "$PINS/other"
		# shellcheck disable=SC2086 # a word or none
		run -255 --separate-stderr drain value pinned "$PINS/other" $word
		[[ $stderr == *frozen*$word* ]]
		[[ $(slot_id) == "$(map_id "$PINS/inner")" ]]
	done <<-END
		hash clear
		queue
		stack
	END
}
