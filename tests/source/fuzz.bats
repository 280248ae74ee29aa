# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# No command line crashes the parsers of the two verbs

bats_require_minimum_version 1.5.0

INPUTS=${FUZZ_INPUTS:-1000000}

# HARNESS INPUTS
fuzz() {
	"$BATS_TEST_DIRNAME/../fuzz/run.sh" "$1" "$2" "$BATS_TEST_TMPDIR"
}

# Found after half a million inputs on average; which ones depends on addresses too, not
# on the seed alone. The control ends when it is found
@test "a bug behind two keywords is found" {
	run ! fuzz args-control $((10 * INPUTS))
	grep 'ERROR: AddressSanitizer: heap-buffer-overflow' \
		"$BATS_TEST_TMPDIR/log"
	grep 'in parse_drain' "$BATS_TEST_TMPDIR/log"
}

@test "no input crashes a parser, leaks, or garbles an error" {
	local ran

	fuzz args "$INPUTS" || {
		grep -v '^#' "$BATS_TEST_TMPDIR/log"
		return 1
	}
	ran=$(sed -n 's/^stat::number_of_executed_units: *//p' \
		"$BATS_TEST_TMPDIR/log")
	[[ $ran -ge $INPUTS ]]
	RESULTS=${RESULTS:-$BUILD/results}
	mkdir -p "$RESULTS"
	echo "inputs fuzzed $ran" >"$RESULTS/fuzz"
}
