# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A Debian of its own for a script of this folder. What is mounted, and what was
# started, goes with the namespaces; the folder $work, with all that is in it, at the end.
#
# usage: . chroot.bash NAME "$@": $work is build/deb/NAME
set -euo pipefail

top=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
work=$top/build/deb/$1
root=$work/root

if [ "${2-}" != inside ]; then
	trap 'rm -rf --one-file-system "$work"' EXIT
	unshare --mount --mount-proc --pid --fork --kill-child \
		--propagation private "$0" inside
	exit
fi

rm -rf --one-file-system "$work"
mkdir -p "$work"

# make_root SUITE PACKAGES: a minimal Debian with these in $root, which is a mount as any
# root is. "umount -R" undoes that
make_root() {
	mmdebstrap --quiet --variant=apt --include="$2" "$1" "$root"
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
}

# in_root FOLDER COMMANDS
in_root() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \
		DEBIAN_FRONTEND=noninteractive \
		chroot "$root" bash -euc "cd $1; $2" </dev/null
}
