#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Fetches a Debian 12 source package and unpacks it, without a change to the
# machine's own list of sources.
#
# usage: debian-source.sh PACKAGE DEST
set -euo pipefail

package=$1
dest=$2
[ ! -d "$dest" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 0755 "$work"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$(dirname "$dest")"
echo 'deb-src http://deb.debian.org/debian bookworm main' >"$work/sources"

apt=(apt-get -qq -o "Dir::Etc::SourceList=$work/sources" -o Dir::Etc::SourceParts=/dev/null
     -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache"
     -o APT::Sandbox::User=root)
cd "$work"
"${apt[@]}" update
"${apt[@]}" source "$package" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
mv "$work/$package"-*/ "$dest"
