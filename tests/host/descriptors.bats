# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Standard descriptors that are closed, full, or go away: nothing is touched, or
# the old map is pinned where the message tells

load ../lib/slot

setup() {
	setup_slot
	make_slot array_of_maps --fill 100 hash
	dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
}

teardown() {
	release_pins
	cleanup_slot
}

untouched() {
	[[ $(slot_id) == "$(map_id "$PINS/inner")" && -z $(left_pins) ]]
}

# The pin that the plain message names, with all entries in it
pinned_and_named() {
	[[ $status == 255 ]]
	[[ $(wc -l <<<"$(said)") == 1 ]]
	[[ $(said) == "Error: "*"; slot was swapped, old map is pinned at $(left_pins)" ]]
	[[ $(slot_id) != "$(map_id "$PINS/inner")" ]]
	in_mode
	dump "$(left_pins)" | cmp "$BATS_TEST_TMPDIR/want"
}

# The same with -j: stderr has the object, as stdout is what failed
pinned_and_named_json() {
	[[ $status == 255 ]]
	jq -es 'length == 1 and (.[0] | (.error | length > 0) and .swapped)' \
		<<<"$(said)"
	[[ $(said | jq -r .pinned) == "$(left_pins)" ]]
	in_mode
	dump "$(left_pins)" | cmp "$BATS_TEST_TMPDIR/want"
}

# Redirected in functions, as "run" has redirections of its own
stdout_closed() {
	drain "$@" >&-
}

stdout_read_only() {
	drain 1</dev/null
}

stderr_closed() {
	drain 2>&-
}

stderr_read_only() {
	drain 2</dev/null
}

all_closed() {
	drain <&- >&- 2>&-
}

full() {
	drain "$@" >/dev/full
}

@test "stdout closed" {
	run --separate-stderr stdout_closed
	[[ $status == 255 && $(said) == "Error: stdout is closed" ]]
	untouched
	in_mode -j
	run --separate-stderr stdout_closed quiet
	[[ $status == 255 ]]
	jq -es 'length == 1 and (.[0].error == "stdout is closed")' <<<"$(said)"
	untouched
}

@test "stdout opened for reading only" {
	run --separate-stderr stdout_read_only
	[[ $status == 255 && $(said) == "Error: stdout is not writable" ]]
	untouched
	in_mode -j
	run --separate-stderr stdout_read_only
	[[ $status == 255 ]]
	jq -es 'length == 1 and (.[0].error | length > 0)' <<<"$(said)"
	untouched
}

@test "stderr closed, or opened for reading only" {
	run --separate-stderr stderr_closed
	[[ $status == 255 && -z $output ]]
	untouched
	run --separate-stderr stderr_read_only
	[[ $status == 255 && -z $output ]]
	untouched
}

@test "stderr closed with -j: the error is on stdout" {
	in_mode -j
	run --separate-stderr stderr_closed
	[[ $status == 255 ]]
	jq -es 'length == 1 and (.[0].error == "stderr is closed")' <<<"$output"
	untouched
}

@test "stdin closed: works" {
	drain <&- >"$BATS_TEST_TMPDIR/got"
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
}

@test "all three closed" {
	run all_closed
	[[ $status == 255 ]]
	untouched
}

@test "a full stdout" {
	run --separate-stderr full
	[[ $stderr == *"No space left on device"* ]]
	pinned_and_named
}

@test "a full stdout with -j" {
	in_mode -j
	run --separate-stderr full
	pinned_and_named_json
}

@test "a full stdout with -j: an error that is not about it is on stderr" {
	local verb

	for verb in drain swap-drain; do
		run --separate-stderr bash -c '"$@" >/dev/full' full \
			"$BPFTOOL" -j map $verb name nosuch
		[[ $status == 255 ]]
		jq -es 'length == 1 and (.[0].error | test("nosuch"))' <<<"$stderr"
	done
}

@test "a full stdout with quiet" {
	run --separate-stderr full quiet
	pinned_and_named
}

@test "a full stdout with quiet and -j" {
	in_mode -j
	run --separate-stderr full quiet
	pinned_and_named_json
}

@test "a full stdout with BTF, whose plain form is another writer's" {
	make_slot array_of_maps --fill 100 --btf struct hash
	dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
	run --separate-stderr full
	pinned_and_named
}

@test "a full stdout: keep and clear are left undone" {
	run --separate-stderr full clear keep "$PINS/kept"
	pinned_and_named
	[[ ! -e $PINS/kept ]]
	dump "$PINS/inner" | cmp "$BATS_TEST_TMPDIR/want"
}

# fills_up SIZE: the drain into a file system of that size
fills_up() {
	local disk=$BATS_TEST_TMPDIR/disk status=0

	mkdir -p "$disk"
	mount -t tmpfs -o "size=$1" tmpfs "$disk"
	drain >"$disk/out" || status=$?
	umount "$disk"
	return $status
}

@test "a stdout that fills up on the way" {
	make_slot array_of_maps --fill 20000 hash
	dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
	run --separate-stderr fills_up 128k
	[[ $stderr == *"No space left on device"* ]]
	pinned_and_named
	release_pins

	fill_slot
	in_mode -j
	run --separate-stderr fills_up 128k
	pinned_and_named_json
}

# reader_leaves COMMAND...: the drain into a pipe to that command
reader_leaves() {
	local status

	drain | "$@" >"$BATS_TEST_TMPDIR/read"
	status=${PIPESTATUS[0]}
	return "$status"
}

@test "a reader that goes away: | head -c 100" {
	make_slot array_of_maps --fill 50000 hash
	dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
	run --separate-stderr reader_leaves head -c 100
	[[ $stderr == *"Broken pipe"* ]]
	pinned_and_named
	cmp "$BATS_TEST_TMPDIR/read" <(head -c 100 "$BATS_TEST_TMPDIR/want")
	release_pins

	fill_slot
	in_mode -j
	run --separate-stderr reader_leaves head -c 100
	pinned_and_named_json
}

@test "Ctrl-C, a hangup or a kill in the middle: pinned, with every entry" {
	local signal

	for signal in INT HUP TERM KILL; do
		make_slot array_of_maps --fill 50000 hash
		dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
		slow_drain
		kill -$signal "$pid"
		slow_drain_end
		[[ $status != 0 ]]
		dump "$(left_pins)" | cmp "$BATS_TEST_TMPDIR/want"

		# The next run says where it is
		make_other_slot
		run --separate-stderr bpftool map swap-drain \
			pinned "$PINS/outer2" "${SLOT[@]}" quiet
		[[ $status == 0 ]]
		grep -F " at $(left_pins); " <<<"$stderr"
		release_pins
	done
}

@test "a slow reader gets all of it" {
	make_slot array_of_maps --fill 50000 hash
	dump "$PINS/inner" >"$BATS_TEST_TMPDIR/want"
	slow_drain
	[[ $(left_pins) ]]
	slow_drain_end
	[[ $status == 0 && -z $(left_pins) ]]
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/printed"
}

make_other_slot() {
	rm -f "$PINS/outer2"
	other_map hash "$PINS/spare"
	bpftool map create "$PINS/outer2" type array_of_maps \
		key 4 value 4 entries 1 name "$OUTER_NAME" \
		inner_map pinned "$PINS/spare"
	bpftool map update pinned "$PINS/outer2" "${SLOT[@]}" \
		value pinned "$PINS/spare"
	rm "$PINS/spare"
}
