#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain prints what "map dump" printed just before, to the byte

load ../lib/common
load ../lib/slot

bats_require_minimum_version 1.5.0

setup() {
	setup_slot
}

teardown() {
	cleanup_slot
}

# The map in the slot drained in each form, against a dump of it
same_in_every_form() {
	local form want=$BATS_TEST_TMPDIR/want got=$BATS_TEST_TMPDIR/got

	for form in "" -j -jp; do
		in_mode ${form:+"$form"}
		dump "$PINS/inner" >"$want"
		drain >"$got"
		cmp "$want" "$got" || {
			echo "form '$form' of: $*" >&2
			return 1
		}
		[[ $(slot_id) != "$(map_id "$PINS/inner")" ]]
		fill_slot
	done
}

# identical OPTION_OF_MAP_MAKE... TYPE
identical() {
	make_slot array_of_maps "$@"
	same_in_every_form "$@"
}

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

@test "hash: as map dump" {
	identical_with_and_without_btf hash
}

@test "lru_hash: as map dump" {
	identical_with_and_without_btf lru_hash
}

@test "percpu_hash: as map dump" {
	identical_with_and_without_btf percpu_hash
}

@test "lru_percpu_hash: as map dump" {
	identical_with_and_without_btf lru_percpu_hash
}

@test "array: as map dump" {
	identical_with_and_without_btf array
}

@test "percpu_array: as map dump" {
	identical_with_and_without_btf percpu_array
}

@test "lpm_trie: as map dump" {
	identical_with_and_without_btf lpm_trie
}

@test "hash_of_maps prints its inner map as array_of_maps does" {
	make_slot hash_of_maps --fill 5 --btf struct hash
	same_in_every_form hash_of_maps
}

@test "odd key and value sizes" {
	local size

	for size in 1 3 7 17 24 33; do
		identical --fill 3 --key 4 --value "$size" hash
		identical --fill 3 --key "$size" --value "$size" hash
		identical --fill 3 --value "$size" array
		identical --fill 3 --key "$size" --value "$size" percpu_hash
	done
}

@test "odd key and value sizes with BTF" {
	local size

	for size in 1 3 7 17 24 33; do
		identical --fill 3 --btf bytes --key "$size" --value "$size" hash
		identical --fill 3 --btf bytes --key "$size" --value "$size" \
			percpu_hash
	done
}

# A short key and value share a line up to 24 bytes, or up to 16 each
@test "sizes around the line breaks of the plain form" {
	local sizes

	for sizes in 8:16 8:17 9:15 9:16 16:8 16:9 17:1 1:17 12:12 12:13; do
		identical --fill 2 --key "${sizes%:*}" --value "${sizes#*:}" hash
	done
}

@test "lpm_trie with short and long prefixes" {
	local size

	for size in 5 7 8 12 20; do
		identical --fill 3 --key "$size" lpm_trie
	done
}

@test "values over 64 KiB" {
	identical --fill 3 --entries 4 --value 70001 hash
	identical --fill 3 --entries 4 --value 131072 array
	identical --fill 3 --entries 4 --value 70001 --btf bytes hash
}

@test "the largest value of a per-CPU map" {
	identical --fill 2 --entries 2 --value 32768 percpu_array
}

@test "values with a spin lock, which reads as 0" {
	identical --fill 3 --btf lock hash
	identical --fill 3 --btf lock array
}

@test "a map that is full" {
	identical --fill 1000 --entries 1000 hash
	identical --fill 1000 --entries 1000 --flag no_prealloc --btf struct hash
}

@test "-p and -d say the same as map dump does with them" {
	make_slot array_of_maps --fill 3 --btf struct hash

	in_mode -p
	dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
	drain >"$BATS_TEST_TMPDIR/got"
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
	jq -e 'length == 3' "$BATS_TEST_TMPDIR/got"
	fill_slot

	in_mode -d
	bpftool map dump pinned "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
	drain 2>/dev/null >"$BATS_TEST_TMPDIR/got"
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
}

# bpftool can't print a float: "map dump" ends the entry there and succeeds. In
# the plain form the rest of the entry would be lost with the map.
@test "a type that is not known: refused in the plain form, all bytes with -j" {
	make_slot array_of_maps --fill 3 --btf float hash
	run --separate-stderr drain
	# shellcheck disable=SC2154 # run sets it
	[[ $status == 255 && $stderr == *"can't be shown in plain output"* ]]
	[[ $(slot_id) == "$(map_id "$PINS/inner")" ]]

	in_mode -j
	dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
	drain >"$BATS_TEST_TMPDIR/got"
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
}

# So that two empty outputs can't pass for the same
@test "a map with BTF is printed with its members' names, in every form" {
	make_slot array_of_maps --fill 4 --btf struct hash

	drain >"$BATS_TEST_TMPDIR/got"
	[[ $(grep -c '"packets": ' "$BATS_TEST_TMPDIR/got") == 4 ]]
	grep -F '"state": "BUSY"' "$BATS_TEST_TMPDIR/got"
	fill_slot

	in_mode -j
	drain >"$BATS_TEST_TMPDIR/got"
	jq -e 'length == 4 and all(.[]; .formatted.value.where.y | length == 2) and
		all(.[]; .value | length == 72) and
		any(.[]; .formatted.value.state == "BUSY")' "$BATS_TEST_TMPDIR/got"
}
