#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain MAP all: more slots than files may be open

load ../lib/common
load ../lib/slot
load ../lib/all

setup() {
	setup_slot
}

teardown() {
	cleanup_slot
}

# As a login shell has it by default: more may be open once the limit is raised
@test "1,024 slots" {
	local type err=$BATS_TEST_TMPDIR/err got=$BATS_TEST_TMPDIR/got

	for type in array_of_maps hash_of_maps; do
		make_outer $type 1024 1024 --fill 2 hash
		slots_and_ids >"$BATS_TEST_TMPDIR/want"
		(
			ulimit -Sn 1024
			in_mode -j -d
			drain_all >"$got" 2>"$err"
		)
		grep "^provider " "$err"
		! grep "swapped at once" "$err" || return
		jq -r '.[] | select(.elements | length == 2) |
			"\(.slot | map(.[2:]) | join(" ")) \(.id)"' \
			"$got" | sort | cmp - "$BATS_TEST_TMPDIR/want"
		[[ $(wc -l <"$BATS_TEST_TMPDIR/want") == 1024 ]]
		[[ $(slots_and_ids | sed 's/.* //' |
			sort - <(sed 's/.* //' "$BATS_TEST_TMPDIR/want") |
			uniq | wc -l) == 2048 ]]
		nothing_left
	done
}

@test "1,024 slots where fewer maps may be open: in several goes" {
	local limit type said err=$BATS_TEST_TMPDIR/err got=$BATS_TEST_TMPDIR/got

	for type in array_of_maps hash_of_maps; do
		# Fewer than old and new maps, than new ones, and far fewer
		for limit in 1500 1024 256; do
			make_outer $type 1024 1024 --fill 1 hash
			slots_and_ids >"$BATS_TEST_TMPDIR/want"
			"${UNPRIVILEGED_LIMIT[@]}" $limit "$BPFTOOL" -j -d map \
				swap-drain pinned "$PINS/outer" all >"$got" 2>"$err"
			said=
			((limit >= 1024 + 64)) ||
				said="$((limit - 64)) slots are swapped at once, as no more maps can be open"
			[[ $(grep "slots are swapped at once" "$err") == "$said" ]]
			jq -r '.[] | select(.elements | length == 1) |
				"\(.slot | map(.[2:]) | join(" ")) \(.id)"' \
				"$got" | sort | cmp - "$BATS_TEST_TMPDIR/want"
			nothing_left
		done
	done
}

# Room for both maps of each slot, but for the caller's files
@test "what the caller has left open counts, too" {
	local slots

	# For one map of each, and for neither
	for slots in 40 60; do
		make_outer array_of_maps $slots $slots --fill 1 hash
		# shellcheck disable=SC2016 # the other shell's
		"${UNPRIVILEGED_LIMIT[@]}" 150 bash -c 'for fd in {20..119}; do
			eval "exec $fd</dev/null"; done; exec "$@"' - "$BPFTOOL" \
			-j map swap-drain pinned "$PINS/outer" all \
			>"$BATS_TEST_TMPDIR/got"
		jq -e --argjson nr $slots 'length == $nr and
			all(.[]; .elements | length == 1)' "$BATS_TEST_TMPDIR/got"
		nothing_left
	done
}

@test "a map shared by far slots, with few maps open at once" {
	local slot

	make_outer array_of_maps 400 400 --fill 1 hash
	other_map --fill 3 hash "$PINS/shared"
	for slot in "0 0" "100 0" "44 1" "143 1"; do
		# shellcheck disable=SC2086 # two words
		bpftool map update pinned "$PINS/outer" key $slot 0 0 \
			value pinned "$PINS/shared"
	done
	"${UNPRIVILEGED_LIMIT[@]}" 160 "$BPFTOOL" -j map swap-drain \
		pinned "$PINS/outer" all >"$BATS_TEST_TMPDIR/got"
	jq -e 'length == 397 and ([.[] | select(.slots) | .slots | length] == [4])' \
		"$BATS_TEST_TMPDIR/got"
	[[ $(slots_and_ids | sed 's/.* //' | sort -u | wc -l) == 397 ]]
	nothing_left
}

@test "many maps in two slots each, with few maps open at once" {
	make_outer array_of_maps 400 400 --fill 1 hash
	# The key of a slot, and the map in the one before it
	slots_of "$PINS/outer" | awk -v pin="$PINS/outer" 'NR % 2 { id = $NF; next }
		{ $NF = ""; print "map update pinned", pin, "key hex", $0, "value id", id }' \
		>"$BATS_TEST_TMPDIR/batch"
	bpftool batch file "$BATS_TEST_TMPDIR/batch" >/dev/null
	"${UNPRIVILEGED_LIMIT[@]}" 160 "$BPFTOOL" -j map swap-drain \
		pinned "$PINS/outer" all >"$BATS_TEST_TMPDIR/got"
	jq -e 'length == 200 and all(.[]; .slots | length == 2)' \
		"$BATS_TEST_TMPDIR/got"
	[[ $(slots_and_ids | sed 's/.* //' | sort | uniq -c |
		awk '$1 == 2' | wc -l) == 200 ]]
	nothing_left
}
