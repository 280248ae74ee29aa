#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What it costs "swap-drain" to look who else can reach the map, before the
# swap and again before printing: the wall time of the whole process minus the
# wait that it reports, with many maps and programs on the machine and without.
set -euo pipefail

# shellcheck source=tests/bench/lib.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
rounds=$((runs == 1 ? 1 : 40))
maps=$(entries 1000) programs=$(entries 200)
bar_us=10000

make_map --key 4 --value 8 --entries 16 hash inner
make_outer 1 inner
fill_slot inner

# figures [COMMAND...]: two numbers, in microseconds: the median of what is left
# beside the wait, under a command, and the CPU time of the mean run
figures() {
	local cpu_file=$work/cpu TIMEFORMAT='%U %S' cpu

	{ time "$@" "$BUILD/tests/wall" "$rounds" "$BPFTOOL" -j map swap-drain \
		pinned "$pins/outer" key 0 0 0 0 quiet journal "$pins/journal" \
		>"$work/runs"; } 2>"$cpu_file"
	cpu=$(awk -v runs="$rounds" '{ print int(($1 + $2) / runs * 1000000) }' \
		"$cpu_file")
	jq -nR --argjson cpu "$cpu" '[inputs |
		capture("^(?<wall>[0-9]+) (?<json>.*)$") |
		(.wall | tonumber) - (.json | fromjson | .wait_us)] |
		sort | "\(.[length / 2 | floor]) \($cpu)"' -r "$work/runs"
}

# The same crowd is made once more for nothing, to take its cost off
crowd=("$BUILD/tests/reach_crowd" "$maps" "$programs")
crowd_cpu() {
	local TIMEFORMAT='%U %S'

	{ time "${crowd[@]}" true; } 2>&1 |
		awk -v runs="$rounds" '{ print int(($1 + $2) / runs * 1000000) }'
}

echo "swap-drain: two scans for who can reach the map"
read -r wall_before cpu_before < <(figures env)
read -r wall_crowd cpu_crowd < <(figures "${crowd[@]}")
added=$((wall_crowd - wall_before))
cpu=$((cpu_crowd - cpu_before - $(crowd_cpu)))
echo "with $maps maps and $programs programs more: $added us added" \
	"(median of $rounds: $wall_before us, then $wall_crowd us)," \
	"$cpu us of CPU; bar $bar_us us:" \
	"$(verdict "$added" at-most "$bar_us")"
