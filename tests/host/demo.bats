# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The demo proves what it says, and leaves nothing behind

load ../lib/common

DEMO=$BATS_TEST_DIRNAME/../demo/demo.sh
JOURNAL=/sys/fs/bpf/swap_drain

setup() {
	export TMPDIR=$T/tmp
	mkdir "$TMPDIR"
	left_over | sort >"$T/before"
}

teardown() {
	[ -z "${pid:-}" ] || kill -KILL -- "-$pid" 2>/dev/null || true
}

# Print all that a demo may leave somewhere, and no other test makes
left_over() {
	"$BPFTOOL" -j prog | jq -r '.[] | select(.name == "count_call") | .id'
	"$BPFTOOL" -j map | jq -r '.[] | select(.name // "" |
		test("^(calls|calls_usual|demo_counted|demo_not_stored)$")) | .id'
	find /sys/fs/bpf -maxdepth 1 -name 'demo-*'
	find "$JOURNAL" -mindepth 1 2>/dev/null || true
	find "$TMPDIR" -mindepth 1
}

# Maps of others may have gone
nothing_new() {
	[[ -z $(left_over | sort | comm -13 "$T/before" -) ]]
}

# The kernel frees maps and programs a little later
nothing_left() {
	wait_until nothing_new || left_over | sort | diff "$T/before" -
}

# number TEXT: the number before the text in the demo's output
number() {
	sed -n "s/^ *\([0-9,-]*\)  $1.*/\1/p" <<<"$output" | tr -d ,
}

# Start in a session of its own, as on a terminal; bash would let its children
# ignore SIGINT
start() {
	setsid env --default-signal=INT "$DEMO" 60 >"$T/out" 2>&1 3>&- &
	pid=$!
	wait_until grep -q '^second 1:' "$T/out" || {
		cat "$T/out"
		return 1
	}
}

@test "two seconds: what was drained is what was counted" {
	run -0 "$DEMO" 2
	[ "$(grep -c '^second ' <<<"$output")" -eq 2 ]
	[ "$(number 'counted')" -gt 0 ]
	[ "$(number 'counted')" = "$(number 'drained')" ]
	[ "$(number 'lost')" = 0 ]
	# The control: what the demo is for
	[ "$(number 'never seen that way')" -gt 0 ]
	nothing_left
}

@test "the calls have the names that the system's headers give them" {
	run -0 "$DEMO" 1
	names=$(sed -n 's/^ *[0-9,]*    \([a-z_0-9]*\)$/\1/p' <<<"$output" | sort -u)
	[ "$(wc -l <<<"$names")" -ge 5 ]
	for name in $names; do
		jq -e --arg name "$name" 'any(.[]; . == $name)' \
			"$BUILD/tests/syscalls.json" >/dev/null || {
			echo "no call has the name $name"
			return 1
		}
	done
	[ "$(jq -r '."0"' "$BUILD/tests/syscalls.json")" = read ] ||
		[ "$(uname -m)" != x86_64 ]
}

@test "control: with a tool that loses events the demo fails and says so" {
	cat >"$T/lossy" <<-'TOOL'
		#!/bin/bash
		# Drains twice and forgets what came in between
		"$REAL" "$@" || exit
		[[ $* != *'map drain'* ]] || exec "$REAL" "$@" >/dev/null
	TOOL
	chmod +x "$T/lossy"
	export REAL=$BPFTOOL
	BPFTOOL=$T/lossy run -1 "$DEMO" 1
	[ "$(number 'lost')" -gt 0 ]
	nothing_left
}

@test "Ctrl-C leaves nothing behind" {
	status=0
	start
	kill -INT -- "-$pid"
	wait "$pid" || status=$?
	[ "$status" -eq 130 ]
	nothing_left
}

@test "a demo that is killed leaves no program and no pins" {
	start
	kill -KILL "$pid"
	wait "$pid" || true
	# Its children end by themselves, but can't remove its files
	for _ in {1..100}; do
		rm -rf "${TMPDIR:?}"/*
		! nothing_new || break
		sleep 0.1
	done
	nothing_left
}
