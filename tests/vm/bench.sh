#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the command is worth: in one boot of the patched kernel, how long
# "map sync" waits with it and with an update of a map-in-map, in turns. And how
# long "swap-drain all" takes for 1,024 slots on Debian's 6.1.
#
# usage: bench.sh [ROUNDS]
#
# From the environment: BUILD, BPFTOOL, BASE, SOURCE as for matrix.sh. Fails when
# the command's median is more than 1/20 of the other one. Wants a machine with
# two idle CPUs: a grace period ends when every CPU of the guest has run.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
rounds=${1:-200}

# median FILE: of the waits in it
median() {
	sed -n 's/.*"wait_us":\([0-9]*\).*/\1/p' "$1" | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

guest() {
	local dir command update i

	dir=$(mktemp -d)
	for ((i = 0; i < rounds; i++)); do
		# No pipe: who else runs then has to be waited for too
		"$BPFTOOL" -j map sync using bpf_sync_map_access >>"$dir/command"
		"$BPFTOOL" -j map sync using map_in_map_update >>"$dir/update"
	done
	command=$(median "$dir/command")
	update=$(median "$dir/update")
	echo "$(uname -r), $(nproc) CPUs, $rounds rounds, median of the wait:"
	echo "  bpf_sync_map_access  $command us"
	echo "  map_in_map_update    $update us"
	echo "  ratio                1/$((update / (command > 0 ? command : 1)))"
	[ "$(wc -l <"$dir/command")" -eq "$rounds" ] &&
		[ "$(wc -l <"$dir/update")" -eq "$rounds" ] &&
		[ $((command * 20)) -le "$update" ]
}

if [ -n "${BENCH_IN_GUEST:-}" ]; then
	guest
	exit
fi
export BENCH_IN_GUEST=1
cd "$here/../.."
base=${BASE:-6.12}
# The checks of the tests' kernel cost more than what is to be measured
"$here/build-kernel.sh" "$base" "${SOURCE:-/usr/src/linux-source-$base.tar.xz}" \
	"$BUILD/vm/$base-plain" "$here/config-plain"
failed=0
"$here/boot.sh" -k "$BUILD/vm/$base-plain/bzImage" \
	-e BUILD -e BPFTOOL -e BENCH_IN_GUEST -- "tests/vm/bench.sh $rounds" ||
	failed=1

# Here a batch waits once a slot, and so does a lookup
"$here/debian-kernels.sh" "$BUILD/vm/debian" 6.1-cloud
export BENCH_BAR_US=500000
"$here/boot.sh" -k "$BUILD/vm/debian/6.1-cloud/vmlinuz" \
	-m "$BUILD/vm/debian/6.1-cloud" -e BUILD -e BPFTOOL -e BENCH_BAR_US -- \
	tests/bench/slots.sh || failed=1
exit $failed
