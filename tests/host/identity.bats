# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain prints what "map dump" printed just before, to the byte

load ../lib/slot
load ../lib/shapes

# identical OPTION_OF_MAP_MAKE... TYPE
identical() {
	as_dumped array_of_maps "$@"
}

@test "every type: as map dump" {
	each_type true
}

@test "hash_of_maps prints its inner map as array_of_maps does" {
	as_dumped hash_of_maps --fill 5 --btf struct hash
}

@test "odd key and value sizes, with BTF and without" {
	shapes_odd_sizes
}

@test "sizes around the line breaks of the plain form" {
	shapes_line_breaks
}

@test "tries, large values, locks, and full maps" {
	shapes_others
}

@test "-p and -d say the same as map dump does with them" {
	make_slot array_of_maps --fill 3 --btf struct hash

	in_mode -p
	dump "$PINS/inner" >"$T/want"
	drain >"$T/got"
	cmp "$T/want" "$T/got"
	jq -e 'length == 3' "$T/got"
	fill_slot

	in_mode -d
	bpftool map dump pinned "$PINS/inner" >"$T/want"
	drain 2>/dev/null >"$T/got"
	cmp "$T/want" "$T/got"
}

# So that two empty outputs can't pass for the same
@test "a map with BTF is printed with its members' names, in every form" {
	make_slot array_of_maps --fill 4 --btf struct hash

	drain >"$T/got"
	[[ $(grep -c '"packets": ' "$T/got") == 4 ]]
	grep -F '"state": "BUSY"' "$T/got"
	fill_slot

	in_mode -j
	drain >"$T/got"
	jq -e 'length == 4 and all(.[]; .formatted.value.where.y | length == 2) and
		all(.[]; .value | length == 80) and
		any(.[]; .formatted.value.state == "BUSY")' "$T/got"
}
