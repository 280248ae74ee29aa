#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Reading a whole map: "map dump" of the base's own bpftool, of the distribution's
# and of ours, and swap-drain, against each other and against reading the map with
# BPF_MAP_LOOKUP_BATCH without printing it. In turns, so that all of them see the
# same machine. The swap, its wait and the new map count; with "value" an empty
# map that is there already is swapped in.
set -euo pipefail

# shellcheck source=tests/bench/lib.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

# note WHO COMMAND...: adds a time to those of WHO
note() {
	wall "${@:2}" >>"$work/$1"
}

# measure [OPTION_OF_BPFTOOL]: kind is how map_make makes such a map
measure() {
	local run

	rm -f "$work"/*
	for ((run = 0; run < runs; run++)); do
		note base "$plain_bpftool" "$@" map dump pinned "$pins/inner"
		[ -z "$distro_bpftool" ] ||
			note distro "$distro_bpftool" "$@" map dump pinned "$pins/inner"
		note dump "$BPFTOOL" "$@" map dump pinned "$pins/inner"
		fill_slot inner
		settle
		note drain "$BPFTOOL" "$@" map swap-drain pinned "$pins/outer" \
			key 0 0 0 0 journal "$pins/journal"
		fill_slot inner
		settle
		note value "$BPFTOOL" "$@" map swap-drain pinned "$pins/outer" \
			key 0 0 0 0 value pinned "$pins/empty" journal "$pins/journal"
		fill_slot inner
		settle
		note raw "$BUILD/tests/raw_read" "$pins/inner"
		note make "$BUILD/tests/map_make" --name bench "${kind[@]}" "$pins/made"
		rm "$pins/made"
		settle
	done
}

# row NAME FORM BAR_BASE BAR_RAW
row() {
	local base drain value raw=- times over=- said

	base=$(median "$work/base")
	drain=$(median "$work/drain")
	value=$(median "$work/value")
	times=$(ratio "$base" "$drain")
	said="$3 times: $(verdict "$times" at-least "$3")"
	if [ -s "$work/raw" ]; then
		raw=$(median "$work/raw")
		over=$(ratio "$value" "$raw")
		[ "$4" = - ] ||
			said+="; $4 of raw: $(verdict "$over" at-most "$4")"
		raw=$(ms "$raw")
	fi
	printf '| %s, %s | %s | %s%s | %s | %s | %s | %s | %s | %s | %s |\n' "$1" "$2" \
		"$(ms "$base")" "${distro_bpftool:+$(ms "$(median "$work/distro")") | }" \
		"$(ms "$(median "$work/dump")")" "$(ms "$drain")" \
		"$(ms "$value")" "$raw" "$(ms "$(median "$work/make")")" \
		"$times" "$over" "$said"
}

# compare NAME BAR_PLAIN BAR_JSON BAR_RAW OPTION_OF_MAP_MAKE...
compare() {
	local name=$1 bar_plain=$2 bar_json=$3 bar_raw=$4 nr

	shift 4
	nr=$(entries "$1")
	shift
	rm -rf "${pins:?}"/*
	make_map --fill "$nr" "$@" inner
	kind=(--entries "$nr" "$@")
	make_map "${kind[@]}" empty
	make_outer 1 inner
	measure
	row "$name" plain "$bar_plain" "$bar_raw"
	measure -j
	row "$name" -j "$bar_json" "$bar_raw"
}

echo "medians of $runs, ms; \"times\" is map dump of the base against swap-drain," \
	"\"of raw\" is swap-drain with value against the raw read, \"new map\" a process" \
	"that makes such a map and nothing else"
echo "| map | base | ${distro_bpftool:+distribution | }map dump | swap-drain | with value | raw | new map | times | of raw | bars |"
echo "| --- | --- | --- | ${distro_bpftool:+--- | }--- | --- | --- | --- | --- | --- | --- |"
compare "hash, 1,000,000" 7 7 1.35 1000000 --key 8 --value 16 hash
compare "hash, typed, 1,000,000" 6 6 - 1000000 --btf flow hash
compare "percpu_hash, 100,000" 5 5 - 100000 --key 8 --value 16 percpu_hash
compare "array, 1,000,000" 5 5 - 1000000 --value 16 array
compare "lpm_trie, 100,000" 1 1 - 100000 --key 8 --value 16 lpm_trie
