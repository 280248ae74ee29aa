# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain MAP all: every filled slot in one run

load ../lib/slot
load ../lib/load

teardown() {
	load_stop
	cleanup_slot
}

@test "no filled slot: nothing in plain, [] with -j" {
	for type in array_of_maps hash_of_maps; do
		make_outer $type 4
		run --separate-stderr drain_all
		[[ $status == 0 && $output == "" && $stderr != *Error* ]]
		run --separate-stderr drain_all quiet
		[[ $status == 0 && $output == "" ]]
		in_mode -j
		for form in "" quiet clear; do
			# shellcheck disable=SC2086 # or no word
			run --separate-stderr drain_all $form
			[[ $status == 0 && $output == "[]" ]]
		done
		in_mode
		nothing_left
	done
}

@test "several slots: in all forms as map dump prints several maps" {
	for type in array_of_maps hash_of_maps; do
		as_dump_of_several $type --fill 5 hash
		as_dump_of_several $type --fill 5 --btf counters --key 12 hash
		as_dump_of_several $type --fill 5 --btf struct percpu_hash
		# As a loader makes them, with one BTF for all
		as_dump_of_several $type --fill 5 --btf counters --share-btf hash
		as_dump_of_several $type --entries 3 --fill 3 array
		as_dump_of_several $type --fill 0 hash
	done
}

@test "maps of the same sizes and other types: each is printed with its own" {
	for form in "" -j -jp; do
		fresh_name
		make_outer array_of_maps 4 0 --btf struct hash
		slot=0 size=0
		for btf in struct bytes struct bytes; do
			other_map --fill 3 --btf $btf --value "$size" hash "$PINS/one"
			size=$(map_make --info "$PINS/one" | sed -n 's/^value_size //p')
			bpftool map update pinned "$PINS/outer" key $((slot++)) 0 0 0 \
				value pinned "$PINS/one"
			rm "$PINS/one"
		done
		drained_as_dumped "two types" ${form:+"$form"}
	done
}

@test "maps with types and without: all are printed as bytes" {
	make_outer array_of_maps 4 1 --fill 3 --btf counters hash
	size=$(bpftool -j map show id "$(slot_id)" | jq .bytes_value)
	other_map --fill 3 --value "$size" hash "$PINS/plain"
	bpftool map update pinned "$PINS/outer" key 1 0 0 0 value pinned "$PINS/plain"
	drain_all >"$T/out"
	[[ $(grep -c '^Found 3 elements$' "$T/out") == 2 ]]
	[[ $(grep -c '^key:' "$T/out") == 6 ]]
}

@test "each map has its slot's key" {
	for type in array_of_maps hash_of_maps; do
		make_outer $type 8 5 --fill 2 hash
		want=$(slots_and_ids)
		[[ $(wc -l <<<"$want") == 5 ]]
		in_mode -j
		drain_all | slots_in_turn | sort | diff -u <(echo "$want") -

		in_mode
		want=$(slots_and_ids)
		drain_all | plain_slots_in_turn | sort | diff -u <(echo "$want") -
	done
}

@test "a single filled slot is a list of one" {
	make_slot array_of_maps --fill 2 hash
	in_mode -j
	drain_all >"$T/got"
	jq -e --argjson id "$(map_id "$PINS/inner")" 'length == 1 and
		.[0].slot == ["0x00","0x00","0x00","0x00"] and
		.[0].id == $id and .[0].type == "hash" and .[0].flags == 0' \
		"$T/got"
	cmp <(jq -c '.[0].elements' "$T/got") <(dump "$PINS/inner" | jq -c .)
}

# The slots 0, 2 and 3 have the same map; 1 has another
share_a_map() {
	local slot

	make_outer "$1" 4 2 --fill 2 hash
	rm -f "$PINS/shared"
	other_map --fill 3 hash "$PINS/shared"
	for slot in 0 2 3; do
		bpftool map update pinned "$PINS/outer" key $slot 0 0 0 \
			value pinned "$PINS/shared"
	done
}

@test "a map in several slots is printed once, and replaced by one map" {
	for type in array_of_maps hash_of_maps; do
		share_a_map $type
		in_mode -j
		drain_all >"$T/got"
		jq -e --argjson id "$(map_id "$PINS/shared")" 'length == 2 and
			(.[] | select(.id == $id) | (.elements | length) == 3 and
			 (has("slot") | not) and
			 ([.slots[][0]] | sort) == ["0x00","0x02","0x03"]) and
			(.[] | select(.id != $id) | .slot[0] == "0x01" and
			 (has("slots") | not))' "$T/got"

		ids=$(slots_and_ids | awk '{ print $1, $NF }')
		[[ $(wc -l <<<"$ids") == 4 ]]
		[[ $(grep -v '^01' <<<"$ids" | awk '{ print $2 }' | sort -u |
			wc -l) == 1 ]]
		[[ $(awk '{ print $2 }' <<<"$ids" | sort -u | wc -l) == 2 ]]
		[[ $ids != *" $(map_id "$PINS/shared")"* ]]

		share_a_map $type
		in_mode
		drain_all >"$T/got"
		[[ $(grep -c $'^\tslot 0[023] 00 00 00' "$T/got") == 3 ]]
		[[ $(grep -c "^$(map_id "$PINS/shared"): " "$T/got") == 1 ]]
		nothing_left
	done
}

@test "quiet tells of each slot" {
	for type in array_of_maps hash_of_maps; do
		share_a_map $type
		want=$(slots_and_ids)
		in_mode -j
		run -0 --separate-stderr drain_all quiet
		slots_in_turn <<<"$output" | sort | diff -u <(echo "$want") -
		jq -r '.[] | "\(.slot | map(.[2:]) | join(" ")) \(.new_id)"' \
			<<<"$output" | sort | diff -u <(slots_and_ids) -

		in_mode
		want=$(slots_and_ids)
		run --separate-stderr drain_all quiet
		[[ $status == 0 && ${#lines[@]} == 4 ]]
		sed -n 's/^slot \(.*\): map \([0-9]*\) swapped for map .*, waited [0-9]* us (.*)$/\1 \2/p' \
			<<<"$output" | sort | diff -u <(echo "$want") -
	done
}

@test "clear empties every map, after it was printed" {
	in_mode -j
	for form in "" quiet; do
		share_a_map array_of_maps
		# shellcheck disable=SC2086 # or no word
		drain_all clear $form >"$T/got"
		[[ $form ]] || jq -e '[.[].elements | length] | sort == [2, 3]' "$T/got"
		[[ $(dump "$PINS/shared") == "[]" ]]
		nothing_left
	done
}

@test "key, value and keep don't go with all" {
	all=(swap-drain pinned "$PINS/outer" all)
	make_slot
	other_map hash "$PINS/other"
	refused "'value' is for one slot" "${all[@]}" value pinned "$PINS/other"
	refused "'keep' is for one slot" "${all[@]}" keep "$PINS/kept"
	refused "'key' and 'all' exclude each other" "${all[@]}" key 0 0 0 0
	refused "'all' is given twice" "${all[@]}" all
	drain_refused "'key' and 'all' exclude each other" all
	nothing_left
	[[ ! -e $PINS/kept ]]
}

@test "output that fails: all old maps are pinned, and recover prints them" {
	for type in array_of_maps hash_of_maps; do
		for form in "" -j; do
			share_a_map $type
			bpftool -j map dump pinned "$PINS/shared" >"$T/shared"
			in_mode ${form:+"$form"}
			run -255 bash -c '"$@" 2>&1 >/dev/full' _ "$BPFTOOL" "${MODE[@]}" \
				map swap-drain pinned "$PINS/outer" all \
				journal "$PINS/journal"
			run=$(grep -o "$PINS/journal/[0-9_]*" <<<"$output" | sed -n 1p)
			[[ -d $run && $(find "$run" -type f | wc -l) == 2 ]]
			[[ -e $run/$(map_id "$PINS/outer")_$(map_id "$PINS/shared") ]]
			recover_all >"$T/got"
			jq -e 'length == 2' "$T/got"
			cmp <(jq -c --argjson id "$(map_id "$PINS/shared")" \
				'.[] | select(.id == $id) | .elements' "$T/got") \
				<(jq -c . "$T/shared")
			[[ $(recover_all) == "[]" && ! -e $run ]]
		done
	done
}

# After a run that may have failed: each map is in its slot, or was printed, or
# is pinned, and then it was said where
nothing_is_lost() {
	local id pin in_slots printed run

	in_slots=$(slots_and_ids | sed 's/.* //')
	printed=
	if ((status == 0)); then
		printed=$(jq '.[].id' "$OUT")
	fi
	# An error's object stands inside the list, or alone, or on stderr
	run=$(grep -ho "$PINS/journal/[0-9_]*" "$OUT" "$OUT.err" | sed -n 1p) ||
		true
	for id in $BEFORE; do
		grep -qx "$id" <<<"$in_slots" && continue
		grep -qx "$id" <<<"$printed" && continue
		pin=$run/$(map_id "$PINS/outer")_$id
		[[ $run && -e $pin && $(map_id "$pin") == "$id" ]] && continue
		echo "map $id is lost, status $status:" >&2
		cat "$OUT" "$OUT.err" >&2
		return 1
	done
}

# Slots that still have the maps of before
untouched() {
	slots_and_ids | sed 's/.* //' | grep -cxF "$BEFORE" || true
}

@test "a failure in any of the swap's calls: each map is somewhere" {
	failed=0
	for FAULT_TYPE in array_of_maps hash_of_maps; do
		for what in "ENOMEM BPF_MAP_UPDATE_BATCH 1" \
			"ENOMEM BPF_MAP_CREATE,.*inner 3" "EPERM BPF_OBJ_PIN 1" \
			"ENOSPC BPF_OBJ_PIN 3" "ENOMEM BPF_BTF_GET_FD_BY_ID 2" \
			"ENOMEM BPF_MAP_LOOKUP_BATCH,.*count=16, 3"; do
			read -r error call nth <<<"${what/inner/$INNER_NAME}"
			inject "$error" "$call" "$nth" six_slots "${SWAP_ALL[@]}"
			nothing_is_lost
			((status == 0)) || failed=$((failed + 1))
			recover_all >/dev/null
		done
	done
	# What a batch can't do is done in other ways, the rest are errors
	((failed == 8))
}

# The batch fails, and then all updates but the first two
@test "some slots are swapped and others can't be" {
	needs_seccomp
	needs_at_call
	OUT=$T/injected
	for FAULT_TYPE in array_of_maps hash_of_maps; do
		six_slots
		status=0
		refuse MAP_UPDATE_BATCH EINVAL "$BUILD/tests/at_call" -a -n 3 \
			error=ENOMEM 'bpf\(BPF_MAP_UPDATE_ELEM' \
			"${SWAP_ALL[@]}" >"$OUT" 2>"$OUT.err" || status=$?
		nothing_is_lost
		[[ $status == 255 && $(untouched) == 4 ]]
		jq -e '.swapped and .pinned and (.error | contains("2 of 6"))' "$OUT"

		# The maps that are still in a slot are not recovered
		slots_and_ids | sed 's/.* //' | sort -u >"$T/in"
		recover_all | jq -r '.[].id' | sort | diff -u <(grep -vxFf "$T/in" <<<"$BEFORE") -
		nothing_left
	done
}

@test "slot by slot where the kernel takes no batch: the same result" {
	got=$T/got
	needs_seccomp
	SWAP_ALL=("${SWAP_ALL[0]}" -d "${SWAP_ALL[@]:1}")
	for FAULT_TYPE in array_of_maps hash_of_maps; do
		six_slots
		refuse MAP_UPDATE_BATCH EINVAL "${SWAP_ALL[@]}" \
			>"$got" 2>"$got.err"
		grep "^slots are swapped one by one: " "$got.err"
		jq -r '.[].id' "$got" | sort | diff -u <(echo "$BEFORE") -
		jq -e 'all(.[]; .elements | length == 2) and length == 5' "$got"
		[[ $(untouched) == 0 ]]
		slots_and_ids >"$got"
		[[ $(wc -l <"$got") == 6 ]]
		# Still one map in the slots 0 and 5, and others elsewhere
		[[ $(sed 's/.* //' "$got" | sort -u | wc -l) == 5 ]]
		[[ $(sed -n 's/^00.* //p' "$got") == $(sed -n 's/^05.* //p' "$got") ]]
		nothing_left
	done
}

@test "1,024 slots one by one" {
	got=$T/got
	needs_seccomp
	make_outer array_of_maps 1024 1024 --fill 2 hash
	slots_and_ids >"$T/want"
	all_without MAP_UPDATE_BATCH >"$got"
	jq -e 'all(.[]; .elements | length == 2)' "$got"
	slots_in_turn "$got" | sort | cmp - "$T/want"
	nothing_left
}

drain_all_once() {
	if_ok bpftool -j map swap-drain pinned "$PINS/outer" all
}

# Adds up the lists of maps that "all" prints
add_up_all() {
	jq -c '.[].elements' | add_up
}

# LOAD_SECONDS (default 10) are for all of them
@test "nothing is lost under load with 16 slots" {
	while read -r outer inner; do
		load_start --outer "$outer" --inner "$inner" --slots 16
		drained=$(drain_for $((${LOAD_SECONDS:-10} * 250)) drain_all_once | add_up_all)
		load_stop
		exact "${outer}_of_maps of $inner" "$drained" "$(drain_all_once | add_up_all)"
	done <<-END
		array hash
		array percpu_array
		hash percpu_hash
		hash array
	END
}
