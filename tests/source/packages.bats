# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Missing packages, for a user who can't install them

load ../lib/sources

MISSING=no-such-package-for-map-sync

setup() {
	# A folder that nobody can reach and write to; bats' own is root's
	PLACE=$(mktemp -d)
	copy_sources "$PLACE/copy"
	chown -R nobody "$PLACE"
	chmod 0755 "$PLACE"
	cd "$PLACE/copy" || return 1
}

teardown() {
	rm -rf "$PLACE"
}

as_nobody() {
	setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
}

@test "the line that installs what is missing, and only that" {
	run -1 as_nobody scripts/packages.sh make "$MISSING" gcc "$MISSING-2"
	[ "${lines[1]}" = "  apt-get install -y --no-install-recommends $MISSING $MISSING-2" ]
	[[ ${lines[0]} == 'Error: '* ]]
}

@test "nothing is said when nothing is missing" {
	run -0 as_nobody scripts/packages.sh make gcc
	[ -z "$output" ]
}

@test "make stops with that line before it does anything" {
	run -2 as_nobody env -u MAKEFLAGS -u MAKELEVEL make BUILD_PKGS="$MISSING"
	[[ $output == *"apt-get install -y --no-install-recommends $MISSING"* ]]
	[ ! -e build/6.12/pristine ]
}

@test "make check stops with that line before it runs a test" {
	# In place of the build, which is not what is asked about
	run -2 as_nobody env -u MAKEFLAGS -u MAKELEVEL make \
		CHECK_PKGS="$MISSING" build/.check-packages
	[[ $output == *"apt-get install -y --no-install-recommends $MISSING"* ]]
}
