# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Maps of every type and of odd shapes, for what has to print them all alike. The
# test file has a function "identical", which is called with map_make's options
# and type for each, makes such a map and compares.

# Without BTF, with bytes and with a struct of every kind of member as the
# value; with no entry, with one and with many
identical_with_and_without_btf() {
	local fill

	for fill in 0 1 100; do
		identical --fill $fill "$1"
		identical --fill $fill --btf bytes "$1"
		identical --fill $fill --btf struct "$1"
	done
}

# each_type COMMAND...: which is run after each type
each_type() {
	local type

	for type in hash lru_hash percpu_hash lru_percpu_hash array \
		percpu_array lpm_trie; do
		identical_with_and_without_btf $type
		"$@"
	done
}

shapes_odd_sizes() {
	local size

	for size in 1 3 7 17 24 33; do
		identical --fill 3 --key 4 --value "$size" hash
		identical --fill 3 --key "$size" --value "$size" hash
		identical --fill 3 --value "$size" array
		identical --fill 3 --key "$size" --value "$size" percpu_hash
	done
}

shapes_odd_sizes_typed() {
	local size

	for size in 1 3 7 17 24 33; do
		identical --fill 3 --btf bytes --key "$size" --value "$size" hash
		identical --fill 3 --btf bytes --key "$size" --value "$size" \
			percpu_hash
	done
}

# A short key and value share a line up to 24 bytes, or up to 16 each
shapes_line_breaks() {
	local sizes

	for sizes in 8:16 8:17 9:15 9:16 16:8 16:9 17:1 1:17 12:12 12:13; do
		identical --fill 2 --key "${sizes%:*}" --value "${sizes#*:}" hash
	done
}

shapes_prefixes() {
	local size

	for size in 5 7 8 12 20; do
		identical --fill 3 --key "$size" lpm_trie
	done
}

shapes_large_values() {
	identical --fill 3 --entries 4 --value 70001 hash
	identical --fill 3 --entries 4 --value 131072 array
	identical --fill 3 --entries 4 --value 70001 --btf bytes hash
}

shapes_largest_percpu() {
	identical --fill 2 --entries 2 --value 32768 percpu_array
}

shapes_locks() {
	identical --fill 3 --btf lock hash
	identical --fill 3 --btf lock array
}

shapes_full() {
	identical --fill 1000 --entries 1000 hash
	identical --fill 1000 --entries 1000 --flag no_prealloc --btf struct hash
}

# What is neither of odd sizes nor near a line's end
shapes_others() {
	shapes_prefixes
	shapes_large_values
	shapes_largest_percpu
	shapes_locks
	shapes_full
}
