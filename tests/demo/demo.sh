#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Counts every system call of this machine in a plain hash, drains that once a
# second with "map drain", and proves that no call was lost. Beside it the same
# counts are read and cleared the usual way, to show what that loses.
#
# usage: demo.sh [SECONDS], with BPFTOOL and BUILD in the environment
#
# Ends with 0 only if the sum of what was drained is what was counted.
set -euo pipefail

seconds=${1:-5}
: "${BPFTOOL:?}" "${BUILD:?}"
bpffs=/sys/fs/bpf
pins=$bpffs/demo-$$
journal=$bpffs/swap_drain
names=$BUILD/tests/syscalls.json
top=10

die() {
	echo "demo: $*" >&2
	exit 1
}

# Ctrl-C reaches every process of the terminal. Let bpftool finish: between the
# move and the output it would leave its journal behind.
bpftool() (
	trap '' INT TERM
	exec "$BPFTOOL" "$@"
)

# The program's attachment ends with its standard input, however we end
cleanup() {
	trap '' INT TERM
	[ -z "${to_demo:-}" ] || exec {to_demo}>&-
	[ -z "${demo_pid:-}" ] || wait "$demo_pid" || true
	[ -z "$journal_is_new" ] || rmdir "$journal" 2>/dev/null || true
	rm -rf "$work"
}

# Wait for a word of the program
expect() {
	local word=

	read -r word <&"$from_demo" || true
	[ "$word" = "$1" ] || die "the program can't be $1"
}

attach() {
	coproc demo { exec "$BUILD/tests/demo" "$BUILD/tests/demo.bpf.o" "$pins"; }
	demo_pid=$demo_PID
	exec {to_demo}>&"${demo[1]}" {from_demo}<&"${demo[0]}"
	eval "exec ${demo[0]}<&- ${demo[1]}>&-"
	expect attached
}

detach() {
	echo detach >&"$to_demo"
	expect detached
}

# Drain the map into a file of its own, then read and clear the other one
drain() {
	local sum

	bpftool -j map drain pinned "$pins/calls" >"$work/drained.$1.json"
	echo clear >&"$to_demo"
	read -r sum <&"$from_demo" || die "the program can't read its map"
	usual=$((usual + sum))
}

# Sum of a per-CPU counter
counter() {
	bpftool -j map dump pinned "$pins/$1" |
		jq '[.[].formatted.values[].value] | add'
}

# row NUMBER TEXT, with commas: 1,234,567
row() {
	printf '%14s  %s\n' \
		"$(sed -E ':a;s/^([0-9]+)([0-9]{3})/\1,\2/;ta' <<<"$1")" "$2"
}

# Show what was drained, the biggest first
show() {
	local number text

	jq -r --slurpfile names "$names" --argjson top "$top" '
		map(.formatted) | sort_by(-.value) |
		["\(map(.value) | add // 0)", "system calls"],
		(.[:$top][] | ["\(.value)", "  " +
			($names[0]["\(.key)"] // "number \(.key)")]),
		(.[$top:] | select(length > 0) |
		 ["\(map(.value) | add)", "  \(length) others"]) | @tsv' \
		"$work/drained.$1.json" |
	while IFS=$'\t' read -r number text; do
		row "$number" "$text"
	done
}

prove() {
	local counted drained not_stored

	counted=$(counter demo_counted)
	not_stored=$(counter demo_not_stored)
	drained=$(jq -s 'flatten | map(.formatted.value) | add' \
		"$work"/drained.*.json)

	row "$counted" 'counted by the program, before it looked a map up'
	row "$drained" "drained, in $drains drains"
	row $((counted - drained)) lost
	[ "$not_stored" -eq 0 ] ||
		row "$not_stored" 'of them could not be stored'
	row "$usual" 'read and cleared the usual way, beside it'
	row $((counted - usual)) 'never seen that way'
	[ "$counted" -gt 0 ] && [ "$counted" -eq "$drained" ]
}

[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "'$seconds' is not a number of seconds"
[ "$(id -u)" -eq 0 ] || die "must be run as root, to load a BPF program"
mountpoint -q "$bpffs" || mount -t bpf -o mode=0700 bpf "$bpffs"

journal_is_new=
[ -d "$journal" ] || journal_is_new=yes
work=$(mktemp -d)
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

attach
drains=0
usual=0
while [ "$drains" -lt "$seconds" ]; do
	sleep 1
	drains=$((drains + 1))
	drain "$drains"
	echo
	echo "second $drains: bpftool map drain pinned $pins/calls"
	show "$drains"
done

echo
echo "the end: detach the program, bpftool map sync, a last drain"
detach
bpftool map sync
drains=$((drains + 1))
drain "$drains"
show "$drains"
echo
prove
