# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# However a run ends, it leaves no map, program or pin but those that it
# should. Maps are counted by their names, through bpftool.

load ../lib/holders

# Two slots, whose maps only the slots hold
setup() {
	setup_slot
	make_outer array_of_maps 4 2 --fill 3 hash
}

# left MAPS PINS: so many are there, and nothing in the usual journal
left() {
	wait_until we_have "$1" || {
		our_maps
		return 1
	}
	run -0 find "$PINS" -type f
	[[ ${#lines[@]} == "$2" && -z $(left_pins) ]]
}

# ends STATUS [ARG...]: a swap-drain of the first slot
ends() {
	echo "${*:2}"
	run "-$1" drain_here "${@:2}"
}

@test "what runs to its end leaves the outer map and what is in its slots" {
	left 3 1
	for mode in "" -j -jp; do
		in_mode ${mode:+"$mode"}
		for args in "" clear quiet force "clear quiet"; do
			# shellcheck disable=SC2086
			ends 0 $args
			left 3 1
		done
	done
}

@test "the same with each provider, by itself and in a batch" {
	for provider in $(providers); do
		bpftool map sync using "$provider" >/dev/null 2>&1 || continue
		ends 0 using "$provider"
		left 3 1
	done
	printf '%s\n' "map sync" "map swap-drain pinned $PINS/outer key 0 0 0 0 journal $PINS/journal" \
		"map sync" >"$BATS_TEST_TMPDIR/batch"
	bpftool batch file "$BATS_TEST_TMPDIR/batch"
	left 3 1
}

@test "the same after many in a row, with all slots, and in the usual journal" {
	for _ in {1..20}; do
		ends 0 quiet
	done
	left 3 1
	run -0 drain_all journal "$PINS/journal"
	left 3 1
	run -0 drain
	left 3 1
}

@test "keep leaves one map and one pin more" {
	ends 0 keep "$PINS/kept"
	left 4 2
}

@test "two maps that take turns are two" {
	other_map hash "$PINS/spare"
	ends 0 value pinned "$PINS/spare" keep "$PINS/kept" clear
	left 4 3
	rm "$PINS/spare"
	ends 0 value pinned "$PINS/kept" clear
	left 3 2
}

@test "a refused run leaves what was there" {
	before=$(slots_and_ids)
	for args in nonsense "quiet quiet" "using nothing" "keep /nowhere/x" \
		    "keep $PINS/outer" "keep $PINS/none/kept" \
		    "value pinned $PINS/none" "value id $(slot_id)"; do
		# shellcheck disable=SC2086
		ends 255 $args
		left 3 1
	done

	other_map array "$PINS/odd"
	ends 255 value pinned "$PINS/odd"
	left 4 2
	rm "$PINS/odd"
	[[ $(slots_and_ids) == "$before" ]]

	bpftool map update pinned "$PINS/outer" key 2 0 0 0 \
		value id "$(slot_id)"
	ends 255
	left 3 1
	journal_is_empty
}

@test "a run that can't print leaves the old map pinned, recover lets it go" {
	run -255 full drain_here
	left 4 2
	recover_all
	left 3 1
	journal_is_empty
}

# killed WHAT CALL: a run is killed there
killed() {
	run_of
	run -137 at_call "$@" "${RUN[@]}"
	[[ -z $output ]]
}

@test "a killed run leaves the old map pinned, recover lets it go" {
	needs_at_call
	killed signal=KILL 'bpf\(BPF_MAP_LOOKUP_ELEM'
	left 3 1
	killed after='kill -KILL "$TRACED"' 'bpf\(BPF_MAP_UPDATE_ELEM'
	left 4 2
	recover_all
	left 3 1
	journal_is_empty
}

# The iterator that tells sleepable programs, and its link, go with the run
no_iterator() {
	local progs links

	progs=$(bpftool prog show) && links=$(bpftool link show) &&
		[[ $progs != *' name list '* && $links != *'target_name bpf_prog'* ]]
}

@test "the iterator that is asked about programs does not stay" {
	rm "$PINS/outer"
	load_prog sleep_use uprobe_plain
	drain_here
	wait_until no_iterator
}

@test "the scratch maps of a wait do not stay" {
	bpftool map sync using map_in_map_update
	# Others may have some at this moment, which are gone at the next
	for id in $(bpftool map show | sed -n 's/^\([0-9]*\): .* name sync_.*/\1/p'); do
		wait_until none_left map "$id"
	done
}
