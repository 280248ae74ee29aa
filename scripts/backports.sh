#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Fetches packages of a newer Debian suite and leaves this machine's own suites as
# they are: apt gets a root of its own, with lists and a cache but nothing installed.
# The mirror is the one that this machine uses; the keys are those of the package
# debian-archive-keyring.
#
# usage: backports.sh source VERSION DEST
#        backports.sh download PATTERN DIR
#        backports.sh list PATTERN
#
#   source	the tarball of linux-source-VERSION as DEST or, if that is gone, of
#		the newest linux-source with the same major version
#   download	the packages whose names match a regular expression, as files in DIR
#   list	their names
#
# From the environment: APT_ROOT (build/apt), SUITE (trixie-backports).
set -euo pipefail

usage() {
	sed -n '/^# usage/,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 1
}

die() {
	echo "Error: $1" >&2
	exit 1
}

case ${1-} in
source|download) [ $# -eq 3 ] || usage ;;
list) [ $# -eq 2 ] || usage ;;
*) usage ;;
esac
root=$(realpath -m "${APT_ROOT:-$(dirname "$0")/../build/apt}")
suite=${SUITE:-trixie-backports}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Both forms of apt's sources: "deb URL SUITE" and "URIs: URL"
mirror() {
	find /etc/apt -path '*/sources.list*' -type f \
		\( -name '*.list' -o -name '*.sources' \) -exec cat {} + |
		grep -E '^(deb|URIs:) ' | grep -oE '[a-z]+://[^ ]*/debian/?( |$)' |
		sed 's,/* *$,,' | sed -n 1p || true
}

apt() {
	local tool=$1

	shift
	"$tool" -q -o "Dir::State=$root/state" -o "Dir::State::status=$root/status" \
		-o "Dir::Cache=$root/cache" -o "Dir::Etc::SourceList=$root/sources.list" \
		-o "Dir::Etc::SourceParts=$root/none" -o "Dir::Log=$root" \
		-o "Dir::Etc::Preferences=$root/none" -o "Dir::Etc::PreferencesParts=$root/none" \
		-o APT::Sandbox::User= -o Acquire::Languages=none "$@"
}

# A day old is new enough
update() {
	local url

	[ -e "$keyring" ] || die "$keyring is missing: install debian-archive-keyring"
	mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial" "$root/none"
	exec 8>"$root/lock"
	flock 8
	[ -z "$(find "$root/updated-$suite" -mtime -1 2>/dev/null)" ] || return 0
	url=$(mirror)
	[ -n "$url" ] || die "apt's sources name no Debian mirror"
	: >"$root/status"
	echo "deb [signed-by=$keyring] $url $suite main" >"$root/sources.list"
	rm -f "$root"/updated-*
	apt apt-get -o APT::Update::Error-Mode=any update >"$root/log" 2>&1 || {
		cat "$root/log" >&2
		die "can't update the lists of $suite"
	}
	touch "$root/updated-$suite"
}

list() {
	apt apt-cache search --names-only "$1" | cut -d ' ' -f 1 | sort -V
}

# download DIR PACKAGE...
download() (
	cd "$1"
	shift
	apt apt-get download "$@" >"$root/log" 2>&1 || {
		cat "$root/log" >&2
		die "can't download $*"
	}
)

update
case $1 in
list)
	list "$2"
	;;
download)
	mapfile -t packages < <(list "$2")
	[ ${#packages[@]} -gt 0 ] || die "$suite has no package $2"
	download "$3" "${packages[@]}"
	;;
source)
	package=$(list "^linux-source-${2/./\\.}\$")
	[ -n "$package" ] || package=$(list "^linux-source-${2%%.*}\\.[0-9]+\$" | tail -n 1)
	[ -n "$package" ] || die "$suite has no linux-source-$2, nor a later one"
	echo "fetching $package from $suite"
	work=$(mktemp -d "$root/source.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	download "$work" "$package"
	dpkg-deb --fsys-tarfile "$work"/*.deb |
		tar xf - -C "$work" "./usr/src/$package.tar.xz"
	mv "$work/usr/src/$package.tar.xz" "$3"
	;;
esac
