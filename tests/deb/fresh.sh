#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# From a clone to an installed package, in a Debian that has nothing but make
#
# usage: fresh.sh; needs 4 GB below build/ and the network
set -euo pipefail

top=$(cd "${0%/*}/../.." && pwd)
root=$top/build/deb/fresh

cleanup() {
	umount -l "$root/proc" "$root/sys" 2>/dev/null || true
	rm -rf --one-file-system "$root"
}
trap cleanup EXIT
cleanup

mmdebstrap --quiet --variant=apt --include=make bookworm "$root"
mkdir "$root/clone"
(cd "$top" && tar cf - --exclude=./build --exclude=./.git .) |
	tar xf - -C "$root/clone"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --make-rslave "$root/sys"

# The two commands, as docs/package.md has them
mapfile -t commands < <(sed -n '/^From a clone/,/^The first/s/^    //p' \
	"$top/docs/package.md")
[ "${#commands[@]}" -eq 2 ]
for command in "${commands[@]}"; do
	echo "# $command"
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \
		DEBIAN_FRONTEND=noninteractive \
		chroot "$root" bash -euc "cd /clone; ${command/install/install -y}" \
		</dev/null
done
chroot "$root" bash -euc '
	dpkg --verify bpftool-map-sync
	bpftool map help 2>&1 | grep swap-drain
	bpftool -j map sync'
