#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# How much slower a program counts, as fast as one CPU can, while drains of its map run in
# a loop on another one: map drain of a hash, and swap-drain of a hash in a slot
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
[ "$(nproc)" -gt 1 ] || {
	echo "not measured: one CPU"
	exit 0
}
mapfile -t cpus < <(taskset -cp $$ | sed -e 's/.*: //' -e 's/[,-]/\n/g')
seconds=2

# events KIND: how many are counted in that time
events() {
	local n

	rm -rf "${pins:?}"/*
	if [ "$1" = map ]; then
		taskset -c "${cpus[0]}" "$BUILD/tests/move_load" \
			--object "$BUILD/tests/move_load.bpf.o" --type hash \
			--seconds $seconds --pin "$pins/map"
	else
		n=$(sleep $seconds | taskset -c "${cpus[0]}" "$BUILD/tests/load" \
			--object "$BUILD/tests/load.bpf.o" --pins "$pins" --threads 1)
		n=${n#*\"counted\":}
		echo "${n%%[,\}]*}"
	fi
}

# drains KIND: until it is killed; nothing is lost if it is
drains() {
	local command=(map drain pinned "$pins/map")

	[ "$1" = map ] || command=(map swap-drain pinned "$pins/outer" key 0 0 0 0)
	while sleep 0.01; do
		taskset -c "${cpus[1]}" "$BPFTOOL" "${command[@]}" \
			journal "$pins/journal" >/dev/null 2>&1 && echo >>"$work/$1.drains"
	done
}

# report KIND NAME
report() {
	awk -v name="$2" -v alone="$(median "$work/$1.alone")" \
		-v drained="$(median "$work/$1.drained")" \
		-v drains="$(wc -l <"$work/$1.drains")" -v s=$seconds -v runs="$runs" 'BEGIN {
		printf "%s: %.1f million events a second alone, ", name, alone / s / 1e6
		printf "%.1f with %.0f drains a second: ", drained / s / 1e6,
			drains / s / runs
		printf "%.1f %% fewer\n", 100 * (1 - drained / alone) }'
}

touch "$work"/{map,slot}.drains
for ((run = 0; run < runs; run++)); do
	for kind in map slot; do
		events $kind >>"$work/$kind.alone"
		drains $kind &
		events $kind >>"$work/$kind.drained"
		kill $!
		wait $! 2>/dev/null || true
	done
done
report map "map drain"
report slot swap-drain
