# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Maps of every type and of odd shapes, for what has to print them all alike. The
# test file has a function "identical", which is called with map_make's options
# and type for each, makes such a map and compares: as_dumped, or one of its own.

# as_dumped [OUTER_TYPE OPTION_OF_MAP_MAKE... TYPE]: a slot with such a map, drained in
# each form, against a dump of it, which is in "wantFORM" then
as_dumped() {
	local form want got=$T/got

	make_slot "$@"
	for form in "" -j -jp; do
		in_mode ${form:+"$form"}
		want=$T/want$form
		dump "$PINS/inner" >"$want"
		drain >"$got"
		cmp "$want" "$got" || {
			echo "form '$form' of: $*" >&2
			return 1
		}
		[[ $(slot_id) != "$(map_id "$PINS/inner")" ]]
		fill_slot
	done
	in_mode
}

# each_type COMMAND...: without BTF, with bytes and with a struct of every kind of
# member as the value; with no entry, with one and with many. The command is run after
# each type.
each_type() {
	local type fill

	for type in hash lru_hash percpu_hash lru_percpu_hash array \
		percpu_array lpm_trie; do
		for fill in 0 1 100; do
			identical --fill $fill $type
			identical --fill $fill --btf bytes $type
			identical --fill $fill --btf struct $type
		done
		"$@"
	done
}

shapes_odd_sizes() {
	local size btf

	for size in 1 3 7 17 24 33; do
		identical --fill 3 --key 4 --value "$size" hash
		identical --fill 3 --value "$size" array
		for btf in "" "--btf bytes"; do
			# shellcheck disable=SC2086 # two words or none
			{
				identical --fill 3 $btf --key "$size" --value "$size" hash
				identical --fill 3 $btf --key "$size" --value "$size" \
					percpu_hash
			}
		done
	done
}

# A short key and value share a line up to 24 bytes, or up to 16 each
shapes_line_breaks() {
	local sizes

	for sizes in 8:16 8:17 9:15 9:16 16:8 16:9 17:1 1:17 12:12 12:13; do
		identical --fill 2 --key "${sizes%:*}" --value "${sizes#*:}" hash
	done
}

# What is neither of odd sizes nor near a line's end
shapes_others() {
	local size

	for size in 5 7 8 12 20; do
		identical --fill 3 --key "$size" lpm_trie
	done
	identical --fill 3 --entries 4 --value 70001 hash
	identical --fill 3 --entries 4 --value 131072 array
	identical --fill 3 --entries 4 --value 70001 --btf bytes hash
	identical --fill 2 --entries 2 --value 32768 percpu_array
	identical --fill 3 --btf lock hash
	identical --fill 3 --btf lock array
	identical --fill 1000 --entries 1000 hash
	identical --fill 1000 --entries 1000 --flag no_prealloc --btf struct hash
}

# shapes_counters COMMAND...: which is run after each
shapes_counters() {
	local options

	while read -ra options; do
		identical --btf counters "${options[@]}"
		"$@"
	done <<-END
		--fill 100 --key 12 hash
		--fill 100 --key 12 lru_hash
		--fill 50 --key 12 percpu_hash
		--fill 50 --key 12 lru_percpu_hash
		--fill 50 array
		--fill 50 percpu_array
		--fill 16 lpm_trie
	END
}

shapes_many_entries() {
	identical --fill 10000 --btf counters --key 12 hash
	identical --fill 9000 hash
	identical --fill 4096 array
	identical --fill 4097 array
	identical --fill 5000 lpm_trie
	identical --fill 5000 --flag no_prealloc percpu_hash
}
