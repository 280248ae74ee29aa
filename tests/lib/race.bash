# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Running the drivers of the race tests, tests/progs/late.c and load.c, and
# adding up what bpftool prints. Needs common.bash.

# The inner types that programs can count in
# shellcheck disable=SC2034 # for those who load this
COUNTED_TYPES=(hash percpu_hash array percpu_array lru_hash)

# The key of slot 0
SLOT=(key 0 0 0 0)

diag() {
	echo "# $*" >&3
}

# Adds up the values in the output of map dump or swap-drain, any number of
# documents: {"documents":N,"sum":N}. They are numbers by the BTF types that the
# drivers' maps have.
# shellcheck disable=SC2016 # $doc is jq's
SUM_JQ='def total: .formatted | if .values then [.values[].value] | add
	else .value end;
	reduce inputs as $doc ({documents: 0, sum: 0};
		.documents += 1 | .sum += ($doc | map(total) | add // 0))'

add_up() {
	jq -nc "$SUM_JQ" "$@"
}

# late_run OPTION... -- COMMAND...: runs the command while a program is inside;
# $LATE is the report, the command's output is in $OUT and $OUT.err
late_run() {
	local status=0

	OUT=$BATS_TEST_TMPDIR/out
	LATE=
	"$BUILD/tests/late" --object "$BUILD/tests/late.bpf.o" --pins "$PINS" \
		--report "$OUT.report" "$@" >"$OUT" 2>"$OUT.err" || status=$?
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
# raw_tp none does, for tc PREEMPT_RT.
can_overlap() {
	(($(nproc) > 1)) && return 0
	late_run --enter "$1" -- true
	[[ $(late started_inside) == true ]]
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
	if can_overlap "$how"; then
		late_until wait_began_inside --enter "$how" "$@"
	else
		diag "nothing runs while a program is inside ($how, one CPU)"
		late_run --enter "$how" "$@"
	fi
}

# The providers that are there, at least one, in ${USABLE[@]}; says why another
# is not
find_providers() {
	local name why

	USABLE=()
	for name in $(providers); do
		if why=$(bpftool map sync using "$name" 2>&1); then
			USABLE+=("$name")
		else
			diag "provider $name is not there: $why"
		fi
	done
	((${#USABLE[@]} > 0))
}

# load_start OPTION...: starts the load, and waits until it runs
load_start() {
	local fifo=$BATS_TEST_TMPDIR/load.in

	LOAD_OUT=$BATS_TEST_TMPDIR/load.out
	rm -rf "$fifo" "${PINS:?}"/*
	mkfifo "$fifo"
	"$BUILD/tests/load" --object "$BUILD/tests/load.bpf.o" --pins "$PINS" \
		"$@" <"$fifo" >"$LOAD_OUT" 2>"$LOAD_OUT.err" 3>&- &
	LOAD_PID=$!
	# It ends when nobody has the other end open, so also with this shell
	exec {LOAD_FD}>"$fifo"

	if ! wait_until load_is_ready; then
		cat "$LOAD_OUT.err" >&2
		load_stop
		return 1
	fi
}

load_is_ready() {
	grep -q ready "$LOAD_OUT"
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
