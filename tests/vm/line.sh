#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs one line of the matrix: boots its kernel, runs the tests in it, hands
# their TAP on. Made to be called by prove, for bats files of this machine too.
#
# usage: line.sh LINE|FILE.bats
#
# From the environment: BUILD and BPFTOOL as for all tests, BASE of the patched
# kernel, GUEST_TESTS the bats files, and LINE_LIMIT, the seconds that it may take.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
line=$1
[[ $line != *.bats ]] || exec bats --tap "$line"
name=$(basename "$line" .line)
set -a
# shellcheck source=/dev/null
. "$line"
set +a

results=$BUILD/vm/results
mkdir -p "$results"
rm -f "$results/$name".*
case $KERNEL in
patched) set -- -k "$BUILD/vm/$BASE/bzImage" ;;
*) set -- -k "$BUILD/vm/debian/$KERNEL/vmlinuz" -m "$BUILD/vm/debian/$KERNEL" ;;
esac
[ -z "$OFFLINE" ] || set -- "$@" -f "$OFFLINE"
# All that the tests look at, also what this script was given itself
for var in BUILD BPFTOOL TREE BASE LOAD_SECONDS "${!EXPECT_@}"; do
	[ -z "${!var+set}" ] || set -- "$@" -e "$var"
done

cd "$here/../.." || exit 1
start=$SECONDS
"$here/boot.sh" "$@" -s "$CPUS" -a "$APPEND" -t "${LINE_LIMIT:-1800}" \
	-l "$results/$name.console" -- "bats --tap --timing $GUEST_TESTS ${MORE_TESTS:-}" |
	tee "$results/$name.tap"
status=${PIPESTATUS[0]}
echo "$status $((SECONDS - start))" >"$results/$name.status"
exit "$status"
