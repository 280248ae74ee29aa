# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Single situations, for more than one bats file. See faults.bash.

# fails COMMAND...: with bpftool's exit status, its output in $T/out and $T/err
fails() {
	local status=0

	"$@" >"$T/out" 2>"$T/err" || status=$?
	((status == 255)) || complain "exit 255, but $status: $*"
}

# refused WORDS COMMAND...: fails with these words, and nothing was touched
refused() {
	fails "${@:2}"
	cat "$T/out" "$T/err" >"$T/said"
	grep -q "$1" "$T/said" || complain "says $1: $(cat "$T/said")"
	! grep -q swapped "$T/said" || complain "it was swapped, it says"
	: >"$T/out"
	expect untouched
}

drain() {
	swap_drain pinned "$PINS/outer" key 0 0 0 0 "$@"
}

drain_json() {
	"$BPFTOOL" -j map swap-drain pinned "$PINS/outer" key 0 0 0 0 "$@"
}

# leave_behind OUTER_TYPE INNER_TYPE COUNT [ARGS]: by a run that could not print
leave_behind() {
	fill "$1" "$2" "$3"
	drain "${@:4}" >/dev/full 2>"$T/err" && complain "/dev/full is full"
	: >"$T/out"
	expect_named
}

# wait_for COMMAND...
wait_for() {
	local i

	for ((i = 0; i < 400; i++)); do
		! "$@" || return 0
		sleep 0.05
	done
	complain "within 20 s: $*"
}

# Is it asleep in nanosleep(), or clock_nanosleep()? So it waits for a lock.
waits() {
	[[ $(cut -d" " -f1 "/proc/$1/syscall" 2>/dev/null) == @(35|230) ]] ||
		[[ $(cat "/proc/$1/wchan" 2>/dev/null) == *nanosleep* ]]
}

# Is it asleep in a write() to a pipe that is full?
blocked() {
	[[ $(cat "/proc/$1/wchan" "/proc/$1/stack" 2>/dev/null) == *pipe* ]] ||
		[[ $(cut -d' ' -f1 "/proc/$1/syscall" 2>/dev/null) == 1 ]]
}
