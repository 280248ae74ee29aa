#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Reading a whole map: "map dump" of the base's own bpftool, of the distribution's
# and of ours, and swap-drain, against each other and against reading the map with
# BPF_MAP_LOOKUP_BATCH without printing it. In turns, so that all of them see the
# same machine. The swap, its wait and the new map count; with "value" an empty
# map that is there already is swapped in.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

note_raw() {
	[ -z "$batches" ] || raw "$nr" inner >>"$work/raw.$1"
}

# pair WHO COMMAND...: beside it the same map is read raw, first in one round and
# after it in the next
pair() {
	fill_slot inner
	settle
	((run % 2)) || note_raw "$1"
	note "$@"
	((run % 2 == 0)) || note_raw "$1"
}

# check_output [OPTION_OF_BPFTOOL]: what is compared prints the same
check_output() {
	local dumped drained

	# Without the quotes that our patches add, to bitfields
	dumped=$("$plain_bpftool" "$@" map dump pinned "$pins/inner" |
		sed -E '/"/s/(^|[][ ,])(0x[0-9a-f]+)/\1"\2"/g' | cksum)
	fill_slot inner
	drained=$("$BPFTOOL" "$@" "${swap_drain[@]}" | cksum)
	[ "$dumped" = "$drained" ] || {
		echo "$name $*: swap-drain prints other bytes than map dump" >&2
		return 1
	}
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
		pair drain "$BPFTOOL" "$@" "${swap_drain[@]}"
		pair value "$BPFTOOL" "$@" "${swap_drain[@]}" value pinned "$pins/empty"
		fill_slot inner
		settle
		note make "$BUILD/tests/map_make" --name bench "${kind[@]}" "$pins/made"
		rm "$pins/made"
		settle
	done
}

# over WHO: what its time is to that of the raw read beside it: the median of the
# rounds' ratios, and in brackets the ratio of the medians
over() {
	local of_medians

	paste "$work/$1" "$work/raw.$1" | awk '{ print $1 / $2 }' >"$work/ratios"
	of_medians=$(ratio "$(median "$work/$1")" "$(median "$work/raw.$1")")
	echo "$(ratio "$(median "$work/ratios")" 1) ($of_medians)"
}

# row FORM BAR_BASE: "-" is no bar, and no batches
row() {
	local base drain times raw=- over_drain=- over_value=- said=-

	base=$(median "$work/base")
	drain=$(median "$work/drain")
	times=$(ratio "$base" "$drain")
	[ "$2" = - ] || said="$2 times: $(verdict "$times" at-least "$2")"
	if [ -n "$batches" ]; then
		cat "$work/raw.drain" "$work/raw.value" >"$work/raw"
		raw=$(ms "$(median "$work/raw")")
		over_drain=$(over drain)
		over_value=$(over value)
	fi
	[ "$bar_raw" = - ] || [ -z "$batches" ] ||
		said+="; $bar_raw of raw: $(verdict "${over_drain% *}" at-most "$bar_raw"), \
with value: $(verdict "${over_value% *}" at-most "$bar_raw")"
	printf '| %s, %s | %s | %s%s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "$name" "$1" \
		"$(ms "$base")" "${distro_bpftool:+$(ms "$(median "$work/distro")") | }" \
		"$(ms "$(median "$work/dump")")" "$(ms "$drain")" \
		"$(ms "$(median "$work/value")")" "$raw" "$(ms "$(median "$work/make")")" \
		"$times" "$over_drain" "$over_value" "$said"
}

# compare NAME BAR_PLAIN BAR_JSON BAR_RAW OPTION_OF_MAP_MAKE...
compare() {
	local name=$1 bar_plain=$2 bar_json=$3 bar_raw=$4 batches='' nr

	shift 4
	nr=$(entries "$1")
	shift
	rm -rf "${pins:?}"/*
	make_map --fill "$nr" "$@" inner
	kind=(--entries "$nr" "$@")
	make_map "${kind[@]}" empty
	make_outer 1 inner
	! has_batches inner || batches=y
	check_output
	measure
	row plain "$bar_plain"
	check_output -j
	measure -j
	row -j "$bar_json"
}

echo "medians of $runs, ms; \"times\" is map dump of the base against swap-drain," \
	"\"of raw\" and \"value of raw\" are swap-drain, without and with value, against the" \
	"raw read beside it: the median of the rounds' ratios, in brackets the ratio of the" \
	"medians; \"new map\" is a process that makes such a map and nothing else"
echo "| map | base | ${distro_bpftool:+distribution | }map dump | swap-drain | with value | raw | new map | times | of raw | value of raw | bars |"
echo "| --- | --- | --- | ${distro_bpftool:+--- | }--- | --- | --- | --- | --- | --- | --- | --- |"
compare "hash, 1,000,000" 7 7 1.35 1000000 --key 8 --value 16 hash
compare "hash, typed, 1,000,000" 6 6 - 1000000 --btf flow hash
compare "hash, typed with text and enum, 100,000" - - - 100000 --btf struct hash
compare "percpu_hash, 100,000" 5 5 - 100000 --key 8 --value 16 percpu_hash
compare "array, 1,000,000" 5 5 - 1000000 --value 16 array
compare "lpm_trie, 100,000" 1 1 - 100000 --key 8 --value 16 lpm_trie
