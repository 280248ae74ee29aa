# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A mutant is a file that a shell reads, NAME.mutant beside this one:
#
#	WHAT		what is wrong then
#	FILE		the source file, below tools/bpf/bpftool: ours, or the base's
#	EDIT		a sed command: it has to change one line of it
#	TESTS		files of tests, below tests/, without .bats; the first that
#			fails has found it
#	FILTER		only tests whose title is like that, an extended regular
#			expression
#	EQUIVALENT	why no test can see it: then it must not be found

# read_mutant NAME: sets these variables
# shellcheck disable=SC2034 # for who calls it
read_mutant() {
	WHAT='' FILE='' EDIT='' TESTS='' FILTER='' EQUIVALENT=''
	# shellcheck disable=SC1090 # one of many
	. "${BASH_SOURCE[0]%/*}/$1.mutant"
}

# edit_mutant TO: FILE with the bug; fails unless that changes one line of it
edit_mutant() {
	local from=$TREE/tools/bpf/bpftool/$FILE n

	sed -E "$EDIT" "$from" >"$1" || return
	n=$(diff "$from" "$1" | grep -c '^[<>]') || true
	((n == 1 || n == 2)) || {
		echo "changes $n lines of $FILE"
		return 1
	}
}
