#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs the benchmarks, all or those that are named: sync.sh is "sync". Each
# prints what it measured and the bar that is set for it. At the end come the bars
# that were not met: how busy the machine is decides about them too, so that is no
# failure. One that can't measure is, and those after it are run.
#
# usage: run.sh [NAME...], with BPFTOOL and BUILD in the environment
set -euo pipefail

: "${BPFTOOL:?}" "${BUILD:?}"
here=$(dirname "${BASH_SOURCE[0]}")
said=$(mktemp) not_met=$(mktemp)
trap 'rm -f "$said" "$not_met"' EXIT

cpu=$(sed -n '/^model name[[:blank:]]*: /{s///p;q}' /proc/cpuinfo)
echo "machine: $(nproc) CPUs, ${cpu:-unknown}, load $(cut -d' ' -f1-3 /proc/loadavg)"
echo "kernel:  $(uname -srvm)"
echo "tool:    $("$BPFTOOL" version | tr '\n' ' ')"

names=("$@") failed=()
[ $# -gt 0 ] ||
	mapfile -t names < <(basename -s .sh "$here"/*.sh | grep -vx run)
for name in "${names[@]}"; do
	echo
	"$here/$name.sh" | tee "$said" || failed+=("$name")
	sed -n "/NOT MET/s/^/$name: /p" "$said" >>"$not_met"
done
echo
if [ -s "$not_met" ]; then
	echo "bars not met:"
	cat "$not_met"
elif [ -z "${BENCH_QUICK:-}" ]; then
	echo "bars not met: none"
fi
[ ${#failed[@]} -eq 0 ] || {
	echo "failed: ${failed[*]}" >&2
	exit 1
}
