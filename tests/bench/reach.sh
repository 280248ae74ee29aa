#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What it costs "swap-drain" to look who else can reach the map, before the
# swap and again before printing: the wall time of the whole process minus the
# wait that it reports, with many maps and programs on the machine and without, in
# turns.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
rounds=$((runs * 3))
maps=$(entries 1000) programs=$(entries 200)
bar_us=10000

make_map --key 4 --value 8 --entries 16 hash inner
make_outer 1 inner
fill_slot inner

# What making the crowd leaves to the kernel is over by then
pause=0.5
[ -z "${BENCH_QUICK:-}" ] || pause=0

# look [COMMAND...]: two numbers of a run under a command, in microseconds: what is
# left beside the wait, and its CPU time
look() {
	"$@" /bin/sh -c 'sleep "$0"; exec "$@"' "$pause" \
		"$BUILD/tests/wall" "$BPFTOOL" -j "${swap_drain[@]}" quiet |
		jq -rR 'capture("^(?<wall>[0-9]+) (?<cpu>[0-9]+) (?<json>.*)$") |
			(.json | fromjson) as $said |
			"\((.wall | tonumber) - $said.wait_us) \(.cpu)"'
}

crowd=("$BUILD/tests/reach_crowd" "$maps" "$programs")
echo "swap-drain: two scans for who can reach the map"
for ((run = 0; run < rounds; run++)); do
	alone=$(look)
	among=$(look "${crowd[@]}")
	settle
	echo "$alone $among" | awk '{ print $1, $3, $3 - $1, $4 - $2 }' >>"$work/rounds"
done
added=$(median "$work/rounds" 3)
echo "with $maps maps and $programs programs more: $added us added" \
	"(medians of $rounds: $(median "$work/rounds" 1) us, then" \
	"$(median "$work/rounds" 2) us), $(median "$work/rounds" 4) us of CPU;" \
	"bar $bar_us us: $(verdict "$added" at-most "$bar_us")"
