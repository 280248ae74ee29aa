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
#   EXPECT_UPROBE       "used", or a pattern of why there is no wait for sleepable programs

sync() {
	run --separate-stderr "$BPFTOOL" -d -j map sync "$@"
	# shellcheck disable=SC2154 # bats sets it
	echo "$status: $output / $stderr"
}

# Asking for a provider by name: it is used, or refused for that reason
expect_using() {
	local name=$1 want=$2 of=${3-.}

	sync ${3+sleepable} using "$name"
	if [ "$want" = used ]; then
		[ "$status" -eq 0 ] &&
			[ "$(jq -r "$of | .provider" <<<"$output")" = "$name" ] || return
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

@test "matrix: uprobe, for sleepable programs, is $EXPECT_UPROBE" {
	expect_using uprobe "$EXPECT_UPROBE" .sleepable
	expect_using bpf_call_rcu_tasks_trace "does not have the kfunc" .sleepable
}

# Of this way it is proven in each run that it waits
@test "matrix: uprobe is refused where it returns at once" {
	[ "$EXPECT_UPROBE" = used ] || skip "uprobe is not there"
	run strace -f -qq -o /dev/null -P 'anon_inode:[perf_event]' -e trace=close \
		-e inject=close:retval=0 "$BPFTOOL" map sync sleepable
	echo "$output"
	[ "$status" -eq 255 ]
	[[ $output == *"it returned while a sleepable program was running"* ]]
}
