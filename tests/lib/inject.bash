# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Making a system call of the tool under test fail, or something happen at it.
# Needs common.bash.

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
# shellcheck disable=SC2034 # $status is for the tests
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
	local -A numbers=([LOOKUP_BATCH]=24 [UPDATE_BATCH]=26 [NONE]=255)
	local -A errors=([EPERM]=1 [EINVAL]=22 [ETIMEDOUT]=110
		[ENOTSUPP]=524)

	"$BUILD/tests/refuse_bpf" "${numbers[$1]}" "${errors[$2]}" "${@:3}"
}

needs_seccomp() {
	skip_unless "this kernel has no seccomp filters" refuse NONE EPERM true
}
