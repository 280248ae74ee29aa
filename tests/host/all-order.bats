# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain MAP all: the maps' order, and the slots in whatever way they are read
# and updated

load ../lib/slot

# exchange SLOT SLOT: their maps, so that the ids do not rise with the slots
# shellcheck disable=SC2086 # bytes
exchange() {
	local first second

	first=$(slot_bytes "$1") second=$(slot_bytes "$2")
	bpftool map pin id "$(inner_id "$PINS/outer" key $first)" "$PINS/one"
	bpftool map update pinned "$PINS/outer" key $first \
		value id "$(inner_id "$PINS/outer" key $second)"
	bpftool map update pinned "$PINS/outer" key $second value pinned "$PINS/one"
	rm "$PINS/one"
}

# slot_bytes NUMBER: the key, as the command line has it
slot_bytes() {
	echo "$(($1 & 255)) $(($1 >> 8)) 0 0"
}

# mixed_slots COUNT: as many filled slots of an array, some exchanged. What is in
# them, slot by slot, is in the file "want".
mixed_slots() {
	make_outer array_of_maps "$(($1 + 3))" "$1" --fill 1 hash
	exchange 0 2
	(($1 <= 1024)) || exchange 1 $(($1 - 2))
	# Little-endian
	slots_of "$PINS/outer" | sort -k 2,2 -k 1,1 >"$T/want"
	[[ $(wc -l <"$T/want") == "$1" ]]
	! sort -c -nk 5 "$T/want" 2>/dev/null || return
}

@test "maps come in the order of their slots" {
	for form in -j -jp; do
		in_mode $form
		mixed_slots 9
		drain_all | slots_in_turn | diff -u "$T/want" -
		mixed_slots 9
		drain_all quiet | slots_in_turn | diff -u "$T/want" -
	done
	in_mode
	mixed_slots 9
	drain_all | plain_slots_in_turn | diff -u "$T/want" -
	mixed_slots 9
	drain_all quiet | sed 's/^slot \(.*\): map \([0-9]*\) swapped .*/\1 \2/' |
		diff -u "$T/want" -
}

@test "maps come in that order whatever was swapped first" {
	needs_seccomp
	mixed_slots 40
	all_without MAP_UPDATE_BATCH | slots_in_turn | diff -u "$T/want" -
}

@test "maps come in that order beyond a batch of slots, however these are read" {
	needs_seccomp
	in_mode -j
	mixed_slots 1100
	drain_all | slots_in_turn | cmp - "$T/want"
	mixed_slots 1100
	all_without MAP_LOOKUP_BATCH | slots_in_turn | cmp - "$T/want"
}

@test "a map in several slots comes at the first of them, which are in order" {
	make_outer array_of_maps 8 6 --fill 1 hash
	last=$(inner_id "$PINS/outer" key 5 0 0 0)
	# In another order than the slots'
	for slot in 4 1 3; do
		bpftool map update pinned "$PINS/outer" key $slot 0 0 0 value id "$last"
	done
	in_mode -j
	drain_all | jq -e --argjson last "$last" '
		[.[] | (.slot // .slots[0])[0]] == ["0x00", "0x01", "0x02"] and
		.[1].id == $last and
		[.[1].slots[][0]] == ["0x01", "0x03", "0x04", "0x05"]'
}

@test "slots one by one: an update each, from several threads" {
	trace=$T/trace
	needs_seccomp
	make_outer array_of_maps 16 12 --fill 1 hash
	slots_and_ids >"$T/before"
	refuse MAP_UPDATE_BATCH EINVAL strace -f -qq -e trace=bpf -o "$trace" \
		"$BPFTOOL" map swap-drain pinned "$PINS/outer" all quiet
	[[ $(grep -c 'bpf(BPF_MAP_UPDATE_ELEM' "$trace") == 12 ]]
	[[ $(updating_threads "$trace") -gt 1 ]]
	all_new "$T/before" 12
}

# slots_with_holes TYPE: the first slot is empty, of a hash the last too, others
# around the end of the first batch
slots_with_holes() {
	local slot last=1099

	[[ $1 == hash_of_maps ]] || last=1098
	fresh_name
	make_outer "$1" 1100 1100 --fill 1 hash
	for slot in 0 1 700 1022 1023 1024 "$last"; do
		echo "map delete pinned $PINS/outer key $(slot_bytes "$slot")"
	done | bpftool batch file - >/dev/null
	slots_and_ids >"$T/want"
	[[ $(wc -l <"$T/want") == 1093 ]]
}

# A hash has its slots in another order each time
by_slot() {
	jq -c 'map(del(.id, .name)) | sort_by(.slot) | .[]' "$1"
}

@test "slots one by one where no batch of them can be read: the same maps" {
	got=$T/got
	needs_seccomp
	in_mode -j
	for type in array_of_maps hash_of_maps; do
		slots_with_holes $type
		drain_all >"$got.batch"
		slots_with_holes $type
		all_without MAP_LOOKUP_BATCH >"$got"
		slots_in_turn "$got" | sort | cmp - "$T/want"
		cmp <(by_slot "$got") <(by_slot "$got.batch")
		[[ $(slots_and_ids | wc -l) == 1093 ]]
		nothing_left
	done
}

# second_batch_fails TYPE: swap-drains with the second lookup of a batch of slots
# failing; $status is the run's, its output is in the file "got"
second_batch_fails() {
	needs_at_call
	slots_with_holes "$1"
	status=0
	at_call -n 2 error=EINVAL \
		"bpf\(BPF_MAP_LOOKUP_BATCH, map=$(map_id "$PINS/outer"), count=1024," \
		"$BPFTOOL" -j map swap-drain pinned "$PINS/outer" all \
		>"$T/got" || status=$?
}

@test "the second batch of slots can't be read: an array is read one by one" {
	second_batch_fails array_of_maps
	[[ $status == 0 ]]
	slots_in_turn "$T/got" | sort | cmp - "$T/want"
	[[ $(slots_and_ids | wc -l) == 1093 ]]
}

@test "the second batch of slots can't be read: a hash is left as it was" {
	second_batch_fails hash_of_maps
	[[ $status == 255 ]]
	jq -e '.error | contains("read the slots")' "$T/got"
	! grep swapped "$T/got" || return
	slots_and_ids | cmp - "$T/want"
	nothing_left
}
