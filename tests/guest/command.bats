# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# BPF_SYNC_MAP_ACCESS itself. Needs a kernel with the patch.

load ../lib/common

setup() {
	PROGS=$BUILD/tests
	needs_command
}

# A command run as a user other than root, with one capability
as_nobody_with() {
	local cap=$1

	shift
	setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps="-all,+$cap" --ambient-caps="-all,+$cap" "$@"
}

# What it says, a word a call
says() {
	local want=$1

	shift
	run "$@"
	echo "wanted $want, got $output ($status)"
	[ "$status" -eq 0 ] && [ "${lines[*]}" = "$want" ]
}

@test "command: returns 0" {
	says 0 "$PROGS/sync_cmd" null
}

@test "command: a non-NULL attr is EINVAL, and so is one without a size" {
	says "EINVAL EINVAL" "$PROGS/sync_cmd" attr empty-attr
}

# These fail in the checks that all commands share
@test "command: bad memory is EFAULT, a huge size E2BIG" {
	says "EFAULT EFAULT E2BIG E2BIG" "$PROGS/sync_cmd" bad-attr size huge bad-huge
}

@test "command: BPF_COMMON_ATTRS may be set, and changes nothing" {
	grep -qw BPF_COMMON_ATTRS /sys/kernel/btf/vmlinux ||
		skip "this kernel has no BPF_COMMON_ATTRS"
	says "0 EINVAL" "$PROGS/sync_cmd" common common-attr
}

@test "command: EPERM without privileges" {
	says EPERM program_as_nobody "$PROGS/sync_cmd" null
}

@test "command: CAP_BPF suffices, and so does CAP_SYS_ADMIN; CAP_PERFMON does not" {
	says 0 as_nobody_with bpf "$PROGS/sync_cmd" null
	says 0 as_nobody_with sys_admin "$PROGS/sync_cmd" null
	says EPERM as_nobody_with perfmon "$PROGS/sync_cmd" null
}

@test "command: root of a user namespace has not got the right" {
	says EPERM unshare --user --map-root-user "$PROGS/sync_cmd" null
}

@test "command: EPERM also where unprivileged BPF is on" {
	local file=/proc/sys/kernel/unprivileged_bpf_disabled before

	before=$(cat $file)
	[ "$before" != 1 ] || skip "it is off for good in this kernel"
	echo 0 >$file
	run program_as_nobody "$PROGS/sync_cmd" null
	echo "$before" >$file
	[ "$output" = EPERM ]
}

@test "LSM: a policy sees the command, with zeroed attributes" {
	run -0 "$PROGS/sync_lsm" "$PROGS/sync_lsm.bpf.o" allow
	[ "${lines[0]}" = "told 0" ]
	[ "${lines[1]}" = "asked 1" ]
	[ "${lines[2]}" = "size 0 zero_attr 1" ]
}

@test "LSM: its refusal is what the caller gets" {
	local error

	for error in EROFS ENOKEY; do
		run -0 "$PROGS/sync_lsm" "$PROGS/sync_lsm.bpf.o" $error
		[ "${lines[0]}" = "told $error" ]
		[ "${lines[1]}" = "asked 1" ]
	done
}

@test "a BPF syscall program can't issue the command" {
	run -0 "$PROGS/sync_from_prog" "$PROGS/sync_from_prog.bpf.o"
	# EBADF, from the command that programs may issue
	[ "${lines[0]}" = "freeze told -9 reached 1" ]
	# EINVAL, and it did not even get through to where arguments are checked
	[ "${lines[1]}" = "sync told -22 reached 0" ]
	[ "${lines[2]}" = "own sync reached 1" ]
}

# counter MAP: of the element of the pinned map
counter() {
	bpftool -j map lookup pinned "$PINS/$1" key 0 0 0 0 |
		jq '.formatted.value | .count? // .'
}

@test "exception: a tc program's bpf_wq callback under way is not waited for" {
	grep -azqx bpf_wq_init /sys/kernel/btf/vmlinux || skip "this kernel has no bpf_wq"
	setup_bpffs
	bpftool map create "$PINS/fresh" type array key 4 value 8 entries 1 name fresh
	export -f bpftool counter
	# shellcheck disable=SC2016 # a shell of its own expands them
	run timeout 60 "$PROGS/wq_hold" "$PROGS/wq_callback.bpf.o" "$PINS" bash -ec '
		bpftool map update pinned "$PINS/outer" key 0 0 0 0 \
			value pinned "$PINS/fresh"
		"$BUILD/tests/sync_cmd" null
		echo "after the wait $(counter first)"'
	[ "$status" -ne 77 ] || skip "$output"
	[ "$status" -eq 0 ]
	[ "${lines[*]}" = "0 after the wait 0" ]
	[ "$(counter first)" = 1000 ]
}

@test "exception: a bpf_timer that fires later writes to the element that holds it" {
	setup_bpffs
	"$PROGS/reach_load" "$PROGS/sync_late_timer.bpf.o" start "$PINS"
	head -c 64 /dev/zero >"$BATS_TEST_TMPDIR/packet"
	bpftool -j prog run pinned "$PINS/start_prog" data_in "$BATS_TEST_TMPDIR/packet" |
		jq -e '.retval == 0'
	run -0 --separate-stderr bpftool -j map swap-drain pinned "$PINS/outer" \
		key 0 0 0 0 force journal "$PINS/journal" using bpf_sync_map_access
	jq -e '.[0].formatted.value.count == 0' <<<"$output"
	fired() {
		[[ $(counter inner) == 1 ]]
	}
	wait_until fired
}
