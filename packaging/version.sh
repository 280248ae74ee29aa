#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Says what a package's version begins with: that of bpftool, then the release of the
# kernel that it is from. The distribution fixes bpftool in point releases, and has
# the number of the next one only.
#
# usage: version.sh BPFTOOL TREE
#
# The "v" comes after the "m" of "mapsync", which stood there in the first packages:
# theirs has to be the lower version.
set -eu

"$1" version | sed -n '1s/.* v//p' | tr -d '\n'
# "6.18.0-rc3" is before "6.18.0", and "-" stands before Debian's revision
sed -n 's/^\(VERSION\|PATCHLEVEL\|SUBLEVEL\|EXTRAVERSION\) *= */\1 /p' "$2/Makefile" |
	awk '{ part[$1] = $2 }
		END { sub(/^-rc/, "~rc", part["EXTRAVERSION"])
			gsub(/[^A-Za-z0-9.+~]/, ".", part["EXTRAVERSION"])
			printf "+v%s.%s.%s%s\n", part["VERSION"], part["PATCHLEVEL"],
				part["SUBLEVEL"], part["EXTRAVERSION"] }'
