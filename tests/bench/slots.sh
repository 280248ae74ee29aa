#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Rotating many slots: "swap-drain all" against one "map update" a slot in a file
# of "bpftool batch", which does not even read the maps. BENCH_BAR_US: another bar
# for "all", which is compared with the bare calls that it can't do without.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
slots=1024
[ -z "${BENCH_QUICK:-}" ] || slots=16
swap_all=(map swap-drain pinned "$pins/outer" all journal "$pins/journal")

make_map --fill 16 hash inner
for ((slot = 0; slot < slots; slot++)); do
	echo "map update pinned $pins/outer key $((slot % 256)) $((slot / 256)) 0 0" \
		"value pinned $pins/inner"
done >"$work/updates"

fill_slots() {
	make_slots "$slots" --fill 16
	settle
}

fill_slots
expect_entries $((slots * 16)) "$BPFTOOL" -j "${swap_all[@]}"
for ((run = 0; run < runs; run++)); do
	fill_slots
	note all "$BPFTOOL" -j "${swap_all[@]}"
	settle
	if [ -n "${BENCH_BAR_US:-}" ]; then
		fill_slots
		note bare "$BUILD/tests/slots_floor" "$pins/outer" "$pins/bare"
		continue
	fi
	# What it says that it waited: the process as a whole takes longer
	"$BPFTOOL" -j map sync using map_in_map_update | jq .wait_us >>"$work/sync"
	note batch "$BPFTOOL" batch file "$work/updates"
done
all=$(median "$work/all")
if [ -n "${BENCH_BAR_US:-}" ]; then
	bare=$(median "$work/bare")
	echo "$(uname -r): $slots slots of 16 entries, medians of $runs: $(ms "$all") ms;" \
		"bar $(ms "$BENCH_BAR_US") ms: $(verdict "$all" at-most "$BENCH_BAR_US")"
	echo "the bare calls $(ms "$bare") ms, $(ratio "$all" "$bare") times that;" \
		"once more, in steps:"
	fill_slots
	"$BUILD/tests/slots_floor" "$pins/outer" "$pins/bare"
	exit
fi
sync=$(median "$work/sync")
batch=$(median "$work/batch")
bar=$((3 * sync + 50000))
times=$(ratio "$batch" "$all")
echo "$slots slots of 16 entries, medians of $runs: all $(ms "$all") ms," \
	"one grace period $(ms "$sync") ms, updates one by one $(ms "$batch") ms"
echo "bar 3 grace periods and 50 ms, $(ms "$bar") ms: $(verdict "$all" at-most "$bar")"
echo "$times times as fast as the updates; bar 100: $(verdict "$times" at-least 100)"
