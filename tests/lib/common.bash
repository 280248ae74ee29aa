# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What all tests share. The environment says what is tested: see tests.mk.

bats_require_minimum_version 1.5.0

# What the last "run" said is shown where a test fails
export BATS_PRINT_OUTPUT_ON_FAILURE=1

# A test's own folder
export T=${BATS_TEST_TMPDIR-}

# What fails within $(...) fails
shopt -s inherit_errexit

: "${BUILD:?run through make check}" "${BPFTOOL:?run through make check}"

# Sanitizers make a start take ten times as long: with them, what only makes and
# shows maps, as the base does, is left to the tool without
bpftool() {
	local tool=$BPFTOOL

	[[ ! " $* " =~ ' map '(create|update|delete|lookup|show|list)' '|' prog show ' ]] ||
		tool=${SETUP_BPFTOOL:-$BPFTOOL}
	"$tool" "$@"
}

# finds [OPTION...] PATTERN: is it in what comes in? All of that is read: behind a |,
# grep -q would end, and with pipefail fail, what has not written everything yet.
finds() {
	[[ $(grep -c "$@") -gt 0 ]]
}

# The base's own, which knows nothing of us. Of what our patches change in the output
# of maps most tests meet this: numbers and pointers that are no JSON without quotes,
# and that Linux 6.1 writes a backslash as a newline, which no string in a map has.
plain_bpftool() {
	"$BUILD/plain/bpftool" "$@" | sed -E \
		-e '/"/s/(^|[][ ,])(0x[0-9a-f]+|\(nil\))/\1"\2"/g' \
		-e ':again; s/(^|[^\\])((\\\\)*)\\n/\1\2\\\\/; t again'
	return "${PIPESTATUS[0]}"
}

# Creates, fills and pins a map: tests/progs/map_make.c
map_make() {
	"$BUILD/tests/map_make" "$@"
}

# A folder on the bpffs for what a test pins, in $PINS, where a journal of its own can
# be; call it in setup() or setup_file(), and cleanup_bpffs in the teardown that belongs
# to it
setup_bpffs() {
	local fstype

	fstype=$(stat -f -c %t /sys/fs/bpf)
	if [[ $fstype != cafe4a11 ]]; then
		mount -t bpf bpf /sys/fs/bpf
	fi
	PINS=/sys/fs/bpf/test-${WORLD-}$$
	journal=$PINS/journal
	export PINS
	mkdir -p "$PINS"
}

cleanup_bpffs() {
	[[ -z ${PINS-} ]] || rm -rf "$PINS"
}

# What is in the slots of a map-in-map: older bases print it as any value, in bytes,
# later ones as an inner_map_id

# slots_of PIN: "KEY ID" for each filled slot, a line each. bats watches every
# command: a loop over a thousand slots takes a second.
slots_of() {
	local words

	mapfile -t words < <(bpftool map dump pinned "$1" | sed -nE \
		-e 's/^key: (.*)  inner_map_id: ([0-9]+).*/\1\n\2/p' \
		-e 's/^key: (.*)  value: (..) (..) (..) (..)$/\1\n0x\5\4\3\2/p')
	((${#words[@]} == 0)) || printf '%s %d\n' "${words[@]}"
}

# inner_id PIN key BYTE...: the id in that slot
inner_id() {
	local id

	id=$(bpftool -j map lookup pinned "$@" | jq -r '.inner_map_id //
		(.value | reverse | map(.[2:]) | "0x" + add)')
	echo $((id))
}

# skip_unless REASON COMMAND...: skips with the reason unless the command works
skip_unless() {
	"${@:2}" >/dev/null 2>&1 || skip "$1"
}

# Waits for a command to succeed. How long is no measure of anything: the kernel
# frees a sleepable program, with its maps, only when none of them runs any more, also
# one that a test beside this one holds up.
wait_until() {
	local end=$((SECONDS + 120))

	while ((SECONDS < end)); do
		if "$@"; then
			return 0
		fi
		sleep 0.05
	done
	echo "still not so after 120 s: $*" >&2
	return 1
}

# fails_with PATTERN: the last run ended with one line of error
fails_with() {
	echo "status $status" "stdout: $output" "stderr: $stderr"
	[[ $status == 255 && -z $output ]]
	[[ $(wc -l <<<"$stderr") == 1 ]]
	grep -Eq -- "^Error: .*$1" <<<"$stderr"
}

# fails_like PATTERN COMMAND...: so
fails_like() {
	run --separate-stderr "${@:2}"
	fails_with "$1"
}

# The providers that the binary under test knows, one a line
providers() {
	bpftool map help 2>&1 | sed -n 's/.*PROVIDER := {\(.*\)}.*/\1/p' |
		tr '|' ' ' | xargs -n 1
}

has_command() {
	grep -qaw BPF_SYNC_MAP_ACCESS /sys/kernel/btf/vmlinux && return
	[[ ${EXPECT_PROVIDER-} != bpf_sync_map_access ]] || {
		echo "the kernel should have the command"
		exit 1
	}
	return 1
}

needs_command() {
	has_command || skip "the kernel has no BPF_SYNC_MAP_ACCESS"
}

# A kernel or a machine that answers otherwise than this one: calls that fail or at
# which something happens, other files, other rights, less memory

# at_call [OPTION...] WHAT CALL COMMAND...: tests/progs/at_call.c
at_call() {
	"$BUILD/tests/at_call" -o "$T/trace" "$@"
}

needs_at_call() {
	skip_unless "no command can be traced here" at_call signal=CONT \
		close "$BPFTOOL" version
}

# inject ERROR CALL NTH SETUP COMMAND...: runs the command so that the N-th
# bpf(2) call like that fails, as at_call shows it. $status is the command's, its
# output is in $OUT and $OUT.err.
inject() {
	OUT=$T/injected
	needs_at_call
	"$4"
	status=0
	at_call -n "$3" "error=$1" "bpf\\($2" "${@:5}" >"$OUT" 2>"$OUT.err" ||
		status=$?
	((status != 125)) || {
		cat "$OUT" "$OUT.err" >&2
		return 1
	}
}

# refuse BPF_COMMAND ERROR COMMAND...: for which all calls of that bpf command
# fail
refuse() {
	"$BUILD/tests/refuse_bpf" "$@"
}

needs_seccomp() {
	skip_unless "this kernel has no seccomp filters" refuse PROG_BIND_MAP EPERM true
}

# with_fault SPEC... -- WORD...: bpftool with the system calls in each SPEC (of
# strace's inject=) failing or answering as it says
with_fault() {
	local options=() calls=()

	while [[ $1 != -- ]]; do
		options+=(-e "inject=$1")
		calls+=("${1%%:*}")
		shift
	done
	shift
	strace -f -qq -o "$T/strace" \
		-e "trace=$(IFS=,; echo "${calls[*]}")" "${options[@]}" \
		"$BPFTOOL" "$@"
}

need_strace() {
	skip_unless "strace can't trace here" strace -qq -o /dev/null true
}

# calls_of NAME WORD...: the calls that bpftool makes of a system call, a line
# each, as strace shows them
calls_of() {
	strace -f -qq -o "$T/calls" -e "trace=$1" "$BPFTOOL" "${@:2}" >/dev/null 2>&1 || true
	grep "$1(" "$T/calls"
}

# over FILE PATH COMMAND...: runs a command that sees FILE at PATH
over() {
	unshare -m -- bash -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' \
		- "$@"
}

# with_file TEXT PATH WORD...: bpftool where a file has another content
with_file() {
	printf '%s\n' "$1" >"$T/replaced"
	over "$T/replaced" "$2" "$BPFTOOL" "${@:3}"
}

export CPUS_ONLINE=/sys/devices/system/cpu/online
export KERNEL_BTF=/sys/kernel/btf/vmlinux

need_unshare() {
	skip_unless "no mount namespace can be made here" \
		with_file 0 "$CPUS_ONLINE" version
}

several_cpus_online() {
	grep -q '[,-]' "$CPUS_ONLINE"
}

# program_as_nobody PROGRAM WORD...: by a descriptor, as it may lie where nobody
# else can go
program_as_nobody() {
	local fd status=0

	exec {fd}<"$1"
	setpriv --reuid=65534 --regid=65534 --clear-groups \
		--bounding-set=-all "/proc/self/fd/$fd" "${@:2}" || status=$?
	exec {fd}<&-
	return $status
}

# A test file has its own where this is not all
setup() {
	setup_bpffs
}

teardown() {
	cleanup_bpffs
}
