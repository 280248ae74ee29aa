#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Which provider this kernel gets, and why the others are not taken. What is
# expected comes from the line of the matrix:
#   EXPECT_PROVIDER     the one that is chosen
#   EXPECT_RELEASE      what uname -r begins with, and
#   EXPECT_VERSION      what uname -v holds: that it is the kernel it should be
#   EXPECT_CPUS         CPUs online
#   EXPECT_COMMAND      "used", or a pattern of why the command is not there
#   EXPECT_MEMBARRIER   "used", or a pattern of why membarrier is refused

sync() {
	run --separate-stderr "$BPFTOOL" -d -j map sync "$@"
	# shellcheck disable=SC2154 # bats sets it
	echo "$status: $output / $stderr"
}

# Asking for a provider by name: it is used, or refused for that reason
expect_using() {
	local name=$1 want=$2

	sync using "$name"
	if [ "$want" = used ]; then
		[ "$status" -eq 0 ] &&
			[ "$(jq -r .provider <<<"$output")" = "$name" ] || return
		seen "$name" used
	else
		[ "$status" -ne 0 ] &&
			[[ $(jq -r .error <<<"$output") =~ $name.*($want) ]] || return
		seen "$name" "refused: ${BASH_REMATCH[1]}"
	fi
}

# seen WHAT VALUE: for the table of matrix.sh, which tells what was seen
seen() {
	echo "# seen $1: $2" >&3
}

setup() {
	bats_require_minimum_version 1.5.0
	[ -n "${EXPECT_PROVIDER:-}" ] ||
		skip "EXPECT_PROVIDER does not say what to expect of this kernel"
}

@test "matrix: this is the kernel that was meant" {
	uname -srv
	[[ $(uname -r) == "$EXPECT_RELEASE"* ]]
	[[ $(uname -v) == *"$EXPECT_VERSION"* ]]
	[ "$(nproc)" -eq "$EXPECT_CPUS" ]
}

@test "matrix: $EXPECT_PROVIDER is chosen" {
	sync
	[ "$status" -eq 0 ]
	[ "$(jq -r .provider <<<"$output")" = "$EXPECT_PROVIDER" ]
	[ "$(jq -r .wait_us <<<"$output")" -ge 0 ]
	[[ $stderr == *"provider $EXPECT_PROVIDER: used"* ]]
	seen chosen "$(jq -r .provider <<<"$output")"
}

@test "matrix: bpf_sync_map_access is $EXPECT_COMMAND" {
	expect_using bpf_sync_map_access "$EXPECT_COMMAND"
}

@test "matrix: why bpf_sync_map_access was passed over is said" {
	sync
	[ "$status" -eq 0 ]
	if [ "$EXPECT_COMMAND" = used ]; then
		[[ $stderr != *"passed over"* ]]
	else
		[[ $stderr =~ provider\ bpf_sync_map_access:\ passed\ over,.*$EXPECT_COMMAND ]]
	fi
}

# Of a kernel whose types really name the command, or really don't
@test "matrix: feature probe says whether the command is there" {
	local there=false

	[ "$EXPECT_COMMAND" != used ] || there=true
	"$BPFTOOL" -j feature probe kernel >"$BATS_TEST_TMPDIR/features"
	[ "$(jq .misc.have_sync_map_access_command <"$BATS_TEST_TMPDIR/features")" = $there ]
}

@test "matrix: map_in_map_update works when asked for" {
	expect_using map_in_map_update used
}

@test "matrix: membarrier is $EXPECT_MEMBARRIER" {
	expect_using membarrier "$EXPECT_MEMBARRIER"
}
