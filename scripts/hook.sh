#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Makes a patched tree: a copy of the pristine one with the patches of each
# component applied, without fuzz.
#
# usage: hook.sh PRISTINE TREE
set -eu

pristine=$1
tree=$2
here=$(cd "$(dirname "$0")" && pwd)

rm -rf "$tree"
cp -a "$pristine" "$tree"
for component in kernel libbpf bpftool; do
	dir=$(cd "$tree" && pwd)/.patches/$component
	mkdir -p "$dir"
	"$here/patches.sh" "$component" "$pristine" >"$dir/list"
	# shellcheck disable=SC2046 # paths without blanks
	cp $(cat "$dir/list") "$dir/"
	sed 's|.*/||' "$dir/list" >"$dir/series"
	if ! log=$(cd "$tree" && QUILT_PATCHES=$dir QUILT_PC=.pc/$component \
		   quilt --quiltrc - push -a --fuzz=0 2>&1); then
		echo "$log" >&2
		echo "Error: the patches to $component do not apply" >&2
		rm -rf "$tree"
		exit 1
	fi
done
