# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# An outer map, $PINS/outer, with many filled slots. Needs slot.bash.

# make_outer OUTER_TYPE ENTRIES [SLOTS OPTION_OF_MAP_MAKE... INNER_TYPE]: the
# slots 0 to SLOTS-1 are filled, by default none
make_outer() {
	local outer_type=$1 entries=$2 slots=${3-0}

	shift $(($# > 3 ? 3 : $#))
	(($#)) || set -- hash
	rm -rf "$PINS/outer" "$PINS/template"
	map_make --name "$INNER_NAME"t "$@" "$PINS/template"
	bpftool map create "$PINS/outer" type "$outer_type" key 4 value 4 \
		entries "$entries" name "$OUTER_NAME" \
		inner_map pinned "$PINS/template"
	rm "$PINS/template"
	((slots == 0)) ||
		map_make --name "$INNER_NAME" --slots "$slots" "$@" "$PINS/outer"
}

# drain_all [ARG...]
# shellcheck disable=SC2120 # the tests pass them
drain_all() {
	bpftool "${MODE[@]}" map swap-drain pinned "$PINS/outer" all "$@"
}

# Before LIMIT COMMAND...: root may raise the limit
# shellcheck disable=SC2016,SC2034 # they are the other shell's, and the tests use it
UNPRIVILEGED_LIMIT=(capsh --drop=cap_sys_resource -- -c '
	ulimit -n "$1"
	shift
	exec "$@"' --)

# "KEY ID" for each filled slot, a line each, sorted
slots_and_ids() {
	slots_of "$PINS/outer" | sort
}

# How many threads updated single slots? From a trace of strace -f.
updating_threads() {
	awk '/bpf\(BPF_MAP_UPDATE_ELEM/ { print $1 }' "$1" | sort -u | wc -l
}

# Drains and forgets what runs left in the tests' own journal
recover_all() {
	bpftool -j map swap-drain recover journal "$PINS/journal"
}

# No run of ours left a pin
nothing_left() {
	[[ -z $(left_pins) ]]
	[[ ! -e $PINS/journal || -z $(find "$PINS/journal" -mindepth 1) ]]
}

# What drain_all prints besides what map dump does: the slots' keys
without_slots() {
	sed -e '/^\tslot [0-9a-f ]*$/d' -e 's/"slot":\["0x[^]]*"\],//g' |
		sed -e '/^ *"slot": \[/,/^ *\],$/d'
}

# The maps of earlier turns may not all be gone yet
fresh_name() {
	TURN=$((${TURN-0} + 1))
	INNER_NAME=in_${WORLD-}$$_$TURN
}

# What must be gone in the end, as cleanup_slot sees it
all_names() {
	INNER_NAME="in_${WORLD-}$$[_0-9t]*"
}

# drained_as_dumped WHAT [FORM]: against a dump of all maps that are in the slots
drained_as_dumped() {
	local want=$BATS_TEST_TMPDIR/want got=$BATS_TEST_TMPDIR/got

	in_mode "${@:2}"
	plain_bpftool "${MODE[@]}" map dump name "$INNER_NAME" >"$want"
	# shellcheck disable=SC2119
	drain_all | without_slots >"$got"
	if [[ ! -s $want ]] || ! same_maps "$want" "$got"; then
		diff -u "$want" "$got" | head -n 40 >&2
		echo "form '${*:2}' of: $1" >&2
		return 1
	fi
}

# as_dump_of_several OUTER_TYPE OPTION_OF_MAP_MAKE... TYPE: drained in each form
as_dump_of_several() {
	local form

	for form in "" -j -jp; do
		fresh_name
		make_outer "$1" 4 3 "${@:2}"
		drained_as_dumped "$*" ${form:+"$form"}
	done
	all_names
}

# The same of maps that look alike but for their types: every other one is a struct
as_dump_of_other_types() {
	local form size slot btf

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
	all_names
}

# A hash of maps has its slots in another order than the maps were made in:
# the lines' order is compared for an array only, but none may miss
same_maps() {
	cmp -s "$1" "$2" ||
		{ [[ $(slot_type) == hash_of_maps ]] &&
			cmp -s <(in_lines "$1") <(in_lines "$2"); }
}

in_lines() {
	sed 's/},{"id"/},\n{"id"/g' "$1" | tr -d '[]' | sed 's/,$//' | sort
}

slot_type() {
	map_make --info "$PINS/outer" | sed -n 's/^type 13$/hash_of_maps/p'
}

# Six slots, 0 and 5 with the same map; what is in them, in $BEFORE
six_slots() {
	release_pins
	rm -rf "$PINS/journal"
	make_outer "$FAULT_TYPE" 8 6 --fill 2 --btf counters --key 12 hash
	bpftool map update pinned "$PINS/outer" key 5 0 0 0 \
		value id "$(slots_and_ids | sed -n 's/^00 .* //p')"
	BEFORE=$(slots_and_ids | sed 's/.* //' | sort -u)
	[[ $(wc -l <<<"$BEFORE") == 5 ]]
}

# shellcheck disable=SC2034 # the tests run it
swap_all() {
	SWAP_ALL=("$BPFTOOL" -j map swap-drain pinned "$PINS/outer" all
		journal "$PINS/journal")
}
