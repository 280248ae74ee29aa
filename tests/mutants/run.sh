#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Plants one bug at a time in a copy of bpftool's sources, and runs the tests that
# should see it
#
# usage: run.sh [NAME...]		by default all of tests/mutants/NAME.mutant
#
# A mutant is a file that mutant.bash describes.
#
# The same tests have to pass without the bug: one that fails always finds nothing.
# It fails if less than 95 of 100 are found (of a sample all but one), if one can't be
# planted, or if one is found that is said to be equivalent.
#
# SAMPLE=NR	only so many of them, others each day
set -euo pipefail

: "${BUILD:?run through make mutants}" "${TREE:?}" "${SUBMAKE:?}" "${AUDIT_CC:?}"

here=$(dirname "$(realpath "$0")")
# shellcheck source=tests/mutants/mutant.bash
. "$here/mutant.bash"
top=${here%/tests/mutants}
work=${WORK:-$BUILD/mutants}
from=$TREE/tools/bpf/bpftool
sources=$work/tree/tools/bpf/bpftool
found=0 missed=() equivalent=0 errors=() planted=

# Objects of another build are taken over, for that takes minutes. The programs of
# the tests are those of the build, but for one that is linked from bpftool's objects.
prepare() {
	local file

	rm -rf "$work"
	mkdir -p "$work/build/tests"
	cp -a "$TREE" "$work/tree"
	cp -a "${TREE%/tree}/obj" "$work/obj"
	for file in "$BUILD"/* "$BUILD"/tests/*; do
		file=${file#"$BUILD/"}
		[[ $file == @(mutants*|tests|bpftool|tests/audit_check) ]] ||
			ln -s "$BUILD/$file" "$work/build/$file"
	done
	build
}

# One that is restored has to be newer than its object
restore() {
	[[ ! $planted ]] || cp "$from/$planted" "$sources/$planted"
	planted=
}

plant() {
	edit_mutant "$work/edited" || return
	planted=$FILE
	cp "$work/edited" "$sources/$FILE"
}

build() {
	if ! $SUBMAKE -C "$sources" OUTPUT="$work/obj/" >"$work/log" 2>&1; then
		cat "$work/log"
		return 1
	fi
	cp "$work/obj/bpftool" "$work/build/bpftool"
}

# As tests/audit.mk does
link_audit() {
	local libs

	libs=$(grep -o -m 1 -e -lcrypto "$sources/Makefile" || :)
	# shellcheck disable=SC2046,SC2086 # lists of words
	$AUDIT_CC -o "$work/build/tests/audit_check" \
		"$top/tests/progs/audit/audit_check.c" "$BUILD/tests/audit_check.main.o" \
		$(printf '%s\n' "$work"/obj/*.o | grep -v -e '/main\.o' -e '\.bpf\.o') \
		"$work/obj/libbpf/libbpf.a" -lelf -lz -lcap $libs
}

# run_tests LOG: with that bpftool; sets failed, the first file that does
run_tests() {
	local file filter=()

	[[ -z $FILTER ]] || filter=(-f "$FILTER")
	failed=
	[[ $TESTS != *@(audit|uncovered)* ]] || link_audit
	for file in $TESTS; do
		if ! BUILD=$work/build BPFTOOL=$work/build/bpftool RESULTS=$work/results \
			"$top/tests/world.sh" "${filter[@]}" \
			"$top/tests/$file.bats" >"$1" 2>&1; then
			failed=$file
			return
		fi
		# What is skipped, or not there, shows nothing
		[[ $(grep '^ok' "$1" | grep -cv '# skip') -gt 0 ]] || failed="no test of $file"
	done
}

declare -A passes

# Do its tests pass without the bug?
control() {
	local of failed

	read_mutant "$1"
	of="$TESTS $FILTER"
	[[ ! ${passes[$of]-} ]] || return 0
	run_tests "$work/control.log"
	passes[$of]=${failed:-all}
	[[ ! $failed ]] || sed 's/^/    /' "$work/control.log"
}

one_mutant() {
	local name=$1 failed

	read_mutant "$name"
	if [[ ${passes["$TESTS $FILTER"]} != all ]]; then
		errors+=("$name: without it ${passes["$TESTS $FILTER"]} fails too")
		return
	fi
	restore
	if ! plant || ! build; then
		errors+=("$name: can't be planted")
		return
	fi
	run_tests "$work/$name.log"
	if [[ $EQUIVALENT ]]; then
		equivalent=$((equivalent + 1))
		echo "equivalent  $name: $WHAT: $EQUIVALENT"
		[[ ! $failed ]] ||
			errors+=("$name: found by $failed, so it is not equivalent")
	elif [[ $failed ]]; then
		found=$((found + 1))
		echo "found       $name: $WHAT"
		sed -n '0,/^not ok/s/^not ok [0-9]* /            by: /p' "$work/$name.log"
	else
		echo "NOT FOUND   $name: $WHAT"
		missed+=("$name")
	fi
}

# Every n-th, from another one each day
sample() {
	local all=("$@") step i

	step=$((($# + SAMPLE - 1) / SAMPLE))
	names=()
	for ((i = 10#$(date +%j) % step; i < $#; i += step)); do
		names+=("${all[i]}")
	done
	echo "of $# mutants: ${names[*]}"
}

names=("$@")
if (($# == 0)); then
	names=("$here"/*.mutant)
	names=("${names[@]##*/}")
	names=("${names[@]%.mutant}")
fi
[[ ! ${SAMPLE-} ]] || sample "${names[@]}"
prepare
for name in "${names[@]}"; do
	control "$name"
done
for name in "${names[@]}"; do
	one_mutant "$name"
done
real=$((found + ${#missed[@]}))
echo "$found of $real mutants found, $equivalent are equivalent"
((${#missed[@]} == 0)) || printf 'not found: %s\n' "${missed[@]}"
((${#errors[@]} == 0)) || printf 'error: %s\n' "${errors[@]}"
may_miss=$((real * 5 / 100))
# One of a few says little of all
((may_miss > 0)) || [[ ! ${SAMPLE-} ]] || may_miss=1
((${#errors[@]} == 0 && ${#missed[@]} <= may_miss))
