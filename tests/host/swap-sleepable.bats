# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck disable=SC2016,SC2034,SC2119,SC2153,SC2154,SC2317 # shells of their own, variables of others
# swap-drain waits for sleepable programs that have looked the slot up, and for
# callbacks. Runs in the guests too.
#
# LOAD_SECONDS (default 10) is how long the load lasts.

load ../lib/sleepable

# late_add_is_printed HOLD_FUNCTION...: of the program that it sets up
late_add_is_printed() {
	"$@"
	while_inside 'in_background drain_it; until_swapped; sleep 1
		[[ ! -e $OUT.status && ! -s $OUT ]]' "${HOLD[@]}"
	ended_with 0
	[[ ! -s $OUT.err ]]
	jq -e '.[0].value == 1000' "$OUT"
	journal_is_empty
	wait_until no_process
}

@test "a syscall program inside: waited for, its late add is printed" {
	late_add_is_printed sleeping syscall_sleeps
}

@test "a sleepable uprobe program inside: waited for, its late add is printed" {
	late_add_is_printed sleeping uprobe_sleeps
}

@test "a sleepable iterator inside: waited for, its late add is printed" {
	late_add_is_printed sleeping iter_sleeps
}

@test "a sleepable raw_tp program inside: waited for, its late add is printed" {
	late_add_is_printed sleeping raw_tp_sleeps
}

@test "a sleepable tracepoint program inside: waited for, its late add is printed" {
	late_add_is_printed sleeping tp_sleeps
}

@test "a sleepable LSM program inside: waited for, its late add is printed" {
	late_add_is_printed sleeping lsm_sleeps
}

@test "a sleepable fentry program inside: waited for, its late add is printed" {
	late_add_is_printed sleeping fentry_sleeps
}

@test "a bpf_wq callback inside: waited for, its late add is printed" {
	late_add_is_printed in_wq
}

@test "control: the same with force misses the add" {
	for hold in "sleeping syscall_sleeps" "sleeping uprobe_sleeps" in_wq; do
		rm -rf "${PINS:?}"/*
		$hold
		while_inside 'drain_it force keep "$PINS/kept" >"$OUT" 2>"$OUT.err"' \
			"${HOLD[@]}"
		[[ $(<"$OUT.err") == Warning:* ]]
		jq -e '.[0].value == 0' "$OUT"
		dump "$PINS/kept" | jq -e '.[0].value == 1000'
	done
}

@test "under load of a sleepable program nothing is lost" {
	load_start --sleepable --threads 4
	drained=$(set -o pipefail &&
		drain_for $((${LOAD_SECONDS:-10} * 1000)) created | add_up)
	load_stop
	exact "array_of_maps, a sleepable program" "$drained" "$(dump_slot | add_up)"
}

@test "control: with force it is lost" {
	for ((try = 1; try <= 5; try++)); do
		load_start --sleepable --threads 4
		drained=$(set -o pipefail && drain_for 2000 forced_created 2>/dev/null |
			add_up)
		load_stop
		lost=$(($(load_told counted) - $(load_told missed) -
			$(load_told failed) - $(jq .sum <<<"$drained") -
			$(dump_slot | add_up | jq .sum)))
		diag "force: counted $(load_told counted), lost $lost"
		((lost == 0)) || break
	done
	((lost > 0))
}

forced_created() {
	swap_drain force
}
