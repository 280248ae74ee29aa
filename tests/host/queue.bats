# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Queues and stacks, which "map dump" can't show: read by popping

load ../lib/slot

# push PIN BYTE...: each as the first byte of an 8 byte value
push() {
	local pin=$1 byte

	shift
	for byte in "$@"; do
		bpftool map enqueue pinned "$pin" value "$byte" 0 0 0 0 0 0 0
	done
}

is_empty() {
	[[ $(bpftool map pop pinned "$1") != "value: "* ]]
}

# Entries as "map dump" prints them, without their keys: an array that is
# filled with the same values
entries() {
	rm -f "$PINS/array"
	other_map --fill "$1" --entries "$1" --value "$2" array "$PINS/array"
	dump "$PINS/array"
}

@test "queue: first in, first out; stack: last in, first out" {
	for type in "queue 1 2 3" "stack 3 2 1"; do
		make_slot array_of_maps "${type%% *}"
		push "$PINS/inner" 1 2 3
		# shellcheck disable=SC2046,SC2086 # words
		diff <(printf 'value: 0%d 00 00 00 00 00 00 00\n' ${type#* }
			echo "Found 3 elements") <(drain)
		is_empty "$PINS/inner"
	done
}

@test "-j: an array of objects with a value each, in order" {
	in_mode -j
	make_slot array_of_maps queue
	push "$PINS/inner" 1 2 3
	drain | jq -e 'map(.value[0]) == ["0x01","0x02","0x03"] and
		all(keys == ["value"]) and all(.value | length == 8)'
	make_slot hash_of_maps stack
	push "$PINS/inner" 1 2 3
	drain | jq -e 'map(.value[0]) == ["0x03","0x02","0x01"]'
}

@test "printed like the entries of a dump, but for the key, in each form" {
	local got=$BATS_TEST_TMPDIR/got want=$BATS_TEST_TMPDIR/want

	for size in 1 8 16 17 24 33; do
		in_mode
		make_slot array_of_maps --fill 5 --value $size queue
		drain >"$got"
		if ((size > 16)); then
			entries 5 $size | sed '/^key:$/,/^value:$/{/^value:$/!d}'
		else
			entries 5 $size | sed 's/^key:.*\(value: \)/\1/'
		fi | cmp - "$got"

		in_mode -j
		entries 5 $size | jq -c 'map({ value })' >"$want"
		for form in -j -jp; do
			in_mode $form
			make_slot array_of_maps --fill 5 --value $size queue
			drain >"$got"
			[[ $form == -j || $(wc -l <"$got") -gt 5 ]]
			jq -c . "$got" | cmp "$want"
		done
	done
}

@test "none, one and many elements are counted" {
	for type in queue stack; do
		make_slot array_of_maps $type
		in_mode -j
		[[ $(drain) == "[]" ]]
		fill_slot
		in_mode
		[[ $(drain) == "Found 0 elements" ]]
		make_slot array_of_maps --fill 1 $type
		[[ $(drain | tail -n 1) == "Found 1 element" ]]
		make_slot array_of_maps --fill 1000 $type
		drain >"$BATS_TEST_TMPDIR/got"
		[[ $(tail -n 1 "$BATS_TEST_TMPDIR/got") == "Found 1000 elements" ]]
		[[ $(grep -c '^value: ' "$BATS_TEST_TMPDIR/got") == 1000 ]]
		is_empty "$PINS/inner"
	done
}

@test "an element that is zero, or like the one before it, is no end" {
	make_slot array_of_maps queue
	push "$PINS/inner" 0 0 7 7 7 0
	run --separate-stderr drain
	[[ $status == 0 && ${lines[6]} == "Found 6 elements" ]]
	is_empty "$PINS/inner"
}

# pin_of_the_run: $PINS/inner takes the place of what a run has left
pin_of_the_run() {
	bpftool map pin id "$(map_id "$(left_pins)")" "$PINS/inner"
	release_pins
	fill_slot
}

@test "a full stdout: every element is still in the pin" {
	make_slot array_of_maps --fill 1000 queue
	rm "$PINS/inner"
	run --separate-stderr full drain
	[[ $status == 255 && $stderr == *"is pinned at $(left_pins);"* ]]
	pin_of_the_run
	drain | tail -n 1 | grep -x "Found 1000 elements"
}

# Written before popped: what went out, "printed", and what is left hold every element,
# the one at the border perhaps twice; $1 were there
nothing_is_lost() {
	pin_of_the_run
	drain >"$BATS_TEST_TMPDIR/rest"
	other_map --fill "$1" queue "$PINS/same"
	fill_slot "$PINS/same"
	drain | grep '^value: ' | sort -u >"$BATS_TEST_TMPDIR/want"
	grep -hEx 'value:( [0-9a-f]{2}){8}' "$BATS_TEST_TMPDIR/printed" \
		"$BATS_TEST_TMPDIR/rest" | sort >"$BATS_TEST_TMPDIR/got"
	sort -u "$BATS_TEST_TMPDIR/got" | cmp - "$BATS_TEST_TMPDIR/want"
	(($(wc -l <"$BATS_TEST_TMPDIR/got") <= $1 + 1))
	(($(grep -c '^value: ' "$BATS_TEST_TMPDIR/printed") > 0))
	(($(grep -c '^value: ' "$BATS_TEST_TMPDIR/rest") > 0))
}

@test "a stdout that fills up: nothing is lost between it and the pin" {
	local disk=$BATS_TEST_TMPDIR/disk

	make_slot array_of_maps --fill 1000 queue
	rm "$PINS/inner"
	mkdir "$disk"
	mount -t tmpfs -o size=16k tmpfs "$disk"
	filling_up() {
		drain >"$disk/out"
	}
	run -255 --separate-stderr filling_up
	cp "$disk/out" "$BATS_TEST_TMPDIR/printed"
	umount "$disk"
	[[ $stderr == *"No space left"*"$(left_pins);"* ]]
	nothing_is_lost 1000
}

@test "killed in the middle: one element twice at most, none lost" {
	make_slot array_of_maps --fill 20000 queue
	rm "$PINS/inner"
	slow_drain
	kill -KILL "$pid"
	slow_drain_end
	[[ $status != 0 ]]
	nothing_is_lost 20000
}

# The one that was seen is the other's then, and the next one must not be lost
@test "another process pops an element in between: the others are printed" {
	needs_at_call
	make_slot array_of_maps queue
	push "$PINS/inner" 1 2 3
	export -f bpftool
	at_call run='bpftool map dequeue pinned "$PINS/inner"' \
		'bpf\(BPF_MAP_LOOKUP_AND_DELETE_ELEM' "$BPFTOOL" -j map swap-drain \
		pinned "$PINS/outer" "${SLOT[@]}" >"$BATS_TEST_TMPDIR/out"
	jq -e 'map(.value[0]) == ["0x01", "0x02", "0x03"]' "$BATS_TEST_TMPDIR/out"
}

@test "an element that can't be read, or popped: an error, the rest is pinned" {
	needs_at_call
	for call in LOOKUP LOOKUP_AND_DELETE; do
		make_slot array_of_maps --fill 5 queue
		run -255 --separate-stderr at_call -n 3 error=EPERM \
			"bpf\\(BPF_MAP_${call}_ELEM, map=$(map_id "$PINS/inner")," \
			"$BPFTOOL" map swap-drain pinned "$PINS/outer" "${SLOT[@]}"
		[[ $stderr == *"Operation not permitted"*"pinned at $(left_pins);"* ]]
		release_pins
	done
}
