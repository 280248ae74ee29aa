#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Fetches kernels that Debian ships. They are unpacked, never installed or built.
#
# usage: debian-kernels.sh DEST NAME...
#
# NAME is RELEASE-FLAVOUR: 6.1-cloud, 6.1-rt, 6.12-cloud, or 7-cloud for the newest
# 7.x of a newer suite. Leaves DEST/NAME/vmlinuz and DEST/NAME/lib/modules/VERSION, and
# keeps what is there already.
set -euo pipefail

if [ $# -lt 2 ]; then
	sed -n '/^# usage/,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 1
fi
mkdir -p "$1"
dest=$(cd "$1" && pwd)
backports=$(cd "$(dirname "$0")/../../scripts" && pwd)/backports.sh
shift

# The newest package of that kind. Their names carry the version; the unsigned
# image is the same kernel, and backports have only that one.
newest() {
	local release=${1%-*} flavour=${1##*-}

	apt-cache search --names-only \
		"^linux-image-${release/./\\.}\\.[0-9][0-9a-z.+-]*-$flavour-amd64-unsigned\$" |
		cut -d' ' -f1 | sort -V | tail -n 1
}

# Later kernels are split into three packages
is_newer() {
	[[ $1 == 7-* ]]
}

newest_newer() {
	"$backports" list "^linux-binary-${1%-*}\.[0-9][0-9a-z.+]*-${1##*-}-amd64\$" |
		tail -n 1
}

# download NAME PACKAGE DIR
download() {
	local version=${2#linux-binary-}

	if is_newer "$1"; then
		"$backports" download "^linux-(base|binary|modules)-${version//+/\\+}\$" "$3"
	else
		# The download's sandbox user can't write here; that is all it warns about
		(cd "$3" && apt-get -qq download "$2")
	fi
}

fetch() {
	local name=$1 package=$2 dir=$dest/$1 work deb modules

	work=$(mktemp -d "$dest/.$name.XXXXXX")
	if ! download "$name" "$package" "$work" >"$work/log" 2>&1; then
		cat "$work/log" >&2
		rm -rf "$work"
		return 1
	fi
	for deb in "$work"/*.deb; do
		dpkg -x "$deb" "$work/unpacked"
	done
	rm -rf "$dir"
	mkdir -p "$dir/lib"
	# Later packages have all of it below usr/lib/modules
	modules=$(find "$work/unpacked" -type d -path '*lib/modules')
	find "$work/unpacked" -name 'vmlinuz*' -type f -exec mv {} "$dir/vmlinuz" \;
	if [ ! -f "$dir/vmlinuz" ] || [ -z "$modules" ]; then
		echo "Error: $package has no kernel, or no modules" >&2
		return 1
	fi
	mv "$modules" "$dir/lib/modules"
	rm -rf "$work"
	depmod -b "$dir" "$(basename "$dir"/lib/modules/*)"
	echo "$package" >"$dir/package"
}

for name; do
	[ -f "$dest/$name/package" ] && continue
	if is_newer "$name"; then
		package=$(newest_newer "$name")
	else
		package=$(newest "$name")
	fi
	if [ -z "$package" ] && ! is_newer "$name"; then
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
