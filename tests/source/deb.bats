# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The Debian packages: what is in them, and what dpkg and apt make of them in a
# fresh Debian that has the distribution's own bpftool and libbpf

load ../lib/sources

bats_require_minimum_version 1.5.0

DEB=$BUILD/deb

setup_file() {
	export REPO=$BATS_FILE_TMPDIR/repo
	export TOOL DEV NEWER
	TOOL=$(echo "$DEB"/bpftool-map-sync_*.deb)
	DEV=$(echo "$DEB"/libbpf-map-sync-dev_*.deb)
	mkdir "$REPO"
	cp "$TOOL" "$DEV" "$REPO"
	cp "$BATS_TEST_DIRNAME/../progs/package_use.c" \
		"$BATS_TEST_DIRNAME/../../docs/examples/drain-selector.c" "$REPO"
	next_version "$TOOL" next usr/share/man/man8/bpftool-{gen,new}.8.gz
	next_version "$DEV" next-dev usr/include/libbpf-map-sync/bpf/{btf,new}.h
	# A later bpftool of the distribution, and a package that wants one
	other_package bpftool 99.0
	other_package uses-bpftool 1 'Depends: bpftool (>= 7.0)'
	(cd "$REPO" && mkdir list && mv bpftool_* uses-bpftool_* list &&
		cd list && dpkg-scanpackages . >Packages) 2>/dev/null
}

# next_version PACKAGE NAME OLD NEW: ours as it is the next time, without a file that it
# has now and with another
next_version() {
	local tree=$BATS_FILE_TMPDIR/$2

	dpkg-deb -R "$1" "$tree"
	sed -i 's/^Version: .*/&+next/' "$tree/DEBIAN/control"
	mv "$tree/$3" "$tree/$4"
	sed -i "s# $3\$# $4#" "$tree/DEBIAN/md5sums"
	dpkg-deb --root-owner-group -b "$tree" "$REPO/$2.deb"
}

# other_package NAME VERSION [FIELD]
other_package() {
	local tree=$BATS_FILE_TMPDIR/$1

	mkdir -p "$tree/DEBIAN" "$tree/usr/sbin"
	printf '%s\n' "Package: $1" "Version: $2" \
		"Architecture: $(dpkg --print-architecture)" \
		'Maintainer: nobody <nobody@example.org>' ${3:+"$3"} \
		"Description: stands for the distribution's" \
		>"$tree/DEBIAN/control"
	echo "$1 $2" >"$tree/usr/sbin/$1"
	dpkg-deb --root-owner-group -b "$tree" "$REPO/$1_$2.deb"
}

# fresh SCRIPT: runs it in a Debian that is gone afterwards, and has no network.
# The packages are in /repo; apt knows those in /repo/list.
fresh() {
	mkdir -p "$BATS_TEST_TMPDIR/fresh"
	unshare --mount --pid --net --fork --kill-child --propagation private \
		bash -euc '
		mount -t tmpfs tmpfs "$1"
		mkdir "$1"/{upper,work,root}
		root=$1/root
		mount -t overlay overlay "$root" \
			-o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work"
		mount -t proc proc "$root/proc"
		mount --rbind /sys "$root/sys"
		mkdir "$root/repo"
		mount --bind "$3" "$root/repo"
		rm -rf "$root"/etc/apt/sources.list*
		echo "deb [trusted=yes] file:/repo/list ./" \
			>"$root/etc/apt/sources.list"
		export DEBIAN_FRONTEND=noninteractive LC_ALL=C
		export PATH=/usr/sbin:/usr/bin:/sbin:/bin
		exec chroot "$root" bash -euc "
			state() { dpkg-query -W -f \"\\\${db:Status-Status} \\\${Version}\" \$1; }
			no() { if \"\$@\"; then return 1; fi; }
			files() { find /usr /etc /lib /var/lib/dpkg/info ! -type d | sort; }
			$4"' fresh "$BATS_TEST_TMPDIR/fresh" "$DEB/chroot" "$REPO" "$1"
}

ours='/repo/bpftool-map-sync_*.deb'

@test "lintian finds nothing; the typos are those of the base's manual pages" {
	run -0 lintian --allow-root --display-info --tag-display-limit 0 \
		"$TOOL" "$DEV"
	! grep -v 'typo-in-manual-page\|^$' <<<"$output" || return 1
	[[ $output != *bpftool-map.8* ]]
}

@test "lintian does find something where there is something" {
	run lintian --allow-root "$REPO/list/bpftool_99.0.deb"
	[[ $output == *'E: '* ]]
}

# lower VERSION VERSION
lower() {
	dpkg --compare-versions "$1" lt "$2" || {
		echo "$1 is not lower than $2"
		return 1
	}
}

@test "the version is that of the base's bpftool and kernel, and of our packaging" {
	local base kernel version

	base=$("$BPFTOOL" version | sed -n '1s/.* v//p')
	kernel=$(sed -n 's/^\(VERSION\|PATCHLEVEL\|SUBLEVEL\) = //p' \
		"${TREE:?}/../pristine/Makefile" | paste -sd .)
	version=$(dpkg-deb -f "$TOOL" Version)
	[[ $version =~ ^"$base+v$kernel"[a-z0-9.~]*"+mapsync"[0-9]+$ ]]
	[ "$(dpkg-deb -f "$TOOL" Provides)" = "bpftool (= $base)" ]
	[ "$version" = "$(dpkg-deb -f "$DEV" Version)" ]
	# The first packages did not have the kernel's
	lower "$base+mapsync1" "$version"
	lower "$version" "${version%+*}+mapsync10"
}

# version_of SUBLEVEL EXTRAVERSION
version_of() {
	printf '%s\n' 'VERSION = 6' 'PATCHLEVEL = 18' "SUBLEVEL = $1" "EXTRAVERSION =${2:+ $2}" \
		>"$BATS_TEST_TMPDIR/Makefile"
	"$ROOT/packaging/version.sh" "$BPFTOOL" "$BATS_TEST_TMPDIR"
}

@test "a newer bpftool, a point release, or a newer one of ours is an upgrade" {
	lower "$(version_of 9)+mapsync1" "$(version_of 120)+mapsync1"
	lower "$(version_of 120)+mapsync9" "$(version_of 120)+mapsync10"
	lower "$(version_of 0 -rc7)+mapsync1" "$(version_of 0)+mapsync1"
	lower "$(version_of 0 -rc7)+mapsync1" "$(version_of 0 -rc10)+mapsync1"
	lower "$(version_of 120)+mapsync9" 99.0.0+v6.1.0+mapsync1
	# No place for a "-", which would begin a revision of Debian's
	[[ $(version_of 0 -rc7-next-1) == *+v6.18.0~rc7.next.1 ]]
}

@test "a build at another place, with options of the user's, gives the same bytes" {
	local copy=$BATS_TEST_TMPDIR/elsewhere path=$BATS_TEST_TMPDIR/path deb

	copy_build "$copy"
	env -u MAKELEVEL "${MAKE:-make}" -s -C "$copy" deb
	for deb in "$TOOL" "$DEV"; do
		cmp "$deb" "$copy/build/deb/${deb##*/}"
	done
	# What dpkg-buildpackage is given
	mkdir "$path"
	printf '#!/bin/sh\necho "$DEB_BUILD_OPTIONS"\n' >"$path/dpkg-buildpackage"
	chmod +x "$path/dpkg-buildpackage"
	rm "$copy/build/deb/.built"
	PATH=$path:$PATH DEB_BUILD_OPTIONS='nocheck parallel=1' env -u MAKELEVEL \
		"${MAKE:-make}" -s -C "$copy" build/deb/.built
	diff "$copy/build/deb/log" <(echo 'nocheck parallel=1 noautodbgsym')
}

@test "what is linked is depended on" {
	local lib

	for lib in $(objdump -p "$DEB/obj/bpftool" |
		sed -n 's/.* NEEDED *\(lib[a-z]*\).*/\1/p'); do
		# What a package is called that is not called after its library
		[ "$lib" = libz ] && lib=zlib
		[ "$lib" = libcrypto ] && lib=libssl
		dpkg-deb -f "$TOOL" Depends | grep -qE "\b${lib}[0-9a-z]* \(>="
	done
}

@test "takes the place of the distribution's bpftool, and does the verbs" {
	run -0 fresh "
		[[ \$(state bpftool) == 'installed '* ]]
		apt-get -qq -y install $ours
		dpkg --verify bpftool-map-sync
		[[ \$(state bpftool-map-sync) == 'installed '* ]]
		no dpkg -L bpftool 2>/dev/null
		command -v bpftool
		bpftool map help 2>&1 | grep swap-drain
		bpftool -j map sync
		test -s /usr/share/man/man8/bpftool-map.8.gz
		grep -q _bpftool_map_sync \
			/usr/share/bash-completion/completions/bpftool"
	[[ $output == *'"wait_us":'* ]]
}

@test "the same with dpkg alone" {
	fresh "
		dpkg -i $ours
		[[ \$(state bpftool-map-sync) == 'installed '* ]]
		no dpkg -L bpftool 2>/dev/null
		dpkg --verify bpftool-map-sync"
}

@test "upgrades to the next version, and nothing of the old one stays" {
	fresh "
		dpkg -i $ours
		dpkg -i /repo/next.deb
		[[ \$(state bpftool-map-sync) == 'installed '*+next ]]
		[[ ! -e /usr/share/man/man8/bpftool-gen.8.gz ]]
		[[ -e /usr/share/man/man8/bpftool-new.8.gz ]]
		dpkg --verify bpftool-map-sync"
}

@test "is removed without a trace" {
	fresh "
		apt-get -qq -y purge bpftool
		files >/tmp/before
		dpkg -i $ours
		files >/tmp/with
		no cmp -s /tmp/with /tmp/before
		dpkg --purge bpftool-map-sync
		files | diff /tmp/before -"
}

@test "the library upgrades, and is removed without a trace" {
	fresh "
		files >/tmp/before
		dpkg -i /repo/libbpf-map-sync-dev_*.deb
		dpkg -i /repo/next-dev.deb
		[[ \$(state libbpf-map-sync-dev) == 'installed '*+next ]]
		[[ ! -e /usr/include/libbpf-map-sync/bpf/btf.h ]]
		[[ -e /usr/include/libbpf-map-sync/bpf/new.h ]]
		dpkg --verify libbpf-map-sync-dev
		dpkg --purge libbpf-map-sync-dev
		files | diff /tmp/before -
		dpkg --verify libbpf-dev
		[[ \$(state libbpf-dev) == 'installed '* ]]"
}

@test "a newer bpftool of the distribution does not replace it" {
	fresh "
		apt-get -qq update
		# Control: the distribution's own would be upgraded
		apt-get -s upgrade | grep '^Inst bpftool .*99'
		dpkg -i $ours
		for how in upgrade dist-upgrade; do
			apt-get -s \$how >/tmp/sim
			no grep -E '^(Inst|Remv)' /tmp/sim
			apt-get -qq -y \$how
		done
		[[ \$(state bpftool-map-sync) == 'installed '* ]]
		bpftool map help 2>&1 | grep swap-drain"
}

@test "what depends on bpftool takes it for one" {
	fresh "
		dpkg -i $ours
		apt-get -qq update
		apt-get -qq -y install uses-bpftool
		[[ \$(state bpftool-map-sync) == 'installed '* ]]
		[[ \$(state uses-bpftool) == 'installed '* ]]"
}

@test "the way back: the distribution's bpftool when it is asked for" {
	fresh "
		dpkg -i $ours
		apt-get -qq update
		apt-get -qq -y install bpftool
		no dpkg -L bpftool-map-sync 2>/dev/null
		[[ \$(cat /usr/sbin/bpftool) == 'bpftool 99.0' ]]"
}

@test "a program in C: the function comes from our libbpf, beside the other" {
	run -0 fresh "
		dpkg -i /repo/libbpf-map-sync-dev_*.deb
		dpkg --verify libbpf-dev
		cd /tmp
		# Control: the distribution's libbpf does not have it
		no gcc /repo/package_use.c -o other -lbpf
		gcc /repo/package_use.c -o program \
			\$(pkgconf --cflags --libs libbpf-map-sync)
		./program
		gcc -Wall -Werror /repo/drain-selector.c -o drain-selector \
			\$(pkgconf --cflags --libs libbpf-map-sync)
		[[ \$(./drain-selector; echo \$?) == 2 ]]
		zcat /usr/share/man/man3/map_wait.3.gz | grep -q map_wait_open
		echo libbpf \$(pkgconf --modversion libbpf-map-sync)
		ldd program >libs
		no grep libbpf libs"
	[[ $output == *"libbpf $("$BPFTOOL" version |
		sed -n '2s/.* v//p')"* ]]
	[[ $output == *'this kernel does not have the command'* ||
		$output == *waited* ]]
}
