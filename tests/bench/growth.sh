#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# How the cost grows with the entries of a map, and with the slots of a
# map-in-map; drawn as build/bench/growth.svg. What would take minutes is left
# out of the drawing: the base's dump of 10,000,000 entries, 4,096 single updates.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
here=$(dirname "${BASH_SOURCE[0]}")
table=$BUILD/bench/growth.tsv
mkdir -p "$BUILD/bench"
: >"$table"

# point PANEL NUMBER SERIES: the median of $work/SERIES is one more point
point() {
	printf '%s\t%s\t%s\t%s\n' "$1" "$3" "$2" "$(median "$work/$3")" >>"$table"
}

grow_entries() {
	local nr=$1 batches='' run series

	rm -rf "${pins:?}"/* "${work:?}"/*
	make_map --fill "$nr" --key 8 --value 16 hash inner
	make_map --entries "$nr" --key 8 --value 16 hash empty
	make_outer 1 inner
	! has_batches inner || batches=y
	for ((run = 0; run < runs; run++)); do
		((nr > 1000000)) ||
			note "map dump of the base" "$plain_bpftool" -j map dump \
				pinned "$pins/inner"
		fill_slot inner
		settle
		note swap-drain "$BPFTOOL" -j "${swap_drain[@]}" value pinned "$pins/empty"
		fill_slot inner
		[ -z "$batches" ] || raw "$nr" inner >>"$work/raw read"
	done
	for series in "$work"/*; do
		point entries "$nr" "$(basename "$series")"
	done
}

grow_slots() {
	local slots=$1 run slot series

	rm -rf "${pins:?}"/* "${work:?}"/*
	make_map --fill 16 hash inner
	for ((slot = 0; slot < slots; slot++)); do
		echo "map update pinned $pins/outer key $((slot % 256))" \
			"$((slot / 256)) 0 0 value pinned $pins/inner"
	done >"$work.updates"
	for ((run = 0; run < runs; run++)); do
		make_slots "$slots" --fill 16
		settle
		note "swap-drain all" "$BPFTOOL" -j map swap-drain \
			pinned "$pins/outer" all journal "$pins/journal"
		((slots > 1024)) ||
			note "map update, one by one" "$BPFTOOL" batch file "$work.updates"
	done
	for series in "$work"/*; do
		point slots "$slots" "$(basename "$series")"
	done
}

for nr in 1000 10000 100000 1000000 10000000; do
	grow_entries "$(entries "$nr")"
done
for slots in 1 4 16 64 256 1024 4096; do
	if [ -z "${BENCH_QUICK:-}" ] || [ "$slots" -le 16 ]; then
		grow_slots "$slots"
	fi
done
"$here/plot.py" "$(uname -r | cut -d- -f1), $(nproc) CPUs" <"$table" >"$BUILD/bench/growth.svg"
awk -F '\t' 'BEGIN { print "| by | what | number | ms |\n| --- | --- | --- | --- |" }
	{ printf "| %s | %s | %d | %.1f |\n", $1, $2, $3, $4 / 1000 }' "$table"
echo "drawn in $BUILD/bench/growth.svg"
