# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Who can reach a map, or uses a map-in-map: refusals of swap-drain, "force", and
# programs that do, by tests/progs/reach_load.c

. "${BASH_SOURCE[0]%/*}/slot.bash"

# A journal of our own: another one's leftovers would be one more warning
drain_here() {
	drain journal "$PINS/journal" "$@"
}

# load_prog OBJECT PROGRAM [KIND ARG...]: with the maps that $PINS has already, by
# tests/progs/reach_load.c; $PROG is its id. load_prog_or_skip: which some kernels refuse;
# a line of the matrix says which of them its kernel has to take (EXPECT_SLEEPERS)
load_prog() {
	PROG=$("$BUILD/tests/reach_load" "$BUILD/tests/$1.bpf.o" "$2" "$PINS" "${@:3}")
}

load_prog_or_skip() {
	local status=0

	load_prog "$@" 2>"$T/refused" || status=$?
	cat "$T/refused" >&2
	if ((status == 77)); then
		[[ " ${EXPECT_SLEEPERS-} " != *" $2 "* ]]
		skip "$(<"$T/refused")"
	fi
	return $status
}

journal_is_empty() {
	[[ -z $(find "$PINS/journal" -mindepth 1 2>/dev/null) ]]
}

# What is pinned there, a path a line
journal_pins() {
	find "$PINS/journal" -type f 2>/dev/null
}

needs_wq() {
	skip_unless "the kernel has no bpf_wq" grep -qw bpf_wq_init /proc/kallsyms
}

# refused PATTERN [ARG...]: an error that names the holder and "force", and the slot
# was not touched
refused() {
	local before

	before=$(slots_of "$PINS/outer")
	[[ -n $before ]]
	refuses "$1.*'force'" swap-drain pinned "$PINS/outer" "${SLOT[@]}" \
		journal "$PINS/journal" "${@:2}"
	[[ $(slots_of "$PINS/outer") == "$before" ]]
	journal_is_empty
}

in_slot_now() {
	if [[ ${SLOT[0]} == all ]]; then
		slots_of "$PINS/outer"
	else
		inner_id "$PINS/outer" "${SLOT[@]}"
	fi
}

# done_saying REGEX [ARG...]: it is printed, and that is all on stderr
done_saying() {
	local before

	before=$(in_slot_now)
	run -0 --separate-stderr drain_here "${@:2}"
	[[ -n $output && $stderr =~ $1 ]]
	[[ $(in_slot_now) != "$before" ]]
	journal_is_empty
}

# forced PATTERN [ARG...]: the same is a warning with force, and it is done
forced() {
	done_saying "^Warning: [^"$'\n'"]*$1[^"$'\n'"]*\$" force "${@:2}"
}

# drained [ARG...]: no one else reaches it, and nothing is said of that
drained() {
	done_saying '^$' "$@"
}

refused_and_forced() {
	refused "$@"
	forced "$@"
}

# The way to wait for sleepable programs here; nothing if there is none
sleepable_way() {
	bpftool -j map sync sleepable 2>/dev/null |
		jq -r '.sleepable.provider // empty' || true
}

needs_sleepable_way() {
	[[ $(sleepable_way) ]] ||
		skip "this kernel has no way to wait for sleepable programs"
}

# A bpftool that has none, as it can't hold a program in a page fault
tool_without_way() {
	local tool=$T/without_way

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

# other_outer INNER TYPE [KEY_SIZE ENTRIES]: one more map-in-map, $PINS/other, for maps
# like $PINS/INNER
other_outer() {
	bpftool map create "$PINS/other" type "$2" key "${3-4}" value 4 \
		entries "${4-4}" name "other_${WORLD-}$$" inner_map pinned "$PINS/$1"
	OTHER=$(map_id "$PINS/other")
}

# insert OUTER_PIN MAP_PIN KEY...
insert() {
	bpftool map update pinned "$1" key "${@:3}" value pinned "$2"
}

# The old map of slot 0, $INNER, gets another holder, slot 1 of $PINS/other, right
# after the swap. FORCE may hold a word for the command line. $status is the run's.
#
# drain_and_insert OUTPUT_FILE [ARG...]
drain_and_insert() {
	needs_at_call
	export -f bpftool insert
	status=0
	at_call after='insert "$PINS/other" "$PINS/inner" 1 0 0 0' \
		'bpf\(BPF_MAP_UPDATE_(ELEM|BATCH)' "$BPFTOOL" "${@:2}" \
		map swap-drain pinned "$PINS/outer" "${SLOT[@]}" \
		journal "$PINS/journal" "${FORCE[@]}" >"$1" 2>"$1.err" || status=$?
}

# The slot that users_maps.bpf.c fills, the last of 2,048
last_slot() {
	in_slot key 255 7 0 0
}
