# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# No map and no pin is left by a swap-drain, however it ends; and none is missing
# that a message names

load ../lib/slot

setup() {
	setup_slot
	make_slot
	dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
	WORDS=(map swap-drain pinned "$PINS/outer" "${SLOT[@]}")
}

teardown() {
	release_pins
	cleanup_slot
}

# refused_run [WORD...]: nothing is pinned, not for a moment later either
refused_run() {
	run -255 drain "$@"
	[[ ! -e /sys/fs/bpf/swap_drain ]] || rmdir /sys/fs/bpf/swap_drain
}

# The old map is pinned, with all in it, and the message says where
swapped_and_pinned() {
	[[ $status == 255 ]]
	[[ $(slot_id) != "$(map_id "$PINS/inner")" ]]
	[[ $(map_id "$(left_pins)") == "$(map_id "$PINS/inner")" ]]
	[[ $(said) == *"slot was swapped, old map is pinned at $(left_pins)" ]]
	dump "$(left_pins)" | cmp "$BATS_TEST_TMPDIR/want"
}

@test "after a refusal for the map in the slot" {
	make_slot array_of_maps --fill 3 --freeze hash
	refused_run
	wait_until we_have 2
	make_slot array_of_maps bloom_filter
	refused_run
	wait_until we_have 2
}

@test "after the kernel refused the update" {
	make_slot array_of_maps --fill 3 --btf lock hash
	other_map --value 8 hash "$PINS/other"
	refused_run value pinned "$PINS/other"
	[[ $(slot_id) == "$(map_id "$PINS/inner")" ]]
	wait_until we_have 3
}

@test "after the update failed with a created replacement" {
	needs_at_call
	run --separate-stderr at_call error=ENOMEM 'bpf\(BPF_MAP_UPDATE_ELEM' \
		"$BPFTOOL" "${WORDS[@]}"
	[[ $status == 255 && $(said) == "Error: "*"Cannot allocate memory" ]]
	[[ $(slot_id) == "$(map_id "$PINS/inner")" && -z $(left_pins) ]]
	wait_until we_have 2
}

# cant_wait REASON WORDS COMMAND...: swapped, pinned and named, plain and with -j
cant_wait() {
	local form

	for form in "" -j; do
		# shellcheck disable=SC2086 # words or none
		run --separate-stderr "${@:3}" ${form:+"$form"} "${WORDS[@]}" $2
		if [[ $form ]]; then
			[[ $status == 255 ]]
			jq -es --arg pin "$(left_pins)" 'length == 1 and
				(.[0].swapped) and .[0].pinned == $pin' <<<"$output"
			dump "$(left_pins)" | cmp "$BATS_TEST_TMPDIR/want"
		else
			[[ -z $output && $stderr == *"can't wait with $1"* ]]
			swapped_and_pinned
		fi
		release_pins
		fill_slot
	done
	wait_until we_have 2
}

@test "after the wait failed: swapped, pinned and named" {
	need_strace
	several_cpus_online || skip "one CPU is online here"
	cant_wait "membarrier: Invalid" "using membarrier" \
		with_fault membarrier:error=EINVAL:when=2 --
}

# Types that name a command which the kernel does not have: only so can it fail
@test "after the command failed: swapped, pinned and named" {
	local types=$BATS_TEST_TMPDIR/types

	need_unshare
	! grep -qw BPF_SYNC_MAP_ACCESS "$KERNEL_BTF" ||
		skip "this kernel has the command"
	"$BUILD/tests/btf_make" "$types" bpf_cmd BPF_SYNC_MAP_ACCESS 60
	cant_wait "bpf_sync_map_access: Invalid argument" "" \
		over "$types" "$KERNEL_BTF" "$BPFTOOL"
}

@test "after reading failed: swapped, pinned and named" {
	needs_at_call
	run --separate-stderr at_call -a error=EIO \
		"bpf\(BPF_MAP_(LOOKUP|GET_NEXT).* map=$(map_id "$PINS/inner")," \
		"$BPFTOOL" "${WORDS[@]}"
	[[ $(said) == *"Input/output error"* ]]
	swapped_and_pinned
	release_pins
	wait_until we_have 3
}

# without_btf [OPTION]: of the map that comes second. Each has types of its own, so
# that those of the other are not at hand.
without_btf() {
	fill_slot
	bpftool map update pinned "$PINS/outer" key 1 0 0 0 value pinned "$PINS/second"
	run -255 --separate-stderr at_call -s "bpf\(BPF_MAP_LOOKUP_BATCH, map=$(slot_id)," \
		error=ENOMEM 'bpf\(BPF_BTF_GET_FD_BY_ID' "$BPFTOOL" "$@" \
		map swap-drain pinned "$PINS/outer" all
	LEFT=$(left_pins)
	diff <(for pin in $LEFT; do map_id "$pin"; done | sort -n) \
		<({ map_id "$PINS/inner"; map_id "$PINS/second"; } | sort -n)
	# Both in the folder of the run
	LEFT=$(dirname "${LEFT%%$'\n'*}")
	release_pins
}

@test "after the BTF to print it with could not be had: swapped, pinned and named" {
	needs_at_call
	make_slot array_of_maps --fill 3 --btf struct hash
	other_map --fill 2 --btf struct hash "$PINS/second"
	without_btf
	[[ $(said) == *"BTF of map"*"; slot was swapped, old map is pinned at $LEFT/"* ]]
	without_btf -j
	jq -es --arg run "$LEFT" 'length == 1 and
		(.[0][-1] | .swapped and (.pinned | startswith($run + "/")))' <<<"$output"
}

# The map is changed while its output waits in a pipe
@test "after the path to keep was taken in between: printed, pinned and named" {
	make_slot array_of_maps --fill 50000 hash
	dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
	slow_drain keep "$PINS/kept"
	mkdir "$PINS/kept"
	slow_drain_end
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/printed"
	[[ $(said) == *"can't be kept at $PINS/kept: File exists"* ]]
	swapped_and_pinned
}

# clear_fails: the run's output is complete
clear_fails() {
	make_slot array_of_maps --fill 50000 hash
	dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
	slow_drain clear
	bpftool map freeze pinned "$PINS/inner"
	slow_drain_end
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/printed"
}

@test "after clearing failed: printed, pinned and named" {
	clear_fails
	[[ $(said) == *"can't be cleared"* ]]
	swapped_and_pinned
}

@test "after clearing failed with -j: the error is on stderr, stdout complete" {
	in_mode -j
	clear_fails
	said | jq -es --arg pin "$(left_pins)" 'length == 1 and
		.[0].swapped and .[0].pinned == $pin'
}

@test "the folder of the journal is ours alone" {
	drain quiet
	[[ $(stat -c %a:%u /sys/fs/bpf/swap_drain) == 700:0 ]]
}

# What this file relies on: a map that is left is seen
@test "control: a map that is pinned elsewhere counts" {
	other_map hash "$PINS/more"
	we_have 3
	rm "$PINS/more"
	wait_until we_have 2
}
