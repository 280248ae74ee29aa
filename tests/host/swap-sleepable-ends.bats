# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck disable=SC2016,SC2034,SC2119,SC2153,SC2154,SC2317 # shells of their own, variables of others
# swap-drain that waits for sleepable programs must give up, gets a signal, or is killed;
# and what costs nothing without them

load ../lib/sleepable

# gave_up PROGRAM: the last run, after a second
gave_up() {
	cat "$OUT" "$OUT.err"
	[[ ! -s $OUT && $(wc -l <"$OUT.err") == 1 ]]
	grep -Eq "^Error: program [0-9]+ $1 .* still running after 1 s; .*pinned at $(journal_pins); .*bpftool map swap-drain recover journal $PINS/journal$" \
		"$OUT.err"
}

# given_up_and_recovered PROGRAM HOLD_FUNCTION...: the run, and recover while it is inside
# and after that
given_up_and_recovered() {
	"${@:2}"
	while_inside 'status=0 start=$(now_ms)
		drain_it timeout 1 >"$OUT.1" 2>"$OUT.1.err" || status=$?
		[[ $status == 255 ]]
		echo $(($(now_ms) - start)) ms
		swapped
		pin=$(journal_pins) status=0
		recover_it timeout 1 >"$OUT" 2>"$OUT.err" || status=$?
		[[ $status == 255 && $(journal_pins) == "$pin" ]]' "${HOLD[@]}"
	gave_up "$1"
	OUT=$OUT.1 gave_up "$1"

	in_background recover_it
	ended_with 0
	[[ ! -s $OUT.err ]]
	jq -e 'length == 1 and .[0].elements[0].value == 1000' "$OUT"
	journal_is_empty
	wait_until no_process
}

# What runs in the background prints the late add
ends_with_all() {
	ended_with 0
	grep 1000 "$OUT"
	journal_is_empty
}

@test "timeout: a syscall program keeps the map pinned until recover" {
	given_up_and_recovered syscall_sleeps sleeping syscall_sleeps
}

@test "timeout: a sleepable uprobe program keeps the map pinned until recover" {
	given_up_and_recovered uprobe_sleeps sleeping uprobe_sleeps
}

@test "timeout: a bpf_wq callback keeps the map pinned until recover" {
	given_up_and_recovered wq_start in_wq
}

@test "-j and timeout: one object with what there is to do" {
	sleeping syscall_sleeps
	while_inside 'status=0
		"$TOOL" -j map swap-drain pinned "$PINS/outer" key 0 0 0 0 \
			journal "$PINS/journal" timeout 1 >"$OUT" 2>"$OUT.err" ||
			status=$?
		[[ $status == 255 ]]' "${HOLD[@]}"
	[[ ! -s $OUT.err ]]
	jq -es --arg pin "$(journal_pins)" 'length == 1 and (.[0] | .swapped and
		.pinned == $pin and (.recover | test("recover")) and
		(.error | test("program [0-9]+ syscall_sleeps ")))' "$OUT"
	in_background recover_it
	ends_with_all
}

@test "recover waits until it has left" {
	sleeping syscall_sleeps
	while_inside '! drain_it timeout 1 >"$OUT" 2>&1
		in_background recover_it; sleep 1.5
		[[ ! -e $OUT.status && ! -s $OUT ]]
		swapped' "${HOLD[@]}"
	ends_with_all
}

@test "a signal ends it at once, names the pin, and leaves no process" {
	for signal in INT TERM HUP; do
		rm -rf "${PINS:?}"/*
		sleeping syscall_sleeps
		while_inside 'env --default-signal=INT,TERM,HUP "$TOOL" map swap-drain \
				pinned "$PINS/outer" key 0 0 0 0 \
				journal "$PINS/journal" >"$OUT" 2>"$OUT.err" &
			pid=$!
			wait_until swapped; sleep 0.5
			start=$(now_ms)
			kill -'$signal' $pid; status=0; wait $pid || status=$?
			[[ $status -gt 128 ]]
			echo $(($(now_ms) - start)) >"$OUT.took"' "${HOLD[@]}"
		echo "# $signal: $(<"$OUT.took") ms" >&3
		(($(<"$OUT.took") < 1000))
		[[ ! -s $OUT && $(wc -l <"$OUT.err") == 1 ]]
		grep -F "pinned at $(journal_pins); " "$OUT.err"
		wait_until no_process
		in_background recover_it
		ends_with_all
	done
}

@test "killed while it waits: the pin is there, and recover waits" {
	sleeping syscall_sleeps
	while_inside '"$TOOL" map swap-drain pinned "$PINS/outer" key 0 0 0 0 \
			journal "$PINS/journal" >"$OUT" 2>"$OUT.err" &
		pid=$!
		wait_until swapped; sleep 0.5
		kill -KILL $pid; wait $pid || true
		in_background recover_it; sleep 1.5
		[[ ! -e $OUT.status && ! -s $OUT ]]' "${HOLD[@]}"
	ends_with_all
	wait_until no_process
}

@test "a holder that comes while it waits: pinned" {
	sleeping syscall_sleeps
	while_inside 'in_background drain_it; until_swapped; sleep 1
		bpftool map update pinned "$PINS/outer" key 1 0 0 0 \
			value pinned "$PINS/first"
		[[ ! -e $OUT.status ]]' "${HOLD[@]}"
	ended_with 255
	[[ ! -s $OUT ]]
	grep -F "slot 01 00 00 00 of map" "$OUT.err"
	grep -F "pinned at $(journal_pins); " "$OUT.err"
	bpftool map delete pinned "$PINS/outer" key 1 0 0 0 2>/dev/null ||
		rm "$PINS/outer"
	in_background recover_it
	ends_with_all
}

@test "all: one wait, for all slots" {
	sleeping syscall_sleeps
	while_inside 'for slot in 1 2 3; do
			bpftool map create "$PINS/more$slot" type array key 4 value 8 \
				entries 1 name more
			bpftool map update pinned "$PINS/more$slot" key 0 0 0 0 \
				value $slot 0 0 0 0 0 0 0
			bpftool map update pinned "$PINS/outer" key $slot 0 0 0 \
				value pinned "$PINS/more$slot"
		done
		in_background "$TOOL" -d -j map swap-drain pinned "$PINS/outer" all \
			journal "$PINS/journal"
		until_swapped; sleep 1
		[[ ! -e $OUT.status && ! -s $OUT ]]' "${HOLD[@]}"
	ended_with 0
	[[ $(grep -c " us for sleepable programs$" "$OUT.err") == 1 ]]
	jq -e 'length == 4 and all(.elements | length == 1)' "$OUT"
	jq -e --argjson first "$(map_id "$PINS/first")" '.[] | select(.id == $first) |
		.elements[0].formatted.value == 1000' "$OUT"
	journal_is_empty
}

@test "the summary tells of both waits, of one without a sleepable program" {
	load_prog sleep_use syscall_sleeps
	in_mode -j
	drain_here quiet | jq -e '(.wait_us >= 0) and (.provider | length > 0) and
		(.sleepable | keys == ["provider", "wait_us"] and .wait_us > 0 and
		(.provider | length > 0))'
	rm "$PINS/syscall_sleeps_prog"
	wait_until none_left prog "$PROG"
	load_prog sleep_use tc_plain
	drain_here quiet | jq -e '.provider and (has("sleepable") | not)'
}

# left_swapped PIN: a run that is killed right after its swap
left_swapped() {
	run -137 at_call -s 'bpf\(BPF_MAP_UPDATE_ELEM' signal=KILL \
		'bpf\(BPF_(PROG|MAP)_GET_NEXT_ID' "$BPFTOOL" map swap-drain \
		pinned "$1" key 0 0 0 0 journal "$PINS/journal" force
}

# Whichever of them recover looks at first
@test "a sleepable program on one map, callbacks in the values of another outer map's" {
	needs_at_call
	load_prog sleep_use syscall_sleeps
	load_prog callbacks in_timer
	ticking=$(slots_of "$PINS/timer_outer" | sed -n 's/^00 00 00 00 //p')
	left_swapped "$PINS/outer"
	left_swapped "$PINS/timer_outer"
	left_swapped "$PINS/outer"
	[[ $(journal_pins | wc -l) == 3 ]]

	run -255 --separate-stderr recover_all
	jq -e --argjson id "$ticking" '(map(select(.elements)) | length == 2 and
		all(.id != $id)) and (map(select(.error)) | length == 1 and
		(.[0].error | test("map \($id) .*its own values start callbacks")))' \
		<<<"$output"
	[[ $(map_id "$(journal_pins)") == "$ticking" ]]
	rm "$(journal_pins)"
}

# bpf_calls WORD...: how many a run makes
bpf_calls() {
	run_of "$@"
	strace -f -o "$OUT.trace" "${RUN[@]}" >"$OUT"
	grep -c ' bpf(' "$OUT.trace"
}

# What other tests do changes how many maps and programs are looked at: the calls
# of the wait are looked for, and with force nothing is ever waited for
@test "no sleepable program: not a call for that" {
	local calls='clone|clone3|fork|vfork|userfaultfd|perf_event_open|memfd_create|socketpair|membarrier'

	need_strace
	load_prog sleep_use tc_plain
	bpf_calls
	run -1 grep -E "($calls)\(|PROG_TYPE_(SYSCALL|KPROBE)|devices/uprobe" "$OUT.trace"
	same_count() {
		[[ $(bpf_calls) == $(bpf_calls force) ]]
	}
	wait_until same_count

	# The pattern finds them
	load_prog sleep_use syscall_sleeps
	bpf_calls
	grep -E "userfaultfd\(" "$OUT.trace"
	grep -E "PROG_TYPE_SYSCALL" "$OUT.trace"
}
