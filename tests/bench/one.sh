#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One slot of 100 entries: what the whole process takes beside the wait, which it
# counts from the start of the update
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
bar_us=5000
rounds=$((runs * 3))

make_map --fill 100 --key 8 --value 16 hash inner
make_outer 1 inner
fill_slot inner
expect_entries 100 "$BPFTOOL" "${swap_drain[@]}"
export said=$work/said
for ((run = 0; run < rounds; run++)); do
	fill_slot inner
	took=$("$BUILD/tests/wall" /bin/sh -c 'exec "$0" "$@" >/dev/null 2>"$said"' \
		"$BPFTOOL" -d "${swap_drain[@]}")
	took=${took%% *}
	wait=$(sed -n 's/.*: waited \([0-9]*\) us$/\1/p' "$said")
	: "${wait:?swap-drain told no wait}"
	echo "$wait $((took - wait))" >>"$work/rounds"
done
rest=$(median "$work/rounds" 2)
echo "medians of $rounds: $rest us beside a wait of $(median "$work/rounds") us;" \
	"bar $bar_us us: $(verdict "$rest" at-most "$bar_us")"
