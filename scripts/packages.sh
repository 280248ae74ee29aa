#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Makes sure that Debian packages are there: installs what is missing when
# run by root, otherwise names the command that would and fails.
#
# usage: packages.sh PACKAGE...
set -eu

missing=
for pkg in "$@"; do
	state=$(dpkg-query -W -f='${db:Status-Status}' "$pkg" 2>/dev/null) || state=
	[ "$state" = installed ] || missing="$missing $pkg"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -ne 0 ]; then
	echo "Error: packages are missing, install them as root with:" >&2
	echo "  $install" >&2
	exit 1
fi

echo "installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# The package lists of a fresh machine are empty or old: fetch them only then.
# Another one at work, as the machine's own upgrades, is waited for.
run="apt-get -o DPkg::Lock::Timeout=600 ${install#apt-get }"
if ! $run >"$log" 2>&1 </dev/null &&
   ! { apt-get update && $run; } >"$log" 2>&1 </dev/null; then
	tail -n 20 "$log" >&2
	echo "Error: '$install' failed" >&2
	exit 1
fi
