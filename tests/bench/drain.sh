#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain against "map dump" of the same map by the same tool: one after the
# other, so that both see the same machine. The wait of the swap counts.
#
# DRAIN_ENTRIES (default 20000): entries of the map
set -euo pipefail

: "${BPFTOOL:?}" "${BUILD:?}"
entries=${DRAIN_ENTRIES:-20000}
runs=7

if [ "$(stat -f -c %t /sys/fs/bpf)" != cafe4a11 ]; then
	mount -t bpf bpf /sys/fs/bpf
fi
pins=/sys/fs/bpf/bench-$$
mkdir "$pins"
trap 'rm -rf "$pins"' EXIT

# once COMMAND...: microseconds, the output goes nowhere
once() {
	# shellcheck disable=SC2016 # the other shell's
	"$BUILD/tests/wall" 1 /bin/sh -c 'exec "$0" "$@" >/dev/null' "$@" |
		cut -d' ' -f1
}

median() {
	sort -n | sed -n "$(((runs + 1) / 2))p"
}

fill_slot() {
	"$BPFTOOL" map update pinned "$pins/outer" key 0 0 0 0 \
		value pinned "$pins/inner"
}

# compare NAME [OPTION_OF_BPFTOOL]
compare() {
	local name=$1 dump=() drain=() run

	shift
	for ((run = 0; run < runs; run++)); do
		dump+=("$(once "$BPFTOOL" "$@" map dump pinned "$pins/inner")")
		drain+=("$(once "$BPFTOOL" "$@" map swap-drain \
			pinned "$pins/outer" key 0 0 0 0 \
			journal "$pins/journal")")
		fill_slot
	done
	printf '%s\n' "${dump[@]}" | median | {
		read -r dump_us
		drain_us=$(printf '%s\n' "${drain[@]}" | median)
		awk -v name="$name" -v dump="$dump_us" -v drain="$drain_us" 'BEGIN {
			printf "%-16s map dump %8.1f ms, swap-drain %8.1f ms: %.2f times as fast\n",
				name, dump / 1000, drain / 1000, dump / drain }'
	}
}

# compare_all NAME OPTION_OF_MAP_MAKE...
compare_all() {
	local name=$1

	shift
	rm -rf "${pins:?}"/*
	"$BUILD/tests/map_make" --name bench --fill "$entries" "$@" "$pins/inner"
	"$BPFTOOL" map create "$pins/outer" type array_of_maps key 4 value 4 \
		entries 1 name bench_outer inner_map pinned "$pins/inner"
	fill_slot
	compare "$name, plain"
	compare "$name, -j" -j
}

echo "swap-drain of a hash of $entries entries against map dump: medians of $runs"
compare_all "bytes" --key 8 --value 16 hash
compare_all "counters" --btf counters --key 12 hash
compare_all "per CPU" --key 8 --value 16 percpu_hash
