#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs the test suite on other kernels and prints what came of it as a table. Tests
# of the guests themselves run beside that.
#
# usage: matrix.sh [-k] [LINE|FILE.bats]...
#
# LINE is a file of lines/, FILE.bats one of this folder, all of them by default.
# -k: only builds and fetches the lines' kernels. The environment says the rest:
# BUILD (absolute), BPFTOOL, BASE, SOURCE of the patched kernel (a tarball or a
# tree), GUEST_TESTS (bats files; a line may name more), MATRIX_JOBS (lines at a
# time, one for each CPU: an emulated machine keeps little more than one busy).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
export BASE=${BASE:-6.12}
SOURCE=${SOURCE:-/usr/src/linux-source-$BASE.tar.xz}
export GUEST_TESTS=${GUEST_TESTS:-tests/guest tests/host/calls.bats}
jobs=${MATRIX_JOBS:-$(nproc)}
only_kernels=
if [ "${1-}" = -k ]; then
	only_kernels=y
	shift
fi
if [ $# -eq 0 ]; then
	# The one that takes longest goes first, the others beside it
	mapfile -t others < <(find "$here/lines" -name '*.line' \
		! -name patched.line | sort)
	set -- "$here/lines/patched.line" "${others[@]}" "$here"/*.bats
fi

value() {
	# shellcheck source=/dev/null
	(. "$1" && echo "${!2}")
}

fetch_kernels() {
	local line kernel debian=() patched=

	for line; do
		kernel=$(value "$line" KERNEL)
		if [ "$kernel" = patched ]; then
			patched=y
		elif [[ " ${debian[*]} " != *" $kernel "* ]]; then
			debian+=("$kernel")
		fi
	done
	[ -z "$patched" ] ||
		"$here/build-kernel.sh" "$BASE" "$SOURCE" "$BUILD/vm/$BASE"
	[ ${#debian[@]} -eq 0 ] ||
		"$here/debian-kernels.sh" "$BUILD/vm/debian" "${debian[@]}"
}

count() {
	grep -sc "$1" "$2" || true
}

# seen WHAT TAP: what provider.bats has noted of this kernel
seen() {
	sed -n "s/^# seen $1: //p" "$2" 2>/dev/null | grep . || echo -
}

# One row: title, what was chosen, what was said of membarrier, tests, seconds
row() {
	local line=$1 tap status=- seconds=- ok bad skipped verdict

	tap=$BUILD/vm/results/$(basename "$line" .line)
	[ ! -f "$tap.status" ] || read -r status seconds <"$tap.status"
	ok=$(count '^ok ' "$tap.tap")
	bad=$(count '^not ok ' "$tap.tap")
	skipped=$(count '^ok .*# skip' "$tap.tap")
	verdict=ok
	[ "$status" = 0 ] || verdict="FAILED ($status)"
	printf '| %-40s | %-19s | %-26s | %4d | %4d | %4d | %4s | %s |\n' \
		"$(value "$line" TITLE)" "$(seen chosen "$tap.tap")" \
		"$(seen membarrier "$tap.tap")" $((ok - skipped)) "$skipped" "$bad" "$seconds" "$verdict"
}

table() {
	local line

	printf '| %-40s | %-19s | %-26s | pass | skip | fail | s    |\n' \
		kernel 'provider chosen' membarrier
	for line; do
		row "$line"
	done
}

lines=()
for arg; do
	[[ $arg == *.bats ]] || lines+=("$arg")
done
fetch_kernels "${lines[@]}"
[ -z "$only_kernels" ] || exit 0
failed=0
prove --timer --failures --comments -j "$jobs" --exec "$here/line.sh" "$@" ||
	failed=1
table "${lines[@]}" | tee "$BUILD/vm/matrix.txt"
exit $failed
