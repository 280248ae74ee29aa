#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The wait is real: a program looked a value up, stays inside for a second, and
# adds to it only then. What waits must not come back before that, and what is
# read afterwards must hold the late add. See tests/progs/late.c.

# shellcheck disable=SC2153 # BPFTOOL is given, bpftool a function
load ../lib/common
load ../lib/race

# What the program adds: LATE_EARLY and LATE_ADD
EARLY=1
LATE_ADD=41

setup() {
	setup_bpffs
}

teardown() {
	cleanup_bpffs
}

# What was printed of the counter that the program adds to: LATE_KEY
printed() {
	jq -c 'map(select(.formatted.key == 7))' "$OUT" | add_up | jq .sum
}

# It had left, and all that it added was printed
holds_all() {
	[[ $(late left_at_exit) == true ]]
	[[ $(late final) == $(($(late runs) * (EARLY + LATE_ADD))) ]]
	[[ $(printed) == $(late final) ]]
}

# swap_drain_waits HOW KIND TYPE [ARG...]
#
# Before Linux 6.8, reading a slot waits as an update does. So the program has
# to go in again, or it would have left before the swap.
swap_drain_waits() {
	local how=$1 kind=$2 type=$3

	shift 3
	late_wait "$how" --again --outer "$kind" --inner "$type" -- \
		"$BPFTOOL" -d -j map swap-drain pinned "$PINS/outer" \
		"${SLOT[@]}" "$@"
	holds_all
}

# selector_pattern [PROVIDER]: a script that has programs use the second map,
# waits if told how, and reads the first
selector_pattern() {
	local bpftool selector first

	printf -v bpftool %q "$BPFTOOL"
	printf -v selector %q "$PINS/selector"
	printf -v first %q "$PINS/first"
	cat <<-END
		set -e
		$bpftool map update pinned $selector key 0 0 0 0 value 1 0 0 0
		${1:+$bpftool -d map sync using $1}
		$bpftool -j map dump pinned $first
	END
}

@test "map sync returns only after a program that was inside has left" {
	local provider how

	find_providers
	for provider in "${USABLE[@]}"; do
		for how in raw_tp tc; do
			late_wait "$how" -- \
				"$BPFTOOL" -d -j map sync using "$provider"
			[[ $(late left_at_exit) == true ]]
			[[ $(jq -r .provider "$OUT") == "$provider" ]]
		done
	done
}

@test "map sync with no provider named waits as well" {
	late_wait raw_tp -- "$BPFTOOL" -d -j map sync
	[[ $(late left_at_exit) == true ]]
}

@test "swap-drain prints a late add, with every provider" {
	local provider

	find_providers
	for provider in "${USABLE[@]}"; do
		swap_drain_waits raw_tp array hash using "$provider"
	done
}

@test "swap-drain prints a late add, from every type of inner map" {
	local type

	for type in "${COUNTED_TYPES[@]}" lru_percpu_hash; do
		swap_drain_waits raw_tp array "$type"
	done
}

@test "swap-drain prints a late add, from a hash_of_maps" {
	local type

	for type in hash array percpu_array; do
		swap_drain_waits raw_tp hash "$type"
	done
}

@test "swap-drain prints the late add of a program that keeps softirqs off" {
	swap_drain_waits tc array hash
	swap_drain_waits tc hash percpu_hash
}

@test "control: the selector pattern without map sync misses a late add" {
	local how=raw_tp

	can_overlap raw_tp || how=tc
	can_overlap "$how" ||
		skip "nothing runs while a program is inside: one CPU, and no PREEMPT_RT"

	late_until ended_inside --enter "$how" --selector -- \
		bash -c "$(selector_pattern)"
	[[ $(printed) == "$EARLY" ]]
	[[ $(late final) == $((EARLY + LATE_ADD)) ]]
}

@test "the selector pattern with map sync holds a late add" {
	local provider

	find_providers
	for provider in "${USABLE[@]}"; do
		late_wait raw_tp --selector -- \
			bash -c "$(selector_pattern "$provider")"
		holds_all
	done
}
