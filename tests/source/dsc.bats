# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The Debian source package of "make dsc"

load ../lib/sources

setup() {
	DSC=$(echo "$BUILD"/deb/dsc/*.dsc)
}

# The project has no home page yet
@test "dsc: lintian --pedantic finds nothing but that there is no home page" {
	run lintian --allow-root --pedantic "$DSC"
	[ "$output" = "P: bpftool-map-sync source: no-homepage-field" ]
}

@test "dsc: builds the packages from its own content" {
	local dir=$BATS_TEST_TMPDIR/src

	[ "$(uname -m)" = x86_64 ] || skip "its packages are named after this machine"
	dpkg-source -x "$DSC" "$dir" >/dev/null 2>&1
	# Nothing of this repository is at hand
	(cd "$dir" && env -i PATH="$PATH" HOME=/nonexistent \
		dpkg-buildpackage -b -us -uc) >"$BATS_TEST_TMPDIR/log" 2>&1 || {
		tail -n 30 "$BATS_TEST_TMPDIR/log"
		return 1
	}
	dpkg-deb -x "$BATS_TEST_TMPDIR"/bpftool-map-sync_*.deb "$BATS_TEST_TMPDIR/tool"
	"$BATS_TEST_TMPDIR/tool/usr/sbin/bpftool" map help 2>&1 | grep -q swap-drain
	[ -e "$BATS_TEST_TMPDIR/tool/usr/share/man/man8/bpftool-map.8.gz" ]
	dpkg-deb -c "$BATS_TEST_TMPDIR"/libbpf-map-sync-dev_*.deb | grep -q /bpf/bpf.h
	# With debug information, apart
	dpkg-deb -I "$BATS_TEST_TMPDIR"/bpftool-map-sync-dbgsym_*.deb >/dev/null
}

@test "dsc: holds all that its quick tests load and run" {
	local name

	dpkg-source -x "$DSC" "$BATS_TEST_TMPDIR/src" >/dev/null 2>&1
	cd "$BATS_TEST_TMPDIR/src"
	[ -x tests/world.sh ]
	[ -s README.md ]
	[ "$(find tests/host -name '*.bats' | wc -l)" -ge 13 ]
	while read -r name; do
		[ -e "tests/lib/$name.bash" ]
	done < <(sed -n 's,^load \.\./lib/,,p' tests/host/*.bats tests/lib/*.bash)
	while read -r name; do
		name=${name##*/}
		[ -e "tests/progs/${name%.o}.c" ] || [ -e "tests/guest/${name%.o}.c" ]
	done < <(grep -rhoE 'BUILD(:\?)?\}?/tests/[a-z_]+(\.bpf\.o)?' tests/host tests/lib | sort -u)
}

# Its version has to be above that of "make deb", which is not Debian's form
@test "dsc: its version is not below that of the packages of make deb" {
	local deb

	deb=$(dpkg-deb -f "$BUILD"/deb/bpftool-map-sync_*.deb Version)
	dpkg --compare-versions "$(sed -n 's/^Version: //p' "$DSC")" ge "$deb"
}
