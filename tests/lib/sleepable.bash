# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck disable=SC2016,SC2034,SC2119,SC2153,SC2154,SC2317 # shells of their own, variables of others
# swap-drain while a sleepable program has the slot's value

. "${BASH_SOURCE[0]%/*}/holders.bash"
. "${BASH_SOURCE[0]%/*}/load.bash"

setup() {
	setup_bpffs
	needs_sleepable_way
	MODE=()
	OUT=$T/out
	# A name that no other process has
	TOOL=$T/tool-$$
	ln -s "$BPFTOOL" "$TOOL"
	export OUT TOOL
	export -f bpftool drain_it recover_it in_background journal_pins map_id map_make slot_id \
		slots_of swapped until_swapped ended wait_until now_ms
}

teardown() {
	load_stop
	cleanup_leak_free
}

no_process() {
	! pgrep -f "$TOOL" >/dev/null
}

drain_it() {
	"$TOOL" map swap-drain pinned "$PINS/outer" key 0 0 0 0 \
		journal "$PINS/journal" "$@"
}

# shellcheck disable=SC2120 # the scripts pass them
recover_it() {
	"$TOOL" map swap-drain recover journal "$PINS/journal" "$@"
}

# in_background COMMAND...: its output is in $OUT and $OUT.err, then its status in
# $OUT.status
in_background() {
	rm -f "$OUT" "$OUT.err" "$OUT.status"
	{
		status=0
		"$@" >"$OUT" 2>"$OUT.err" || status=$?
		echo $status >"$OUT.status.new"
		mv "$OUT.status.new" "$OUT.status"
	} </dev/null >/dev/null 2>&1 3>&- &
}

# The old map is pinned, and no longer in the slot
swapped() {
	[[ $(journal_pins) && $(slot_id) != $(map_id "$PINS/first") ]]
}

ended() {
	[[ -e $OUT.status ]]
}

# What runs in the background has swapped, and not ended
until_swapped() {
	swapped_or_ended() {
		swapped || ended
	}
	wait_until swapped_or_ended
	! ended || {
		cat "$OUT" "$OUT.err"
		return 1
	}
}

# while_inside SCRIPT HOLD...: bash runs it while a program has the value of slot 0,
# to which that adds 1000 when the script has ended: sleep_hold.c, wq_hold.c
while_inside() {
	local status=0

	timeout 100 "${@:2}" bash -c "set -e; $1" >"$OUT.script" 2>&1 3>&- ||
		status=$?
	# What is written in the background may be renamed just now
	tail -n 50 "$OUT".* || true
	if ((status == 77)); then
		[[ " ${EXPECT_SLEEPERS-} " != *" ${HOLD[2]} "* ]]
		skip "the program can't be held here"
	fi
	return $status
}

# HOLD for a program of sleep_use.bpf.c. A line of the matrix says which of them its
# kernel has to take (EXPECT_SLEEPERS).
sleeping() {
	HOLD=("$BUILD/tests/sleep_hold" "$BUILD/tests/sleep_use.bpf.o" "$1" "$PINS")
}

in_wq() {
	needs_wq
	NOT_CPU=$(disk_cpu)
	export NOT_CPU
	HOLD=("$BUILD/tests/wq_hold" "$BUILD/tests/wq_callback.bpf.o" "$PINS")
}

# ended_with STATUS: what ran in the background
ended_with() {
	wait_until ended
	head -c 2000 "$OUT" "$OUT.err" "$OUT.status"
	[[ $(<"$OUT.status") == "$1" ]]
}
