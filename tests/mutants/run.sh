#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Plants one bug at a time in a copy of bpftool's sources, and runs the tests that
# should see it
#
# usage: run.sh [NAME...]		by default all of tests/mutants/NAME.mutant
#
# A mutant is a file that a shell reads:
#
#	WHAT		what is wrong then
#	EDIT		a sed command: it has to change one line of all our sources
#	TESTS		files of tests, below tests/, without .bats; the first that
#			fails has found it
#	FILTER		only tests whose title is like that, an extended regular
#			expression
#	EQUIVALENT	why no test can see it: then it must not be found
#
# The same tests have to pass without the bug: one that fails always finds nothing.
set -euo pipefail

: "${BUILD:?run through make mutants}" "${TREE:?}" "${SUBMAKE:?}"

here=$(dirname "$(realpath "$0")")
top=${here%/tests/mutants}
work=$BUILD/mutants
sources=$work/tree/tools/bpf/bpftool
found=0 missed=() equivalent=0

# Objects of another build are taken over, for that takes minutes
prepare() {
	rm -rf "$work"
	mkdir -p "$work"
	cp -a "$TREE" "$work/tree"
	cp -a "${TREE%/tree}/obj" "$work/obj"
}

# One that is restored has to be newer than its object
restore() {
	local file

	for file in "$top"/bpftool/*.[ch] "$top"/bpftool/skeleton/*; do
		file=${file#"$top/bpftool/"}
		cmp -s "$top/bpftool/$file" "$sources/$file" ||
			cp "$top/bpftool/$file" "$sources/$file"
	done
}

# plant EDIT: fails unless it changes one line
plant() {
	local file changed=0 n

	for file in "$top"/bpftool/*.[ch] "$top"/bpftool/skeleton/*; do
		sed -E "$1" "$file" >"$work/edited"
		n=$({ diff "$file" "$work/edited" || true; } | grep -c '^[<>]') ||
			continue
		changed=$((changed + n))
		cp "$work/edited" "$sources/${file#"$top/bpftool/"}"
	done
	((changed == 1 || changed == 2)) || {
		echo "changes $changed lines"
		return 1
	}
}

build() {
	$SUBMAKE -C "$sources" OUTPUT="$work/obj/" >"$work/log" 2>&1 || {
		cat "$work/log"
		return 1
	}
}

# run_tests LOG: with that bpftool; sets failed, the first file that does
run_tests() {
	local file filter=()

	[[ -z $FILTER ]] || filter=(-f "$FILTER")
	failed=
	for file in $TESTS; do
		if ! BPFTOOL=$work/obj/bpftool RESULTS=$work/results \
			"$top/tests/world.sh" "${filter[@]}" \
			"$top/tests/$file.bats" >"$1" 2>&1; then
			failed=$file
			return
		fi
	done
}

declare -A passes

# Do they pass without the bug?
control() {
	local of="$TESTS $FILTER"

	if [[ -z ${passes[$of]-} ]]; then
		restore
		build
		run_tests "$work/control.log"
		passes[$of]=${failed:-none}
		[[ ! $failed ]] || cat "$work/control.log"
	fi
	[[ ${passes[$of]} == none ]]
}

one_mutant() {
	local name=$1 WHAT='' EDIT='' TESTS='' FILTER='' EQUIVALENT='' failed

	# shellcheck disable=SC1090 # it is named on the command line
	. "$here/$name.mutant"
	if ! control; then
		missed+=("$name (its tests fail without it)")
		return
	fi
	restore
	if ! plant "$EDIT" || ! build; then
		missed+=("$name (can't be planted)")
		return
	fi
	run_tests "$work/$name.log"
	if [[ $EQUIVALENT ]]; then
		equivalent=$((equivalent + 1))
		echo "equivalent  $name: $WHAT: $EQUIVALENT"
		[[ ! $failed ]] || missed+=("$name (found, so it is not equivalent)")
	elif [[ $failed ]]; then
		found=$((found + 1))
		echo "found       $name: $WHAT"
		sed -n '0,/^not ok/s/^not ok [0-9]* /            by: /p' "$work/$name.log"
	else
		echo "NOT FOUND   $name: $WHAT"
		missed+=("$name")
	fi
}

prepare
if (($# == 0)); then
	set -- "$here"/*.mutant
	set -- "${@##*/}"
	set -- "${@%.mutant}"
fi
for name; do
	one_mutant "$name"
done
restore
echo "$found of $(($# - equivalent)) mutants found, $equivalent are equivalent"
((${#missed[@]} == 0)) || printf 'not found: %s\n' "${missed[@]}"
((${#missed[@]} == 0))
