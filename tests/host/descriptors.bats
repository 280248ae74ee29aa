# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Standard descriptors that are closed, full, or go away: nothing is touched, or
# the old map is pinned where the message tells

load ../lib/slot

setup() {
	setup_slot
	new_slot --fill 100 hash
}

# new_slot OPTION_OF_MAP_MAKE... TYPE: what is in it, in "want"
new_slot() {
	make_slot array_of_maps "$@"
	dump "$PINS/inner" >"$T/want"
}

teardown() {
	release_pins
	cleanup_slot
}

untouched() {
	[[ $(slot_id) == "$(map_id "$PINS/inner")" && -z $(left_pins) ]]
}

# full_stdout [WORD...]: the pin that the error names has all entries in it. With -j
# stderr has the object, as stdout is what failed.
full_stdout() {
	run -255 --separate-stderr full drain "$@"
	[[ $(wc -l <<<"$(said)") == 1 ]]
	if [[ ${MODE[*]} ]]; then
		jq -es 'length == 1 and (.[0] | (.error | length > 0) and .swapped)' \
			<<<"$(said)"
		[[ $(said | jq -r .pinned) == "$(left_pins)" ]]
	else
		[[ $(said) == "Error: "*"; slot was swapped, old map is pinned at $(left_pins)" ]]
	fi
	[[ $(slot_id) != "$(map_id "$PINS/inner")" ]]
	in_mode
	dump "$(left_pins)" | cmp "$T/want"
}

# Redirected in functions, as "run" has redirections of its own
stdout_closed() { drain "$@" >&-; }
stdout_read_only() { drain 1</dev/null; }
stderr_closed() { drain 2>&-; }
stderr_read_only() { drain 2</dev/null; }
all_closed() { drain <&- >&- 2>&-; }

# closed_is_refused WHERE WORDS REDIRECTED...: that is said there, and nothing is touched
closed_is_refused() {
	run -255 --separate-stderr "${@:3}"
	if [[ ! $1 ]]; then
		[[ -z $output ]]
	elif [[ ${MODE[*]} ]]; then
		jq -es --arg words "$2" 'length == 1 and (.[0].error == $words)' \
			<<<"${!1}"
	else
		[[ $(said) == "Error: $2" ]]
	fi
	untouched
}

@test "stdout closed, or opened for reading only" {
	for form in "" -j; do
		in_mode ${form:+"$form"}
		closed_is_refused stderr "stdout is closed" stdout_closed
		closed_is_refused stderr "stdout is closed" stdout_closed quiet
		closed_is_refused stderr "stdout is not writable" stdout_read_only
	done
}

@test "stderr closed, or opened for reading only" {
	closed_is_refused "" "" stderr_closed
	closed_is_refused "" "" stderr_read_only
	in_mode -j
	closed_is_refused output "stderr is closed" stderr_closed
}

@test "stdin closed: works" {
	drain <&- | cmp "$T/want"
}

@test "all three closed" {
	run -255 all_closed
	untouched
}

@test "a full stdout with -j: an error that is not about it is on stderr" {
	for verb in drain swap-drain; do
		run -255 --separate-stderr full "$BPFTOOL" -j map $verb name nosuch
		jq -es 'length == 1 and (.[0].error | test("nosuch"))' <<<"$stderr"
	done
}

@test "a full stdout with quiet" {
	full_stdout quiet
}

@test "a full stdout with quiet and -j" {
	in_mode -j
	full_stdout quiet
}

@test "a full stdout with BTF, whose plain form is another writer's" {
	new_slot --fill 100 --btf struct hash
	full_stdout
}

@test "a full stdout: keep and clear are left undone" {
	full_stdout clear keep "$PINS/kept"
	[[ ! -e $PINS/kept ]]
	dump "$PINS/inner" | cmp "$T/want"
}

@test "Ctrl-C, a hangup or a kill in the middle: pinned, with every entry" {
	for signal in INT HUP TERM KILL; do
		new_slot --fill 50000 hash
		slow_drain
		kill -$signal "$pid"
		slow_drain_end
		[[ $status != 0 ]]
		dump "$(left_pins)" | cmp "$T/want"

		# The next run says where it is
		other_map hash "$PINS/spare"
		bpftool map create "$PINS/outer2" type array_of_maps key 4 value 4 \
			entries 1 name "$OUTER_NAME" inner_map pinned "$PINS/spare"
		bpftool map update pinned "$PINS/outer2" "${SLOT[@]}" \
			value pinned "$PINS/spare"
		run -0 --separate-stderr bpftool map swap-drain \
			pinned "$PINS/outer2" "${SLOT[@]}" quiet
		grep -F " at $(left_pins); " <<<"$stderr"
		release_pins
		rm "$PINS"/{outer2,spare}
	done
}

@test "a slow reader gets all of it" {
	new_slot --fill 50000 hash
	slow_drain
	[[ $(left_pins) ]]
	slow_drain_end
	[[ $status == 0 && -z $(left_pins) ]]
	cmp "$T/want" "$T/printed"
}
