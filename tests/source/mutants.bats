# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What "make mutants" plants fits to the sources and tests of today

ROOT=$BATS_TEST_DIRNAME/../..

@test "each mutant changes one line, and has a test that may see it" {
	local mutant file title bad=0 edited=$BATS_TEST_TMPDIR/edited changed
	local WHAT FILE EDIT TESTS FILTER EQUIVALENT

	for mutant in "$ROOT"/tests/mutants/*.mutant; do
		WHAT='' FILE='' EDIT='' TESTS='' FILTER='' EQUIVALENT=''
		# shellcheck disable=SC1090 # one of many
		. "$mutant"
		file=$TREE/tools/bpf/bpftool/$FILE
		sed -E "$EDIT" "$file" >"$edited"
		changed=$(diff "$file" "$edited" | grep -c '^[<>]' || true)
		title=
		for file in $TESTS; do
			title+=$(sed -nE 's/^@test "(.*)" \{$/\1/p' \
				"$ROOT/tests/$file.bats" | grep -E -- "$FILTER" || true)
		done
		[[ $changed == [12] && $title && $WHAT ]] || {
			echo "${mutant##*/}: changes $changed lines, tests: $title"
			bad=$((bad + 1))
		}
	done
	((bad == 0))
}
