#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One slot of a map-in-map that a sleepable program uses, which is not running: a whole
# swap-drain, with its two waits and the proof of one
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
bar_us=400000
rounds=$((runs * 3))

reason=$("$BPFTOOL" map sync sleepable 2>&1) || {
	echo "not measured: ${reason#Error: }"
	exit 0
}
"$BUILD/tests/reach_load" "$BUILD/tests/sleep_use.bpf.o" syscall_sleeps "$pins" \
	>/dev/null
for ((run = 0; run < rounds; run++)); do
	note rounds "$BPFTOOL" "${swap_drain[@]}"
done
took=$(median "$work/rounds")
echo "median of $rounds: $took us with a sleepable program;" \
	"bar $bar_us us: $(verdict "$took" at-most "$bar_us")"
