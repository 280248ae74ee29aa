#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# From a clone to an installed package, in a Debian that has nothing but make
#
# usage: fresh.sh; needs 4 GB below build/ and the network
. "${0%/*}/chroot.bash" fresh "$@"

make_root bookworm make
# What is not committed is not in it, as it is for a maintainer
git clone -q "$top" "$root/clone"

# The two commands, as docs/package.md has them
mapfile -t commands < <(sed -n '/^From a clone/,/^The first/s/^    //p' \
	"$top/docs/package.md")
[ "${#commands[@]}" -eq 2 ]
for command in "${commands[@]}"; do
	echo "# $command"
	in_root /clone "${command/install/install -y}"
done
in_root / '
	dpkg --verify bpftool-map-sync
	bpftool map help 2>&1 | grep swap-drain
	bpftool -j map sync'
