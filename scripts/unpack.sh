#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Takes from a kernel source only what bpftool, libbpf and their checks need.
#
# usage: unpack.sh SOURCE DEST
#        unpack.sh -s SOURCE
#
#   -s	says what tells a source from another, and from itself after a change
#
# SOURCE is a kernel tree or a linux-source tarball.
set -eu

state=
if [ "$1" = -s ]; then
	state=y
	shift
fi
src=$1
dest=${2-}
parts="
	Makefile
	tools/bpf/bpftool
	tools/lib
	tools/include
	tools/arch
	tools/build
	tools/scripts
	tools/testing/selftests/bpf/test_bpftool_synctypes.py
	kernel/bpf/disasm.c
	kernel/bpf/disasm.h
	kernel/bpf/syscall.c
	include/uapi/linux/bpf.h
	scripts/bpf_doc.py
	scripts/checkpatch.pl
	scripts/const_structs.checkpatch
	scripts/spelling.txt
"

if [ ! -e "$src" ]; then
	echo "Error: there is no $src" >&2
	exit 1
fi

# Of a tree no more than what is taken: what else changes is none of the build's
if [ "$state" ]; then
	echo "$src"
	if [ -d "$src" ]; then
		# shellcheck disable=SC2086 # a list of paths without blanks
		(cd "$src" && find $parts ! -type d -printf '%p %T@ %s\n' 2>/dev/null |
			LC_ALL=C sort | sha256sum)
	else
		stat -L -c '%s %y' "$src"
	fi
	exit
fi

rm -rf "$dest"
mkdir -p "$dest"
if [ -d "$src" ]; then
	if [ ! -f "$src/tools/bpf/bpftool/main.c" ]; then
		echo "Error: $src is not a kernel source tree" >&2
		exit 1
	fi
	# shellcheck disable=SC2086 # a list of paths without blanks
	(cd "$src" && tar cf - $parts) | tar xf - -C "$dest"
else
	# The top folder's name need not be that of the tarball
	set -f
	# shellcheck disable=SC2046,SC2086 # a list of paths without blanks
	tar xf "$src" -C "$dest" --strip-components=1 --wildcards \
		--no-wildcards-match-slash $(printf '*/%s ' $parts)
fi
