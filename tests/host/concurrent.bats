# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Several swap-drains of one slot at once, each in a mount namespace of its own

load ../lib/faults-calls

@test "concurrent: of two or eight, one prints every entry" {
	at_once 2
	rm "$T"/out.*
	at_once 8
}

@test "concurrent: two or eight in loops while a program counts, the sum is exact" {
	for loops in "2 10" "8 4"; do
		echo "loops and turns: $loops"
		read -r competing turns <<<"$loops"
		rm -f "$T"/{out,err}.*
		load_begin 2
		pids=()
		for ((i = 0; i < competing; i++)); do
			for ((j = 0; j < turns; j++)); do
				unshare --mount "$BPFTOOL" -j "${ONE_SLOT[@]}" \
					>"$T/out.$i.$j" 2>>"$T/err.$i" || exit
			done &
			pids+=($!)
		done
		for i in "${!pids[@]}"; do
			wait "${pids[i]}" || complain "$i: $(cat "$T/err.$i")"
		done
		SUM=$(maps sum "$T"/out.*)
		load_end
		expect_nothing_left
	done
}

# Another tool, that knows nothing of our lock, touches the slot between two steps

# The steps that touch the outer map, the old map, or the journal
STEPS=(
	'bpf\(BPF_MAP_LOOKUP_ELEM'
	'bpf\(BPF_MAP_CREATE.*name=in_'
	'bpf\(BPF_OBJ_PIN'
	'bpf\(BPF_MAP_UPDATE_ELEM'
	'bpf\(BPF_MAP_LOOKUP_BATCH'
	'write\(1,'
	'unlink\('
)

# between_steps OUTER_TYPE COMMAND: before, and after, each step. What a run printed is
# whole and right, or an error and nothing.
between_steps() {
	local step total=$((1 + 4 + 7 + 10 + 13))

	for step in "${STEPS[@]}"; do
		wipe
		fill "$1" hash 5
		stop_at "$step"
		"$2"
		go_on
		echo "$step: exit $STATUS, $(head -n 1 "$T/err")"
		((STATUS == 0 || STATUS == 255)) || complain "exit $STATUS"
		if ((STATUS == 255)); then
			grep -q "Error" "$T/err" || complain "an error"
			[[ ! -s $T/out ]] || complain "prints nothing"
		else
			[[ $(maps sum "$T/out") == "$total" ]] ||
				complain "prints what it drained"
		fi
		expect_nothing_left
		"${2}_then"
	done
}

delete_slot() {
	bpftool map delete pinned "$PINS/outer" key 0 0 0 0
}

# A slot that another tool deleted may come back with array_of_maps, which knows
# no BPF_EXIST; with hash_of_maps it does not
delete_slot_then() {
	((STATUS == 0)) || ! maps slot "$PINS/outer" 2>/dev/null ||
		complain "an error, and the slot is there"
}

@test "another tool deletes the slot between two steps" {
	between_steps array_of_maps delete_slot
	between_steps hash_of_maps delete_slot
}

replace_slot() {
	bpftool map update pinned "$PINS/outer" key 0 0 0 0 \
		value pinned "$PINS/spare"
}

# What another tool put there stays, or was replaced: the slot is filled
replace_slot_then() {
	maps slot "$PINS/outer" >/dev/null || complain "the slot is filled"
}

@test "another tool replaces the slot between two steps" {
	between_steps array_of_maps replace_slot
	between_steps hash_of_maps replace_slot
}
