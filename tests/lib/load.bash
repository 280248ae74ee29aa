# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Running the drivers of the race tests, tests/progs/late.c and load.c, adding up what
# bpftool prints, and swap-drain in a loop under load. LOAD_SECONDS says how long.

# The inner types that programs can count in
COUNTED_TYPES=(hash percpu_hash array percpu_array lru_hash)

# The key of slot 0
SLOT=(key 0 0 0 0)

diag() {
	echo "# $*" >&3
}

# Adds up the values in the output of map dump or swap-drain, any number of
# documents: {"documents":N,"sum":N}. They are numbers by the BTF types that the
# drivers' maps have.
SUM_JQ='def total: .formatted | if .values then [.values[].value] | add
	else .value end;
	reduce inputs as $doc ({documents: 0, sum: 0};
		.documents += 1 | .sum += ($doc | map(total) | add // 0))'

add_up() {
	jq -nc "$SUM_JQ" "$@"
}

# if_ok COMMAND...: its output. With -j an error is output too: what would be added
# up is shown where it failed
if_ok() {
	local got=$T/got err=$T/err

	if "$@" >"$got" 2>"$err"; then
		cat "$got"
	else
		cut -c -2000 "$got" "$err" >&2
		return 1
	fi
}

# load_start OPTION...: starts the load, and waits until it runs
load_start() {
	local fifo=$T/load.in

	LOAD_OUT=$T/load.out
	# The last one's output says that it is ready, too
	rm -rf "$fifo" "$LOAD_OUT" "${PINS:?}"/*
	mkfifo "$fifo"
	"$BUILD/tests/load" --object "$BUILD/tests/load.bpf.o" --pins "$PINS" \
		"$@" <"$fifo" >"$LOAD_OUT" 2>"$LOAD_OUT.err" 3>&- &
	LOAD_PID=$!
	# It ends when no process has the other end open, so also with this shell
	exec {LOAD_FD}>"$fifo"

	wait_until grep -qs ready "$LOAD_OUT" || {
		cat "$LOAD_OUT.err" >&2
		load_stop
		return 1
	}
}

# load_stop: ends the load; $LOAD is its report. What it pinned stays.
load_stop() {
	[[ ${LOAD_PID-} ]] || return 0
	exec {LOAD_FD}>&-
	kill "$LOAD_PID" 2>/dev/null || true
	wait "$LOAD_PID" || cat "$LOAD_OUT.err" >&2
	LOAD_PID=
	LOAD=$(grep '^{' "$LOAD_OUT")
}

# A field of the report
load_told() {
	jq ".$1" <<<"$LOAD"
}

# Does this kernel update hash_of_maps in place?
updates_in_place() {
	grep -aq htab_map_update_elem_in_place /sys/kernel/btf/vmlinux
}

# The entries of the map that is in a slot, read as any map is
dump_slot() {
	bpftool -j map dump id "$(inner_id "$PINS/outer" "${SLOT[@]}")"
}

# swap_drain [ARG...]
swap_drain() {
	if_ok bpftool -j map swap-drain pinned "$PINS/outer" "${SLOT[@]}" "$@"
}

# The kinds of replacement, by the number of the turn
created() {
	swap_drain
}

turns() {
	swap_drain value pinned "$PINS/turn$(($1 % 2))" clear
}

# drain_for MS KIND: goes round until the time is over, and twice at least
drain_for() {
	local end=$(($(now_ms) + $1)) turn

	for ((turn = 1; turn <= 2 || $(now_ms) < end; turn++)); do
		"$2" "$turn" || return 1
	done
}

now_ms() {
	local us=${EPOCHREALTIME/[^0-9]/}

	echo "${us%???}"
}

# exact WHAT DRAINED LEFT: neither lost nor counted twice
exact() {
	local counted missed expected drained left lost

	counted=$(load_told counted)
	missed=$(load_told missed)
	drained=$(jq .sum <<<"$2")
	left=$(jq .sum <<<"$3")
	expected=$counted
	if [[ $1 == hash_of_maps* ]] && ! updates_in_place; then
		diag "this kernel does not update hash_of_maps in place: $missed events found the slot empty"
		expected=$((counted - missed))
		missed=0
	fi
	lost=$((expected - drained - left))
	diag "$1: counted $counted, drained $drained in $(jq .documents <<<"$2") swaps, left $left, missed $missed, lost $lost"

	((counted > 0 && missed == 0 && lost == 0)) &&
		[[ $(load_told failed) == 0 ]]
}

# loses_nothing OUTER KIND: a slice of the time for each type of inner map
loses_nothing() {
	local ms=$((LOAD_SECONDS * 1000 / ${#COUNTED_TYPES[@]})) type drained

	for type in "${COUNTED_TYPES[@]}"; do
		load_start --outer "$1" --inner "$type" --turns
		drained=$(set -o pipefail && drain_for "$ms" "$2" | add_up)
		load_stop
		exact "$1_of_maps of $type, $2" "$drained" "$(dump_slot | add_up)"
	done
}

# A program that looked a value up, stays inside for a second, and adds to it only
# then: running a command in between, by tests/progs/late.c.

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

	OUT=$T/out
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


# may_be_alone HOW: where nothing can run beside a program, little is shown. A line
# of the matrix says where it has to (EXPECT_OVERLAP=y).
may_be_alone() {
	diag "nothing runs while a program is inside ($1, one CPU)"
	[[ ! ${EXPECT_OVERLAP-} ]]
}

# choose_entry [HOW]...: the first that a command can run beside, in $HOW, or no other.
# The program takes one CPU. If there is no other, the kernel would have to schedule: for
# raw_tp none does, for tc PREEMPT_RT, for iter a preemptible one.
choose_entry() {
	for HOW; do
		(($(nproc) == 1)) || return 0
		late_run --enter "$HOW" -- true
		[[ $(late started_inside) != true ]] || return 0
	done
	return 1
}

# late_until CHECK OPTION... -- COMMAND...: late_run until CHECK holds, for
# longer each time: other work may keep the command from its CPU for a second,
# and an emulated one takes its time. The next one starts with what was enough.
late_until() {
	local enough=$BATS_FILE_TMPDIR/late_ms ms try

	ms=$(cat "$enough" 2>/dev/null) || ms=1000
	for ((try = 1; try <= 6; try++)); do
		late_run --spin-ms "$ms" "${@:2}" || return 1
		if "$1"; then
			echo "$ms" >"$enough"
			return 0
		fi
		((try == 1 || ms >= 16000)) || ms=$((ms * 2))
	done
	echo "no $1 within a program that took $ms ms: $LATE" >&2
	return 1
}

# late_wait HOW OPTION... -- COMMAND...: runs a command that waits. Where it
# can run while the program is inside, its wait has to begin there.
late_wait() {
	if choose_entry "$1" iter; then
		late_until wait_began_inside --enter "$HOW" "${@:2}"
	else
		may_be_alone "$1"
		late_run --enter "$@"
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
	late_wait "$1" --again --outer "$2" --inner "$3" -- \
		"$BPFTOOL" -d -j map swap-drain pinned "$PINS/outer" "${SLOT[@]}" "${@:4}"
	holds_all
}

# selector_pattern [PROVIDER]: a script that has programs use the second map,
# waits if a way is given, and reads the first
selector_pattern() {
	cat <<-END
		set -e
		bpftool() { "\$BPFTOOL" "\$@"; }
		bpftool map update pinned "\$PINS/selector" key 0 0 0 0 value 1 0 0 0
		${1:+bpftool -d map sync using $1}
		bpftool -j map dump pinned "\$PINS/first"
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
