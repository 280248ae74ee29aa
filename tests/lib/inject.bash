# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A kernel or a machine that answers otherwise than this one: calls that fail or at
# which something happens, other files, other rights, less memory

# at_call [OPTION...] WHAT CALL COMMAND...: tests/progs/at_call.c
at_call() {
	"$BUILD/tests/at_call" -o "$BATS_TEST_TMPDIR/trace" "$@"
}

needs_at_call() {
	skip_unless "no command can be traced here" at_call signal=CONT \
		close "$BPFTOOL" version
}

# inject ERROR CALL NTH SETUP COMMAND...: runs the command so that the N-th
# bpf(2) call like that fails, as at_call shows it. $status is the command's, its
# output is in $OUT and $OUT.err.
inject() {
	OUT=$BATS_TEST_TMPDIR/injected
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
	strace -f -qq -o "$BATS_TEST_TMPDIR/strace" \
		-e "trace=$(IFS=,; echo "${calls[*]}")" "${options[@]}" \
		"$BPFTOOL" "$@"
}

need_strace() {
	skip_unless "strace can't trace here" strace -qq -o /dev/null true
}

# calls_of NAME WORD...: the calls that bpftool makes of a system call, a line
# each, as strace shows them
calls_of() {
	local name=$1

	shift
	strace -f -qq -o "$BATS_TEST_TMPDIR/calls" -e "trace=$name" \
		"$BPFTOOL" "$@" >/dev/null 2>&1 || true
	grep "$name(" "$BATS_TEST_TMPDIR/calls"
}

# over FILE PATH COMMAND...: runs a command that sees FILE at PATH
over() {
	unshare -m -- bash -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' \
		- "$@"
}

# with_file TEXT PATH WORD...: bpftool where a file has another content
with_file() {
	local text=$1 path=$2

	shift 2
	printf '%s\n' "$text" >"$BATS_TEST_TMPDIR/replaced"
	over "$BATS_TEST_TMPDIR/replaced" "$path" "$BPFTOOL" "$@"
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
	local fd program=$1 status=0

	shift
	exec {fd}<"$program"
	setpriv --reuid=65534 --regid=65534 --clear-groups \
		--bounding-set=-all "/proc/self/fd/$fd" "$@" || status=$?
	exec {fd}<&-
	return $status
}
