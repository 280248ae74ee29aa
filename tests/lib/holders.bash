# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck disable=SC2034,SC2154 # variables of run, and for other files
# Refusals of swap-drain because of who can reach a map, and "force". Sourced
# after common.bash and slot.bash.

# shellcheck source=tests/lib/refusal.bash
. "${BASH_SOURCE[0]%/*}/refusal.bash"
# shellcheck source=tests/lib/inject.bash
. "${BASH_SOURCE[0]%/*}/inject.bash"

# A journal of our own: another one's leftovers would be one more warning
drain_here() {
	drain journal "$PINS/journal" "$@"
}

# Loads a program of an object, with the maps that $PINS has already; $PROG
# is its id
load_prog() {
	PROG=$("$BUILD/tests/reach_load" "$BUILD/tests/$1.bpf.o" "$2" "$PINS")
}

# The same for a program that some kernels refuse
load_prog_or_skip() {
	PROG=$("$BUILD/tests/reach_load" "$BUILD/tests/$1.bpf.o" "$2" "$PINS" \
		2>"$BATS_TEST_TMPDIR/refused") ||
		skip "$(cat "$BATS_TEST_TMPDIR/refused")"
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

# drained [ARG...]: nobody else reaches it, and nothing is said of that
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
	# shellcheck disable=SC2016 # a shell of its own expands them
	at_call after='insert "$PINS/other" "$PINS/inner" 1 0 0 0' \
		'bpf\(BPF_MAP_UPDATE_(ELEM|BATCH)' "$BPFTOOL" "$@" \
		map swap-drain pinned "$PINS/outer" "${SLOT[@]}" \
		journal "$PINS/journal" "${FORCE[@]}" >"$out" 2>"$out.err" ||
		status=$?
}
