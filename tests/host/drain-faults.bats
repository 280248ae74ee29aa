# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# map drain when a call fails, and when it is killed at one: what was counted is in the
# map, or printed, or pinned where recover finds it. Each time with more counted.

load ../lib/common

: "${FAULTS_STEP:=5}"

setup() {
	setup_bpffs
	all=$T/all
	out=$T/out
	: >"$all"
	head -c 64 /dev/zero >"$T/packet"
	bpftool prog load "$BUILD/tests/move_load.bpf.o" "$PINS/prog" pinmaps "$PINS/maps"
}

count_some() {
	bpftool prog run pinned "$PINS/prog" data_in "$T/packet" repeat 64 >/dev/null
}

counted() {
	bpftool -j map dump pinned "$PINS/maps/counted" | python3 -c '
import json, sys
print(sum(int.from_bytes(bytes(int(b, 16) for b in cpu["value"]), "little")
          for entry in json.load(sys.stdin) for cpu in entry["values"]))'
}

# drain WORD...
drain() {
	bpftool -j map drain pinned "$PINS/maps/map" journal "$journal" "$@"
}

# calls SYSCALL: how many of them a drain makes
calls() {
	strace -f -o "$T/trace" -e "trace=$1" "$BPFTOOL" -j map drain \
		pinned "$PINS/maps/map" journal "$journal" "${@:2}" >>"$all"
	echo >>"$all"
	grep -c "$1(" "$T/trace"
}

# drain_with INJECTION: takes what it printed, or else what recover prints
drain_with() {
	local status=0

	strace -f -o /dev/null -e "inject=$1" "$BPFTOOL" -j map drain pinned \
		"$PINS/maps/map" journal "$journal" >"$out" 2>"$out.err" || status=$?
	[[ ! -e $journal ]] ||
		bpftool -j map swap-drain recover journal "$journal" >"$out.recovered"
	if [[ -e $journal && $(<"$out.recovered") != "[]" ]]; then
		{ cat "$out.recovered"; echo; } >>"$all"
	elif [[ -s $out ]] && jq -e 'type == "array"' "$out" >/dev/null; then
		{ cat "$out"; echo; } >>"$all"
	elif [[ $1 == *error* ]]; then
		((status != 0))
		jq -e .error "$out" "$out.err" >/dev/null || {
			cat "$out" "$out.err" >&2
			return 1
		}
	fi
}

# at_each SYSCALL WHAT: the fault at every call, or some of them
at_each() {
	local nr i

	count_some
	nr=$(calls "$1")
	for ((i = 1; i <= nr; i += 1 + (i < nr - 60) * (FAULTS_STEP - 1))); do
		count_some
		drain_with "$1:$2:when=$i"
	done
	drain_with write:signal=KILL:when=9999
	expect_exact
}

expect_exact() {
	local counted

	counted=$(counted)
	echo "# counted $counted, $(grep -c . "$all") outputs" >&3
	((counted > 0))
	[[ $(python3 "$BATS_TEST_DIRNAME/../lib/drain.py" "$all") == \
		"$counted $counted $counted $counted" ]]
}

@test "each bpf() fails once" {
	at_each bpf error=ENOMEM
}

@test "killed at each bpf(), write() and unlink()" {
	at_each bpf signal=KILL
	at_each write signal=KILL
	at_each unlink signal=KILL
}

@test "the output goes nowhere: the values stay pinned, and recover prints them" {
	count_some
	! drain >/dev/full || return 1
	bpftool -j map swap-drain recover journal "$journal" >>"$all"
	expect_exact
}

@test "what fails before anything was moved leaves no pin" {
	needs_at_call
	count_some
	run -255 at_call -a -s 'bpf\(BPF_OBJ_PIN' error=EPERM 'bpf\(BPF_PROG_LOAD' \
		"$BPFTOOL" map drain pinned "$PINS/maps/map" journal "$journal"
	[[ -z $(find "$journal" -mindepth 1) ]]
	drain >"$all"
	expect_exact
}

@test "since: the output goes nowhere: the next run prints it" {
	for _ in 1 2; do
		count_some
		! drain since "$PINS/last" >/dev/full || return 1
		[[ ! -e $PINS/last_next ]]
		drain since "$PINS/last" >>"$all"
		echo >>"$all"
	done
	expect_exact
}

@test "since: what fails takes nothing, and tells of no place" {
	count_some
	drain since "$PINS/last" >/dev/null
	count_some
	nr=$(calls bpf since "$PINS/other")
	drain since "$PINS/other" >/dev/null
	for ((i = 1; i <= nr; i += 3 * FAULTS_STEP)); do
		strace -f -o /dev/null -e "inject=bpf:error=ENOMEM:when=$i" "$BPFTOOL" -j \
			map drain pinned "$PINS/maps/map" since "$PINS/other" >"$out" 2>&1 ||
			[[ $(<"$out") != *pinned* ]]
	done
	drain since "$PINS/last" >/dev/null
	rm "$PINS/last"
	drain since "$PINS/last" >"$all"
	expect_exact
}
