#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds the patched kernel that the tests are run on, from packaged source.
#
# usage: build-kernel.sh BASE SOURCE DEST [FRAGMENT]...
#
# BASE is the release (6.12), SOURCE a linux-source tarball or a kernel tree,
# DEST a folder: bzImage, config, release, stamp and build.log are left there. Nothing is
# done while patches, configuration and source are those of the last build. What
# is configured: "config" beside this script, "config-BASE" if there is one, and
# each FRAGMENT on top.
set -euo pipefail

if [ $# -lt 3 ]; then
	sed -n '/^# usage/,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 1
fi
base=$1
source=$2
dest=$3
here=$(cd "$(dirname "$0")" && pwd)
scripts=$(cd "$here/../../scripts" && pwd)
fragments=("$here/config")
[ ! -f "$here/config-$base" ] || fragments+=("$here/config-$base")
fragments+=("${@:4}")
mkdir -p "$dest"
dest=$(cd "$dest" && pwd)
source=$(realpath "$source")
log=$dest/build.log
tree=$dest/tree
# The types are what is wanted of the debug information. Where a variable lives at
# which instruction is not, and takes a sixth of the time to work out.
flags=-fno-var-tracking

# Two at once would build in the same tree
exec 9>"$dest/lock"
flock 9
# "make LLVM=1" means another thing to the kernel's makefiles
unset MAKEFLAGS MAKEOVERRIDES MAKELEVEL LLVM

if [ -d "$source" ]; then
	source_id=$(find "$source" -name .git -prune -o -type f -printf '%P %s %T@\n' |
		LC_ALL=C sort | sha256sum)
else
	source_id=$(stat -c '%n %s %Y' "$source")
fi
stamp=$({ echo "$source_id $flags"; gcc --version | sed -n 1p
	  cat "${fragments[@]}"
	  find "$scripts/../patches/kernel" -type f | sort | xargs cat; } | sha256sum)
if [ -f "$dest/bzImage" ] && [ "$(cat "$dest/stamp" 2>/dev/null)" = "$stamp" ]; then
	exit 0
fi
rm -f "$dest/stamp" "$dest/bzImage"

die() {
	tail -n 25 "$log" >&2
	echo "Error: $1, see $log" >&2
	exit 1
}

unpack() {
	rm -rf "$tree"
	mkdir -p "$tree"
	# The largest parts that this configuration has no use for; all Kconfig
	# files are needed
	local skip=(--exclude='*/arch/[a-w]*/*.[chS]' --exclude='*/dts/*'
		    --exclude='*/drivers/gpu/*.[ch]' --exclude='*/sound/*.[ch]'
		    --exclude='*/drivers/media/*.[ch]'
		    --exclude='*/drivers/net/*/*.[ch]'
		    --exclude='*/tools/testing' --exclude='*/Documentation/*/*')
	if [ -d "$source" ]; then
		tar cf - -C "$source" --exclude=./.git "${skip[@]}" . | tar xf - -C "$tree"
	else
		tar xf "$source" -C "$tree" --strip-components=1 "${skip[@]}"
	fi
}

apply() {
	local patches patch

	patches=$("$scripts/patches.sh" kernel "$tree") || return 1
	for patch in $patches; do
		patch -d "$tree" -p1 -F0 --no-backup-if-mismatch <"$patch" ||
			return 1
	done
}

# An option of the fragment that the kernel's own rules dropped would make a
# test skip, or a check never look: say so. Not every base has every option.
check_config() {
	local line name missing=
	declare -A known

	while read -r _ name; do
		known[CONFIG_$name]=y
	done < <(grep -rhE --include='Kconfig*' '^\s*(menu)?config \w+$' "$tree")
	while read -r line; do
		name=${line%%=*}
		[ -n "${known[$name]-}" ] || continue
		if [ "${line#*=}" = n ]; then
			grep -q "^$name=" "$tree/.config" && missing+=" $line"
		else
			grep -qxF "$line" "$tree/.config" || missing+=" $line"
		fi
	done < <(cat "${fragments[@]}" |
		 awk -F= '/^CONFIG_/ { last[$1] = $0 }
			  END { for (name in last) print last[name] }')
	[ -z "$missing" ] || { echo "options that were not taken:$missing"; return 1; }
}

configure() {
	make -C "$tree" tinyconfig &&
	(cd "$tree" && scripts/kconfig/merge_config.sh -m .config "${fragments[@]}") &&
	make -C "$tree" olddefconfig &&
	check_config
}

start=$SECONDS
: >"$log"
echo "guest kernel $base: unpacking"
unpack >>"$log" 2>&1 || die "can't unpack $source"
apply >>"$log" 2>&1 || die "the kernel patch does not apply"
configure >>"$log" 2>&1 || die "can't configure the kernel"
echo "guest kernel $base: building, this takes a few minutes"
make -C "$tree" -j"$(nproc)" KCFLAGS="$flags" bzImage >>"$log" 2>&1 ||
	die "the kernel does not build"
cp "$tree/.config" "$dest/config"
make -s -C "$tree" kernelversion | cut -d . -f 1,2 >"$dest/release"
cp "$tree/arch/x86/boot/bzImage" "$dest/bzImage"
rm -rf "$tree"
echo "$stamp" >"$dest/stamp"
echo "guest kernel $base: built in $((SECONDS - start)) s"
