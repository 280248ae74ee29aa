#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What "make check" ends with: the figures that the tests have noted, and how the
# suite fared on each kernel.
#
# usage: summary.sh, with BUILD in the environment
set -eu

echo
echo "on $(uname -r), $(nproc) CPUs:"
for file in "$BUILD"/results/*; do
	[ -f "$file" ] || continue
	sed 's/^\(.*\) \([0-9][0-9]*\)$/\2 \1/' "$file" |
		awk '{ n = $1; $1 = ""; printf "%14d %s\n", n, $0 }'
done
if [ -f "$BUILD/vm/matrix.txt" ]; then
	echo
	cat "$BUILD/vm/matrix.txt"
fi
