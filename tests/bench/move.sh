#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# map drain: the move alone against a batched raw read of the same map, and the whole
# process against "map dump -j" of the base, which is not exact
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

nr=$(entries 1000000)

# fresh OPTION_OF_MAP_MAKE...: the pinned map, filled anew
fresh() {
	rm -f "$pins/map" "$pins/last"
	make_map --fill "$nr" --entries "$nr" "$@" map
}

drain=("$BPFTOOL" -j map drain pinned "$pins/map" journal "$pins/journal")
kind=(--key 8 --value 16 hash)

for ((run = 0; run < runs; run++)); do
	fresh "${kind[@]}"
	raw "$nr" map >>"$work/raw"
	"$BUILD/tests/move_raw" "$pins/map" >>"$work/move"
	fresh "${kind[@]}"
	note base "$plain_bpftool" -j map dump pinned "$pins/map"
	note since "${drain[@]}" since "$pins/last"
	note again "${drain[@]}" since "$pins/last"
	note drain "${drain[@]}"
done

rm -f "$pins/map"
make_map --fill 100 --entries 100 "${kind[@]}" map
for ((run = 0; run < 3 * runs; run++)); do
	note small_dump "$BPFTOOL" -j map dump pinned "$pins/map"
	note small_drain "${drain[@]}"
done

base=$(median "$work/base")
echo "| hash, $nr entries, medians of $runs, ms | | | bar |"
echo "| --- | --- | --- | --- |"
move=$(median "$work/move")
over=$(ratio "$move" "$(median "$work/raw")")
echo "| the move | $(ms "$move") | $over of a raw read ($(ms "$(median "$work/raw")")) |" \
	"2.5: $(verdict "$over" at-most 2.5) |"
for who in drain:2 since:1.5 again:-; do
	time=$(median "$work/${who%:*}")
	times=$(ratio "$base" "$time")
	said=-
	[ "${who#*:}" = - ] || said="${who#*:}: $(verdict "$times" at-least "${who#*:}")"
	echo "| ${who%:*}, -j | $(ms "$time") | $times times as fast as map dump -j of the" \
		"base ($(ms "$base")) | $said |"
done
more=$(($(median "$work/small_drain") - $(median "$work/small_dump")))
echo "| 100 entries, -j | $(ms "$(median "$work/small_drain")") | $(ms $more) more than map dump |" \
	"15: $(verdict "$(ms $more)" at-most 15) |"
