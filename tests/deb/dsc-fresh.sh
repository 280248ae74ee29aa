#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# From the source package of "make dsc" to installed packages: sbuild builds them in a
# Debian that has nothing but build-essential. Another one, with the distribution's
# bpftool, installs and uses them; a third runs their autopkgtest.
#
# usage: SUITE=SUITE dsc-fresh.sh; needs 3 GB below build/ and the network
. "${0%/*}/chroot.bash" dsc-fresh "$@"

suite=${SUITE:-bookworm}
log=$top/build/deb/dsc-fresh.log

# a_debian PACKAGES: as make_root, and apt knows what there is
a_debian() {
	make_root "$suite" "$1"
	in_root / 'apt-get update -qq'
}

# sbuild wants a range of users for root, and has it in these namespaces alone
echo root:100000:65536 >"$work/ids"
mount --bind "$work/ids" /etc/subuid
mount --bind "$work/ids" /etc/subgid
# What it unpacks in /tmp is in $work, and there is no ~/.sbuildrc
mkdir -m 1777 "$work/tmp"
mount --bind "$work/tmp" /tmp
export HOME=/tmp TMPDIR=/tmp

echo "# sbuild, $suite"
mmdebstrap --quiet --variant=buildd "$suite" "$work/buildd.tar"
mkdir "$work/built"
cp "$top"/build/deb/dsc/*.dsc "$top"/build/deb/dsc/*.tar.* "$work/built/"
cd "$work/built"
sbuild --chroot-mode=unshare --chroot="$work/buildd.tar" --dist=unstable \
	--jobs="$(nproc)" --no-run-lintian --nolog ./*.dsc >"$log" 2>&1 ||
	{ tail -n 40 "$log" >&2; exit 1; }
ls ./*.deb
lintian --allow-root ./*.changes

echo "# installs and uses them"
a_debian bpftool,gcc,libc6-dev,pkgconf
cp ./*.deb "$top/docs/examples/drain-selector.c" "$top/tests/progs/package_use.c" \
	"$root/mnt/"
# shellcheck disable=SC2016 # expanded in there
in_root /mnt '
	bpftool version
	apt-get install -qq ./*.deb >log 2>&1 || { cat log; exit 1; }
	dpkg --verify
	bpftool map help 2>&1 | grep swap-drain
	bpftool -j map sync
	# The distribution has gone, and what wants it is content
	[ "$(dpkg-query -W -f "\${db:Status-Status}" bpftool)" != installed ]
	changes=$(apt-get -qq --simulate satisfy "bpftool (>= 7.0)")
	[ -z "$changes" ]
	flags=$(pkgconf --cflags --libs libbpf-map-sync)
	gcc -Wall -Werror drain-selector.c $flags -o drain-selector
	gcc -Wall -Werror package_use.c $flags -o package_use
	./package_use
	id=$(readelf -n /usr/sbin/bpftool | sed -n "s/.*Build ID: //p")
	ls "/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug"'

echo "# autopkgtest"
umount -R "$root"
rm -rf --one-file-system "$root"
a_debian bpftool
# It can't know that this chroot has the rights of the machine
autopkgtest --ignore-restrictions=isolation-machine --no-built-binaries \
	--summary-file="$work/summary" ./*.deb ./*.dsc -- chroot "$root" \
	>>"$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }
cat "$work/summary"
