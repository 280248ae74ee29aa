#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Makes a patched tree: a copy of the pristine one with the patches of each
# component applied, without fuzz.
#
# usage: hook.sh PRISTINE TREE BASE
set -eu

pristine=$1
tree=$2
base=$3
patches=$(cd "$(dirname "$0")/../patches" && pwd)

rm -rf "$tree"
cp -a "$pristine" "$tree"
for component in kernel libbpf bpftool; do
	# A base that the common patch does not fit has a folder of its own.
	dir=$patches/$component/$base
	[ -f "$dir/series" ] || dir=$patches/$component
	[ -f "$dir/series" ] || continue
	if ! log=$(cd "$tree" && QUILT_PATCHES=$dir QUILT_PC=.pc/$component \
		   quilt --quiltrc - push -a --fuzz=0 2>&1); then
		echo "$log" >&2
		echo "Error: the patches of $dir do not apply" >&2
		rm -rf "$tree"
		exit 1
	fi
done
