#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Replaces what an earlier run has written to a folder, and nothing else: under
# the same name may be a source tree, or mails that were edited.
#
# usage: written.sh check DIR [NAME...]
#        written.sh move NEW DIR [NAME...]
#
#   check	fails if DIR holds anything but what was moved there, as it was
#   move	checks, removes that, and puts what is in NEW in its place
#
# With NAMEs it is about these folders in DIR, whatever else is there. What was
# moved is noted in DIR/.bpftool-map-sync.
set -eu

usage() {
	sed -n '/^# usage/,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 1
}

# state NAME...: a line for each file, with its checksum, and for what is none
state() {
	for name; do
		[ -e "$name" ] || [ -L "$name" ] || continue
		find "$name" -path './.bpftool-map-sync*' -prune -o \
			-type f -exec sha256sum {} + -o \
			-path "$name" -type d -o -printf '%y  %p\n' || return 1
	done
}

# check DIR NAME...
check() (
	dir=$1
	shift
	[ -e "$dir" ] || return 0
	cd "$dir"
	noted=.bpftool-map-sync
	[ -f "$noted" ] || noted=/dev/null
	# What can't be read is not ours either
	now=$(state "$@") || return 1
	other=$(printf '%s\n' "$now" | grep . | grep -vxFf "$noted" | sed -n 1p)
	[ -z "$other" ] || {
		echo "Error: $dir holds what was not written by this, or was changed" \
			"since, and would be lost: ${other#*  }" >&2
		return 1
	}
)

[ $# -ge 2 ] || usage
what=$1
shift
case $what in
check) new= ;;
move) new=$(cd "$1" && pwd); shift ;;
*) usage ;;
esac
dir=$1
shift
[ $# -gt 0 ] || set -- .
check "$dir" "$@"
[ -n "$new" ] || exit 0

mkdir -p "$dir"
cd "$dir"
# A run that is killed, or has no space left, leaves nothing that the next one can't replace:
# what is noted is there as a whole or not at all
rm -rf .bpftool-map-sync.new
cp -R "$new" .bpftool-map-sync.new
for name; do
	[ ! -e "$name" ] || find "$name" -depth \( -path './.bpftool-map-sync*' -o \
		-path . \) -o -delete
done
(cd "$new" && state "$@") >.bpftool-map-sync
for name in .bpftool-map-sync.new/*; do
	mv "$name" .
done
rmdir .bpftool-map-sync.new
