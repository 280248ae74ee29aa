#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs the benchmarks, all or those that are named: sync.sh is "sync". Each
# prints what it measured and the bar that is set for it.
#
# usage: run.sh [NAME...], with BPFTOOL and BUILD in the environment
set -euo pipefail

: "${BPFTOOL:?}" "${BUILD:?}"
here=$(dirname "${BASH_SOURCE[0]}")

cpu=$(sed -n 's/^model name[[:blank:]]*: //p' /proc/cpuinfo | head -n 1)
echo "machine: $(nproc) CPUs, ${cpu:-unknown}, load $(cut -d' ' -f1-3 /proc/loadavg)"
echo "kernel:  $(uname -srvm)"
echo "tool:    $("$BPFTOOL" version | tr '\n' ' ')"

names=("$@")
[ $# -gt 0 ] ||
	mapfile -t names < <(basename -s .sh "$here"/*.sh | grep -vx run)
for name in "${names[@]}"; do
	echo
	"$here/$name.sh"
done
