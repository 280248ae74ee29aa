#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Names the patches of a component, in the order of its series. A base that the
# common patch does not fit has its own of the same name, in a folder.
#
# usage: patches.sh COMPONENT BASE
set -eu

dir=$(cd "$(dirname "$0")/../patches/$1" && pwd)
while read -r patch; do
	own=$dir/$2/$patch
	[ -f "$own" ] || own=$dir/$patch
	echo "$own"
done <"$dir/series"
