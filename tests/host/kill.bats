# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# SIGKILL, SIGTERM and SIGINT at random moments, while a program counts
#
# FAULTS_QUICK=N makes an N-th of the runs.

load ../lib/common
load ../lib/faults

setup_file() {
	: >"$BATS_FILE_TMPDIR/totals"
	export RUNS=$((250 / ${FAULTS_QUICK:-1}))
}

killed_runs() {
	local recovered untouched counted

	own_world killed_runs "$1" "$RUNS"
	cat "$BATS_TEST_TMPDIR/totals" >>"$BATS_FILE_TMPDIR/totals"
	read -r counted recovered untouched _ <"$BATS_TEST_TMPDIR/totals"
	echo "# counted $counted, recovered $recovered, untouched $untouched" >&3
	# Moments of every kind were among them
	((RUNS < 100 || (recovered > 0 && untouched > 0)))
}

@test "control: without what recover brings back the sum is short" {
	run own_world forgetful
	[ "$status" -ne 0 ]
	[[ $output == *"are lost"* ]]
}

@test "kill: created replacements, the sum is exact" {
	killed_runs created
}

@test "kill: two maps taking turns, the sum is exact" {
	killed_runs turns
}

@test "kill: totals" {
	local counted recovered lost c=0 r=0 l=0

	# Without the totals of both a sum was not exact
	[[ $(wc -l <"$BATS_FILE_TMPDIR/totals") == 2 ]]
	while read -r counted recovered _ lost; do
		c=$((c + counted)) r=$((r + recovered)) l=$((l + lost))
	done <"$BATS_FILE_TMPDIR/totals"
	result "kills at random moments" "$((2 * RUNS))"
	result "maps recovered after them" "$r"
	result "events counted meanwhile" "$c"
	result "lost" "$l"
	((c > 0 && l == 0))
}
