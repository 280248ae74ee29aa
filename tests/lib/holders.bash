# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Who can reach a map, or uses a map-in-map: refusals of swap-drain, "force", and
# programs that do, by tests/progs/reach_load.c

. "${BASH_SOURCE[0]%/*}/slot.bash"

# A journal of our own: another one's leftovers would be one more warning
drain_here() {
	drain journal "$PINS/journal" "$@"
}

# load_prog OBJECT PROGRAM [KIND ARG...]: with the maps that $PINS has already, by
# tests/progs/reach_load.c; $PROG is its id. load_prog_or_skip: which some kernels refuse
load_prog() {
	PROG=$("$BUILD/tests/reach_load" "$BUILD/tests/$1.bpf.o" "$2" "$PINS" "${@:3}")
}

load_prog_or_skip() {
	local status=0

	load_prog "$@" 2>"$BATS_TEST_TMPDIR/refused" || status=$?
	((status != 77)) || skip "$(<"$BATS_TEST_TMPDIR/refused")"
	cat "$BATS_TEST_TMPDIR/refused" >&2
	return $status
}

journal_is_empty() {
	[[ -z $(find "$PINS/journal" -mindepth 1 2>/dev/null) ]]
}

# refused PATTERN [ARG...]: an error that names the holder and "force", and the slot
# was not touched
refused() {
	local pattern=$1 before

	shift
	before=$(slot_id)
	[[ -n $before ]]
	refuses "$pattern.*'force'" swap-drain pinned "$PINS/outer" \
		"${SLOT[@]}" journal "$PINS/journal" "$@"
	[[ $(slot_id) == "$before" ]]
	journal_is_empty
}

# forced PATTERN [ARG...]: the same is a warning with force, and it is done
forced() {
	local pattern=$1 before

	shift
	before=$(slot_id)
	run --separate-stderr drain_here force "$@"
	echo "forced: $status '$output' '$stderr'"
	[[ $status -eq 0 && -n $output ]]
	[[ $stderr =~ ^Warning:\ [^$'\n']*${pattern}[^$'\n']*$ ]]
	[[ $(slot_id) != "$before" ]]
	journal_is_empty
}

# drained [ARG...]: no one else reaches it, and nothing is said of that
drained() {
	local before

	before=$(slot_id)
	run --separate-stderr drain_here "$@"
	echo "drained: $status '$output' '$stderr'"
	[[ $status -eq 0 && -n $output && -z $stderr ]]
	[[ $(slot_id) != "$before" ]]
	journal_is_empty
}

# The way to wait for sleepable programs here; nothing if there is none
sleepable_way() {
	bpftool -j map sync sleepable 2>/dev/null |
		jq -r '.sleepable.provider // empty'
}

needs_sleepable_way() {
	[[ $(sleepable_way) ]] ||
		skip "this kernel has no way to wait for sleepable programs"
}

# A bpftool that has none, as it can't hold a program in a page fault
tool_without_way() {
	local tool=$BATS_TEST_TMPDIR/without_way

	printf '#!/bin/sh\nexec %s %s %q "$@"\n' setpriv \
		"--bounding-set=-sys_ptrace --inh-caps=-sys_ptrace" "$BPFTOOL" >"$tool"
	chmod +x "$tool"
	echo "$tool"
}

# waited_for PATTERN [ARG...]: a program that no grace period waits for uses the
# map-in-map, and is not running. Refused where there is no way to wait, a warning
# with force; otherwise a run waits, and says nothing.
waited_for() {
	local way

	BPFTOOL=$(tool_without_way) refused "$@"
	way=$(sleepable_way)
	[[ $way ]] || refused "$@"
	forced "$@"
	[[ $way ]] || return 0

	drained "${@:2}"
	run --separate-stderr bpftool -d map swap-drain pinned "$PINS/outer" \
		"${SLOT[@]}" journal "$PINS/journal" "${@:2}"
	[[ $status == 0 && -n $output ]]
	[[ $(grep -cE "^provider $way: waited [0-9]+ us for sleepable programs$" \
		<<<"$stderr") == 1 ]]
	journal_is_empty
}

# insert OUTER_PIN MAP_PIN KEY...
insert() {
	local outer=$1 map=$2

	shift 2
	bpftool map update pinned "$outer" key "$@" value pinned "$map"
}

# The old map of slot 0, $INNER, gets another holder, slot 1 of $PINS/other, right
# after the swap. FORCE may hold a word for the command line. $status is the run's.
#
# drain_and_insert OUTPUT_FILE [ARG...]
drain_and_insert() {
	local out=$1

	shift
	needs_at_call
	export -f bpftool insert
	status=0
	at_call after='insert "$PINS/other" "$PINS/inner" 1 0 0 0' \
		'bpf\(BPF_MAP_UPDATE_(ELEM|BATCH)' "$BPFTOOL" "$@" \
		map swap-drain pinned "$PINS/outer" "${SLOT[@]}" \
		journal "$PINS/journal" "${FORCE[@]}" >"$out" 2>"$out.err" ||
		status=$?
}

# extends TARGET: an extension of a program of users_target.bpf.c
extends() {
	load_prog_or_skip users_maps ext_part ext "$BUILD/tests/users_target.bpf.o" "$1"
}

# The slot that users_maps.bpf.c fills, the last of 2,048
last_slot() {
	in_slot key 255 7 0 0
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

# iterator_loads [ARG...]: swap-drains, and prints how often it loaded an
# iterator
iterator_loads() {
	local trace=$BATS_TEST_TMPDIR/trace

	strace -v -o "$trace" -e trace=bpf "$BPFTOOL" map swap-drain \
		pinned "$PINS/outer" key 0 0 0 0 journal "$PINS/journal" "$@" \
		>/dev/null
	# The trace shows what it should
	grep -q '^bpf(BPF_MAP_UPDATE_ELEM' "$trace" || return
	grep -c '^bpf(BPF_PROG_LOAD, .*BPF_PROG_TYPE_TRACING' "$trace" || true
}
