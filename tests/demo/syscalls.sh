#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The names of the system calls by number, as JSON, from the system's headers
set -eu

names=$(echo '#include <sys/syscall.h>' | "${CC:-cc}" -E -dM - |
	sed -n 's/^#define __NR_\([a-z0-9_]*\) .*/\1/p')
{
	echo '#include <sys/syscall.h>'
	for name in $names; do
		echo "\"$name\" __NR_$name"
	done
} | "${CC:-cc}" -E -P - |
	sed -n 's/^"\(.*\)" \([0-9]*\)$/{"\2": "\1"}/p' |
	jq -s 'add'
