# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What every refusal has to be like. For errors.bash and holders.bash, which see to
# what it must not have touched.

# said: the lines on stderr of the last "run --separate-stderr", without what is
# said about other runs, and without the command that prints a pinned map
said() {
	# shellcheck disable=SC2154 # run sets it
	sed -e '/^Warning: a run that failed left /d' \
		-e '/^Warning: runs that failed left /d' \
		-e 's/; print it and let it go with: bpftool map swap-drain .*//' \
		<<<"$stderr"
}

# One line, and nothing on stdout
is_plain_error() {
	# shellcheck disable=SC2154 # run sets them
	[[ $status == 255 && -z $output ]] &&
		[[ $(said | wc -l) == 1 ]] &&
		[[ $(said) =~ ^"Error: ".+ ]]
}

# is_error_object TEXT: one JSON document
is_error_object() {
	[[ $status == 255 ]] &&
		jq -es 'length == 1 and (.[0] | keys == ["error"] and
			(.error | length > 0))' <<<"$1" >/dev/null
}

show_last_run() {
	echo "status $status" "stdout: $output" "stderr: $stderr" "for: $*" >&2
	return 1
}

# refuses PATTERN WORD...: "bpftool map WORD..." says in one line what the
# extended regular expression tells, plain and with -j
refuses() {
	local pattern=${1:?a pattern that matches not every message}

	shift
	# A word like -1 would be an option without the --
	run --separate-stderr bpftool -- map "$@"
	{ is_plain_error && said | grep -aEq -- "$pattern"; } ||
		show_last_run "$@" || return

	run --separate-stderr bpftool -j -- map "$@"
	{ is_error_object "$output" && [[ -z $(said) ]] &&
		jq -r .error <<<"$output" | grep -aEq -- "$pattern"; } ||
		show_last_run -j "$@"
}
