# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# An outer map, $PINS/outer, whose slot 0 0 0 0 holds the map $PINS/inner.
# Sourced after common.bash; a test file has setup_slot in its setup() and
# cleanup_slot in its teardown(), and calls make_slot.

# in_slot WORD...: how the slot is written on the command line
in_slot() {
	SLOT=("$@")
}
in_slot key 0 0 0 0

# in_mode [OPTION...]: options for the bpftool that dumps and drains
# shellcheck disable=SC2120 # the tests pass them
in_mode() {
	MODE=("$@")
}

# The maps' names tell ours from those of everybody else on the machine; a
# replacement has the name of the map that it replaces
setup_slot() {
	setup_bpffs
	MODE=()
	INNER_NAME=in_${WORLD-}$$
	OUTER_NAME=out_${WORLD-}$$
}

# Their ids
our_maps() {
	map_make --list | sed -n "s/ \($INNER_NAME\|$OUTER_NAME\)\$//p"
}

no_maps_of_ours() {
	[[ -z $(our_maps) ]]
}

# A test leaves no map behind, in no pin of its own and in none of the runs'.
# The kernel frees maps a moment later.
cleanup_slot() {
	cleanup_bpffs
	wait_until no_maps_of_ours || {
		release_pins
		return 1
	}
}

# make_slot [OUTER_TYPE [OPTION_OF_MAP_MAKE... INNER_TYPE]]
make_slot() {
	local outer_type=${1:-array_of_maps}

	shift $(($# ? 1 : 0))
	if (($# == 0)); then
		set -- --fill 3 hash
	fi
	rm -f "$PINS/inner" "$PINS/outer"
	map_make --name "$INNER_NAME" "$@" "$PINS/inner"
	bpftool map create "$PINS/outer" type "$outer_type" \
		key 4 value 4 entries 4 name "$OUTER_NAME" \
		inner_map pinned "$PINS/inner"
	fill_slot
}

# fill_slot [PIN]: puts the inner map, or the one at PIN, into the slot
# shellcheck disable=SC2120 # the tests pass it
fill_slot() {
	bpftool map update pinned "$PINS/outer" "${SLOT[@]}" \
		value pinned "${1:-$PINS/inner}"
}

# other_map OPTION_OF_MAP_MAKE... TYPE PIN: one more map of ours
other_map() {
	map_make --name "$INNER_NAME" "$@"
}

# The id of the map in the slot; nothing for an empty slot
slot_id() {
	slots_of "$PINS/outer" | sed -n 's/^00 00 00 00 //p'
}

# map_id PIN; "bpftool map show" looks at every process for its users
map_id() {
	map_make --info "$1" | sed -n 's/^id //p'
}

# dump PIN: by the base's bpftool, so that it is not our own writers that are
# compared with themselves
dump() {
	plain_bpftool "${MODE[@]}" map dump pinned "$1"
}

# Swap-drains the slot; arguments go to the end of the command line
drain() {
	bpftool "${MODE[@]}" map swap-drain pinned "$PINS/outer" \
		"${SLOT[@]}" "$@"
}

# slow_drain WORD...: swap-drains in the background, into a pipe that nobody
# reads, until that is full. The map has to be larger than a pipe. Sets $pid.
slow_drain() {
	local old dir=$BATS_TEST_TMPDIR

	old=$(slot_id)
	rm -f "$dir/fifo" "$dir/read_on"
	mkfifo "$dir/fifo"
	{
		until [[ -e $dir/read_on ]]; do
			sleep 0.1
		done
		cat
	} <"$dir/fifo" >"$dir/printed" 3>&- &
	reader=$!
	# A shell's background jobs ignore SIGINT
	env --default-signal=INT,QUIT "$BPFTOOL" "${MODE[@]}" map swap-drain \
		pinned "$PINS/outer" "${SLOT[@]}" "$@" \
		>"$dir/fifo" 2>"$dir/err" 3>&- &
	pid=$!
	wait_until sleeps_after_the_swap "$old"
}

# sleeps_after_the_swap OLD_ID: on a full pipe, whose sleep can be interrupted,
# unlike that of a grace period
sleeps_after_the_swap() {
	[[ $(slot_id) != "$1" ]] &&
		grep -q '^State:.*(sleeping)' "/proc/$pid/status"
}

# Reads the pipe until the run has ended: its output is in the file "printed",
# and $status and $stderr are as "run" sets them
slow_drain_end() {
	touch "$BATS_TEST_TMPDIR/read_on"
	# shellcheck disable=SC2034 # the tests read it
	wait "$pid" && status=0 || status=$?
	wait "$reader"
	# shellcheck disable=SC2034 # the tests read it
	stderr=$(cat "$BATS_TEST_TMPDIR/err")
}

# Pins that runs left behind for our inner maps, a path a line
left_pins() {
	local pin

	for pin in /sys/fs/bpf/swap_drain/*/*; do
		if map_make --info "$pin" 2>/dev/null |
			grep -qx "name $INNER_NAME"; then
			echo "$pin"
		fi
	done
}

# Removes them, and the runs' folders; another swap-drain may be faster at that
release_pins() {
	local pin

	left_pins | while read -r pin; do
		rm "$pin"
		rmdir --ignore-fail-on-non-empty "${pin%/*}" ||
			[[ ! -e ${pin%/*} ]]
	done
}
