# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Two swap-drains of one outer map never overlap

load ../lib/faults

@test "lock: held by another, for ten seconds and longer" {
	local start=$SECONDS

	fill array_of_maps hash 5
	hold "$(outer_id)"
	fails_untouched "is locked" drain
	((SECONDS - start >= 9)) || complain "waits about 10 s first"
	[[ ! -e $JOURNAL || -z $(ls "$JOURNAL") ]] || complain "pins nothing"
	grep -q "map $LOCK\>" "$T/err" || complain "names map $LOCK"
	"$BPFTOOL" -j "${ONE_SLOT[@]}" >"$T/out" && complain "refused with -j too"
	jq -e .error "$T/out" >/dev/null || complain "an error object"

	let_go
	drain >"$T/out" 2>"$T/err" || complain "a killed holder frees it"
	expect released
}

# A type of map that anybody can make, where anybody can make maps
@test "lock: a map that only has its name is none" {
	fill array_of_maps hash 5
	hold "$(outer_id)" array
	drain >"$T/out" 2>"$T/err" || complain "an array is not a lock"
	expect released
	let_go
}

@test "lock: who waits gets it when the holder is killed" {
	fill array_of_maps hash 5
	hold "$(outer_id)"
	"$BPFTOOL" "${ONE_SLOT[@]}" >"$T/out" 2>"$T/err" 3>&- &
	pid=$!
	wait_until waits "$pid"
	let_go
	wait "$pid" || complain "it continues"
	expect released
}

@test "lock: different outer maps don't wait for each other" {
	fill array_of_maps hash 5
	hold "$(outer_id)0"
	drain >"$T/out" 2>"$T/err" || complain "another map's lock does not matter"
	expect released
	kill -0 "$HOLDER" || complain "it is still held"
	let_go
}

@test "lock: reaches other mount, PID and network namespaces" {
	lock_reaches_namespaces
}
