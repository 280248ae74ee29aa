# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain in a loop under the load of tests/progs/load.c, and the sum of it.
# LOAD_SECONDS says how long. Needs common.bash and race.bash.

# swap_drain [ARG...]
swap_drain() {
	if_ok bpftool -j map swap-drain pinned "$PINS/outer" "${SLOT[@]}" "$@"
}

# The kinds of replacement, by the number of the turn
created() {
	swap_drain
}

turns() {
	swap_drain value pinned "$PINS/turn$(($1 % 2))" clear
}

# drain_for MS KIND: goes round until the time is over, and twice at least
drain_for() {
	local end=$(($(now_ms) + $1)) turn

	for ((turn = 1; turn <= 2 || $(now_ms) < end; turn++)); do
		"$2" "$turn" || return 1
	done
}

now_ms() {
	local us=${EPOCHREALTIME/[^0-9]/}

	echo "${us%???}"
}

# exact WHAT DRAINED LEFT: neither lost nor counted twice
exact() {
	local counted missed expected drained left lost

	counted=$(load_told counted)
	missed=$(load_told missed)
	drained=$(jq .sum <<<"$2")
	left=$(jq .sum <<<"$3")
	expected=$counted
	if [[ $1 == hash_of_maps* ]] && ! updates_in_place; then
		diag "this kernel does not update hash_of_maps in place: $missed events found the slot empty"
		expected=$((counted - missed))
		missed=0
	fi
	lost=$((expected - drained - left))
	diag "$1: counted $counted, drained $drained in $(jq .documents <<<"$2") swaps, left $left, missed $missed, lost $lost"

	((counted > 0 && missed == 0 && lost == 0)) &&
		[[ $(load_told failed) == 0 ]]
}

# loses_nothing OUTER KIND: a slice of the time for each type of inner map
loses_nothing() {
	local ms=$((LOAD_SECONDS * 1000 / ${#COUNTED_TYPES[@]})) type drained

	for type in "${COUNTED_TYPES[@]}"; do
		load_start --outer "$1" --inner "$type" --turns
		drained=$(set -o pipefail && drain_for "$ms" "$2" | add_up)
		load_stop
		exact "$1_of_maps of $type, $2" "$drained" "$(dump_slot | add_up)"
	done
}
