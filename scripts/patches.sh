#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Names the patches of a component, in the order of its series, each in the form
# that fits a tree: the common one, or one of the same name in a folder beside it.
# Which one that is gets tried, without fuzz: a tree needs no name and no version.
# Where none fits it is the common one, for the caller to fail with.
#
# usage: patches.sh COMPONENT TREE, TREE without any of them
set -eu

dir=$(cd "$(dirname "$0")/../patches/$1" && pwd)
tree=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Patches of one series build on each other, so they are applied to what they
# touch
find "$dir" -name '*.patch' -exec sed -n 's|^+++ b/||p' {} + | sort -u |
	while read -r path; do
		[ ! -f "$tree/$path" ] || echo "$path"
	done >"$work/paths"
mkdir "$work/tree"
tar cf - -C "$tree" -T "$work/paths" | tar xf - -C "$work/tree"

try() {
	patch -d "$work/tree" -p1 -F0 -f -s --no-backup-if-mismatch "$@" >/dev/null
}

while read -r patch; do
	fits=$dir/$patch
	for form in "$fits" "$dir"/*/"$patch"; do
		if [ -f "$form" ] && try --dry-run <"$form"; then
			try <"$form"
			fits=$form
			break
		fi
	done
	echo "$fits"
done <"$dir/series"
