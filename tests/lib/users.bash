# shellcheck shell=bash disable=SC2034,SC2154 # variables of run, and for the tests
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Programs and links that use a map-in-map in ways of their own, by
# tests/progs/users_load.c. Sourced after common.bash, slot.bash and holders.bash.

# users_load KIND PROGRAM [ARG...]: with the maps of users_maps.bpf.c in $PINS, its
# ID goes into $PROG
users_load() {
	local status=0

	PROG=$("$BUILD/tests/users_load" "$1" "$BUILD/tests/users_maps.bpf.o" \
		"$2" "$PINS" "${@:3}" 2>"$BATS_TEST_TMPDIR/refused") ||
		status=$?
	((status != 77)) || skip "$(<"$BATS_TEST_TMPDIR/refused")"
	cat "$BATS_TEST_TMPDIR/refused"
	return $status
}

# extends TARGET: users_load of an extension of a program of users_target.bpf.c
extends() {
	users_load ext ext_part "$BUILD/tests/users_target.bpf.o" "$1"
}

# The slot that users_maps.bpf.c fills, the last of 2,048
last_slot() {
	in_slot key 255 7 0 0
}

# The map in it
last_id() {
	inner_id "$PINS/outer" key 255 7 0 0
}

# refuses_drain PATTERN [COMMAND...]: refused without force, run by a command, and
# nothing was touched
refuses_drain() {
	local pattern=$1 before

	shift
	before=$(slots_of "$PINS/outer")
	run --separate-stderr "$@" "$BPFTOOL" map swap-drain \
		pinned "$PINS/outer" "${SLOT[@]}" journal "$PINS/journal"
	[[ $status -ne 77 ]] || skip "$stderr"
	echo "$status '$output' '$stderr'"
	[[ $status -eq 255 && -z $output ]]
	[[ $stderr =~ ^Error:\ [^$'\n']*${pattern}[^$'\n']*$ ]]
	[[ $(slots_of "$PINS/outer") == "$before" ]]
	journal_is_empty
}

# stopped_after_swap COMMAND...: a run that waits by membarrier is stopped right
# after the swap, and continues when the command has been run. $status is its, its
# output is in $OUT and $OUT.err.
stopped_after_swap() {
	local nth pid strace trace=$BATS_TEST_TMPDIR/trace before
	local run=("$BPFTOOL" "${MODE[@]}" map swap-drain pinned "$PINS/outer" "${SLOT[@]}"
		journal "$PINS/journal" using membarrier)

	OUT=$BATS_TEST_TMPDIR/stopped
	strace -o "$trace" -e trace=membarrier "${run[@]}" >"$OUT" \
		2>"$OUT.err" || return
	nth=$(grep -c '^membarrier(' "$trace")
	before=$(slots_of "$PINS/outer")
	strace -o /dev/null -e trace=membarrier \
		-e inject=membarrier:signal=SIGSTOP:when="$nth" "${run[@]}" \
		>"$OUT" 2>"$OUT.err" 3>&- &
	strace=$!
	wait_until slots_changed "$before"
	pid=$(pgrep -P "$strace")
	wait_until is_stopped "$pid"
	"$@"
	kill -CONT "$pid"
	status=0
	wait "$strace" || status=$?
	echo "$status"
	cat "$OUT" "$OUT.err"
}

slots_changed() {
	[[ $(slots_of "$PINS/outer") != "$1" ]]
}

# Stopped, by a signal or by the tracer that hands it on
is_stopped() {
	grep -q '^State:.[Tt]' "/proc/$1/status"
}

needs_stopping() {
	skip_unless "there is no strace" command -v strace
	skip_unless "membarrier is not there" \
		bpftool map sync using membarrier
}
