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
	local got=$BATS_TEST_TMPDIR/got err=$BATS_TEST_TMPDIR/err

	if "$@" >"$got" 2>"$err"; then
		cat "$got"
	else
		cut -c -2000 "$got" "$err" >&2
		return 1
	fi
}

# load_start OPTION...: starts the load, and waits until it runs
load_start() {
	local fifo=$BATS_TEST_TMPDIR/load.in

	LOAD_OUT=$BATS_TEST_TMPDIR/load.out
	# The last one's output says that it is ready, too
	rm -rf "$fifo" "$LOAD_OUT" "${PINS:?}"/*
	mkfifo "$fifo"
	"$BUILD/tests/load" --object "$BUILD/tests/load.bpf.o" --pins "$PINS" \
		"$@" <"$fifo" >"$LOAD_OUT" 2>"$LOAD_OUT.err" 3>&- &
	LOAD_PID=$!
	# It ends when no process has the other end open, so also with this shell
	exec {LOAD_FD}>"$fifo"

	if ! wait_until load_is_ready; then
		cat "$LOAD_OUT.err" >&2
		load_stop
		return 1
	fi
}

load_is_ready() {
	grep -qs ready "$LOAD_OUT"
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
