# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The wait is real: a program looked a value up, stays inside for a second, and
# adds to it only then. What waits must not come back before that, and what is
# read afterwards must hold the late add. See tests/progs/late.c.

# shellcheck disable=SC2153 # BPFTOOL is given, bpftool a function
load ../lib/common
load ../lib/load

# The providers that are there, at least one, in ${USABLE[@]}; says why another
# is not
find_providers() {
	local name why

	USABLE=()
	for name in $(providers); do
		if why=$(bpftool map sync using "$name" 2>&1); then
			USABLE+=("$name")
		else
			diag "provider $name is not there: $why"
		fi
	done
	((${#USABLE[@]} > 0))
}

@test "map sync returns only after a program that was inside has left" {
	late_wait raw_tp -- "$BPFTOOL" -d -j map sync
	[[ $(late left_at_exit) == true ]]
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

@test "swap-drain prints a late add, with every provider" {
	find_providers
	for provider in "${USABLE[@]}"; do
		swap_drain_waits raw_tp array hash using "$provider"
	done
}

@test "swap-drain prints a late add, from every type of inner map" {
	for type in "${COUNTED_TYPES[@]}" lru_percpu_hash; do
		swap_drain_waits raw_tp array "$type"
	done
}

@test "swap-drain prints a late add, from a hash_of_maps" {
	for type in hash array percpu_array; do
		swap_drain_waits raw_tp hash "$type"
	done
}

@test "swap-drain prints the late add of a program that keeps softirqs off" {
	swap_drain_waits tc array hash
	swap_drain_waits tc hash percpu_hash
}

@test "control: the selector pattern without map sync misses a late add" {
	control_misses_late_add
}

@test "the selector pattern with map sync holds a late add" {
	find_providers
	for provider in "${USABLE[@]}"; do
		late_wait raw_tp --selector -- \
			bash -c "$(selector_pattern "$provider")"
		holds_all
	done
}
