# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A program that looked a value up, stays inside for a second, and adds to it only
# then: running a command in between, by tests/progs/late.c. Needs common.bash and
# load.bash.

# What the program adds: LATE_EARLY and LATE_ADD
EARLY=1
LATE_ADD=41

# A CPU that must not be kept busy: the one that a guest's kernel has chosen for the
# interrupts of the file system that it was given. Whoever opens a file would wait
# until the program has left.
disk_cpu() {
	cat /proc/irq/*/virtio*-requests.0/../effective_affinity_list 2>/dev/null ||
		echo -1
}

# late_run OPTION... -- COMMAND...: runs the command while a program is inside;
# $LATE is the report, the command's output is in $OUT and $OUT.err
late_run() {
	local status=0

	OUT=$BATS_TEST_TMPDIR/out
	LATE=
	"$BUILD/tests/late" --object "$BUILD/tests/late.bpf.o" --pins "$PINS" \
		--report "$OUT.report" --not-cpu "$(disk_cpu)" "$@" >"$OUT" 2>"$OUT.err" || status=$?
	if ((status == 77)); then
		skip "$(<"$OUT.err")"
	fi
	LATE=$(<"$OUT.report")
	if ((status)) || [[ $(late status) != 0 ]]; then
		cat "$OUT" "$OUT.err" >&2
		echo "late: $status, ${LATE-no report}" >&2
		return 1
	fi
}

# A field of the report
late() {
	jq ".$1" <<<"$LATE"
}

# Did the wait that bpftool reported (-d) begin while the program was inside?
# It ended before bpftool did, so it began no later than its length before.
wait_began_inside() {
	local us

	us=$(sed -n 's/.*: waited \([0-9]*\) us$/\1/p' "$OUT.err" | tail -n 1)
	[[ $us ]] && (($(late exit_us) - us < $(late left_us)))
}

# Did the command come to its end while the program was inside?
ended_inside() {
	[[ $(late left_at_exit) == false ]]
}

# can_overlap HOW: does a command run while a program is inside? The program
# takes one CPU. If there is no other, the kernel would have to schedule: for
# raw_tp none does, for tc PREEMPT_RT, for iter a preemptible one.
can_overlap() {
	(($(nproc) > 1)) && return 0
	late_run --enter "$1" -- true
	[[ $(late started_inside) == true ]]
}

# may_be_alone HOW: where nothing can run beside a program, little is shown. A line
# of the matrix says where it has to (EXPECT_OVERLAP=y).
may_be_alone() {
	diag "nothing runs while a program is inside ($1, one CPU)"
	[[ ! ${EXPECT_OVERLAP-} ]]
}

# choose_entry [HOW]...: the first that a command can run beside, in $HOW, or no other
choose_entry() {
	for HOW; do
		! can_overlap "$HOW" || return 0
	done
	return 1
}

# late_until CHECK OPTION... -- COMMAND...: late_run until CHECK holds, for
# longer each time: other work may keep the command from its CPU for a second,
# and an emulated one takes its time. The next one starts with what was enough.
late_until() {
	local check=$1 enough=$BATS_FILE_TMPDIR/late_ms ms try

	shift
	ms=$(cat "$enough" 2>/dev/null) || ms=1000
	for ((try = 1; try <= 6; try++)); do
		late_run --spin-ms "$ms" "$@" || return 1
		if "$check"; then
			echo "$ms" >"$enough"
			return 0
		fi
		((try == 1 || ms >= 16000)) || ms=$((ms * 2))
	done
	echo "no $check within a program that took $ms ms: $LATE" >&2
	return 1
}

# late_wait HOW OPTION... -- COMMAND...: runs a command that waits. Where it
# can run while the program is inside, its wait has to begin there.
late_wait() {
	local how=$1

	shift
	if choose_entry "$how" iter; then
		late_until wait_began_inside --enter "$HOW" "$@"
	else
		may_be_alone "$how"
		late_run --enter "$how" "$@"
	fi
}

# What was printed of the counter that the program adds to: LATE_KEY
printed() {
	jq -c 'map(select(.formatted.key == 7))' "$OUT" | add_up | jq .sum
}

# It had left, and all that it added was printed
holds_all() {
	[[ $(late left_at_exit) == true ]]
	[[ $(late final) == $(($(late runs) * (EARLY + LATE_ADD))) ]]
	[[ $(printed) == $(late final) ]]
}

# swap_drain_waits HOW KIND TYPE [ARG...]
#
# Before Linux 6.8, reading a slot waits as an update does. So the program has
# to go in again, or it would have left before the swap.
swap_drain_waits() {
	local how=$1 kind=$2 type=$3

	shift 3
	late_wait "$how" --again --outer "$kind" --inner "$type" -- \
		"$BPFTOOL" -d -j map swap-drain pinned "$PINS/outer" \
		"${SLOT[@]}" "$@"
	holds_all
}

# selector_pattern [PROVIDER]: a script that has programs use the second map,
# waits if a way is given, and reads the first
selector_pattern() {
	local bpftool selector first

	printf -v bpftool %q "$BPFTOOL"
	printf -v selector %q "$PINS/selector"
	printf -v first %q "$PINS/first"
	cat <<-END
		set -e
		$bpftool map update pinned $selector key 0 0 0 0 value 1 0 0 0
		${1:+$bpftool -d map sync using $1}
		$bpftool -j map dump pinned $first
	END
}

# Without a wait the late add is not in what was read, but in the map
control_misses_late_add() {
	if ! choose_entry raw_tp tc iter; then
		may_be_alone any
		skip "nothing runs while a program is inside: one CPU, and no preemption"
	fi

	late_until ended_inside --enter "$HOW" --selector -- \
		bash -c "$(selector_pattern)"
	[[ $(printed) == "$EARLY" ]]
	[[ $(late final) == $((EARLY + LATE_ADD)) ]]
}
