# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What "make mutants" plants fits to the sources and tests of today

load ../mutants/mutant

# has_test: is there one that TESTS and FILTER name?
has_test() {
	local file

	for file in $TESTS; do
		if sed -nE 's/^@test "(.*)" \{$/\1/p' "$BATS_TEST_DIRNAME/../$file.bats" |
			grep -qE -- "$FILTER"; then
			return 0
		fi
	done
	echo "no test"
	return 1
}

@test "each mutant changes one line, and has a test that may see it" {
	local mutant name said bad=0

	for mutant in "$BATS_TEST_DIRNAME"/../mutants/*.mutant; do
		name=$(basename "$mutant" .mutant)
		read_mutant "$name"
		said=$(edit_mutant "$BATS_TEST_TMPDIR/edited" && has_test) || {
			echo "$name: $said"
			bad=$((bad + 1))
		}
	done
	((bad == 0))
}
