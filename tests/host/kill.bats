# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# SIGKILL, SIGTERM and SIGINT at random moments, while a program counts
#
# FAULTS_QUICK=N makes an N-th of the runs.

load ../lib/faults-calls

setup_file() {
	: >"$BATS_FILE_TMPDIR/totals"
	export RUNS=$((250 / ${FAULTS_QUICK:-1}))
}

kill_runs() {
	killed_runs "$1" "$RUNS"
	cat "$T/totals" >>"$BATS_FILE_TMPDIR/totals"
	diag "counted $COUNTED, recovered $RECOVERED, untouched $UNTOUCHED"
	# Moments of every kind were among them
	((RUNS < 100 || (RECOVERED > 0 && UNTOUCHED > 0)))
}

# A run that is killed as it writes, and no one who recovers what it drained
forgetful() {
	: >"$T/nothing"
	load_begin 1
	load_run created
	run_at write 1 signal=KILL
	FORGET=$T/nothing account "$STATUS"
	((RECOVERED == 1)) || exit 0
	load_end
}

@test "control: without what recover brings back the sum is short" {
	run ! forgetful
	[[ $output == *"are lost"* ]]
}

@test "kill: created replacements, the sum is exact" {
	kill_runs created
}

@test "kill: two maps taking turns, the sum is exact" {
	kill_runs turns
}

@test "kill: totals" {
	local c=0 r=0 l=0

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
