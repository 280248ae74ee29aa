#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# From a clone to an installed package, in a Debian that has nothing but make
#
# usage: fresh.sh; needs 4 GB below build/ and the network
set -euo pipefail

top=$(cd "${0%/*}/../.." && pwd)
root=$top/build/deb/fresh

# What is mounted, and what was started, goes with the namespaces
if [ "${1-}" != inside ]; then
	trap 'rm -rf --one-file-system "$root"' EXIT
	unshare --mount --pid --fork --kill-child --propagation private \
		"$0" inside
	exit
fi

rm -rf --one-file-system "$root"
mmdebstrap --quiet --variant=apt --include=make bookworm "$root"
# What is not committed is not in it, as it is for a maintainer
git clone -q "$top" "$root/clone"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"

in_fresh() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \
		DEBIAN_FRONTEND=noninteractive \
		chroot "$root" bash -euc "cd /clone; $1" </dev/null
}

# The two commands, as docs/package.md has them
mapfile -t commands < <(sed -n '/^From a clone/,/^The first/s/^    //p' \
	"$top/docs/package.md")
[ "${#commands[@]}" -eq 2 ]
for command in "${commands[@]}"; do
	echo "# $command"
	in_fresh "${command/install/install -y}"
done
in_fresh '
	dpkg --verify bpftool-map-sync
	bpftool map help 2>&1 | grep swap-drain
	bpftool -j map sync'
