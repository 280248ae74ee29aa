# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Making a bpf(2) command of the tool under test fail, through strace. Needs
# common.bash.
#
# strace counts system calls, not commands, and how many calls a run makes
# depends on what other maps and programs there are on the machine. So a run is
# counted first, and a run whose failure hit another call is repeated.

# Which call of the first thread is the N-th like that? From a trace.
nth_call() {
	awk -v like="bpf[(]$1" -v nth="$2" '
		NR == 1 { first = $1 }
		$1 != first || !index($0, "bpf(") { next }
		{ calls++ }
		$0 ~ like && ++seen == nth { print calls; exit }' "$3"
}

# Did the failure hit the N-th call like that?
injected_into() {
	awk -v like="bpf[(]$1" -v nth="$2" '
		NR == 1 { first = $1 }
		$1 != first || $0 !~ like { next }
		++seen == nth { exit }
		END { exit !(seen == nth && index($0, "(INJECTED)")) }' "$3"
}

# inject ERROR CALL NTH SETUP COMMAND...: runs the command so that the N-th
# bpf(2) call fails whose arguments, as strace prints them, begin like that (a
# regular expression); SETUP is run before each run. $status is the command's,
# its output is in $OUT and $OUT.err.
# shellcheck disable=SC2034 # $status is for the tests
inject() {
	local error=$1 like=$2 nth=$3 setup=$4 tries call=
	local trace=$BATS_TEST_TMPDIR/trace

	shift 4
	OUT=$BATS_TEST_TMPDIR/injected
	for ((tries = 0; tries < 40; tries++)); do
		"$setup"
		strace -f -qq -e trace=bpf -o "$trace" "$@" >"$OUT" 2>&1 || true
		call=$(nth_call "$like" "$nth" "$trace")
		[[ $call ]] || break
		"$setup"
		status=0
		strace -f -qq -e trace=bpf -e inject=bpf:error="$error":when="$call" \
			-o "$trace" "$@" >"$OUT" 2>"$OUT.err" || status=$?
		if injected_into "$like" "$nth" "$trace"; then
			return 0
		fi
	done
	echo "call $nth of $like (${call:-there is none}) was never hit" >&2
	cat "$OUT" >&2
	return 1
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
