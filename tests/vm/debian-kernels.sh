#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Fetches kernels that Debian ships. They are unpacked, never installed or built.
#
# usage: debian-kernels.sh DEST NAME...
#
# NAME is RELEASE-FLAVOUR: 6.1-cloud, 6.1-rt, 6.12-cloud. Leaves DEST/NAME/vmlinuz
# and DEST/NAME/lib/modules/VERSION, and keeps what is there already.
set -euo pipefail

if [ $# -lt 2 ]; then
	sed -n '/^# usage/,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 1
fi
mkdir -p "$1"
dest=$(cd "$1" && pwd)
shift

# The newest package of that kind. Their names carry the version; the unsigned
# image is the same kernel, and backports have only that one.
newest() {
	local release=${1%-*} flavour=${1##*-}

	apt-cache search --names-only \
		"^linux-image-${release/./\\.}\\.[0-9][0-9a-z.+-]*-$flavour-amd64-unsigned\$" |
		cut -d' ' -f1 | sort -V | tail -n 1
}

fetch() {
	local name=$1 package=$2 dir=$dest/$1 work

	work=$(mktemp -d "$dest/.$name.XXXXXX")
	# The download's sandbox user can't write here; that is all it warns about
	if ! (cd "$work" && apt-get -qq download "$package") >"$work/log" 2>&1; then
		cat "$work/log" >&2
		rm -rf "$work"
		return 1
	fi
	dpkg -x "$work"/*.deb "$work/unpacked"
	rm -rf "$dir"
	mkdir -p "$dir/lib"
	mv "$work"/unpacked/boot/vmlinuz-* "$dir/vmlinuz"
	mv "$work"/unpacked/boot/config-* "$dir/config"
	mv "$work"/unpacked/lib/modules "$dir/lib/modules"
	rm -rf "$work"
	depmod -b "$dir" "$(basename "$dir"/lib/modules/*)"
	echo "$package" >"$dir/package"
}

for name; do
	[ -f "$dest/$name/package" ] && continue
	package=$(newest "$name")
	if [ -z "$package" ]; then
		# The package lists of a fresh machine are empty
		apt-get -qq update
		package=$(newest "$name")
	fi
	if [ -z "$package" ]; then
		echo "Error: no kernel package for $name is known to apt" >&2
		exit 1
	fi
	echo "fetching $package"
	fetch "$name" "$package" || { echo "Error: can't fetch $package" >&2; exit 1; }
done
