# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Another tool, that knows nothing of our lock, touches the slot between two
# steps of a run. See faults.bash.

# The steps that touch the outer map, the old map, or the journal
STEPS=(
	'bpf\(BPF_MAP_LOOKUP_ELEM'
	'bpf\(BPF_MAP_CREATE.*faults_inner'
	'bpf\(BPF_OBJ_PIN'
	'bpf\(BPF_MAP_UPDATE_ELEM'
	'bpf\(BPF_MAP_LOOKUP_BATCH'
	'write\(1,'
	'unlink\('
)

# What a run printed is whole and right, or an error and nothing
expect_right_or_error() {
	((STATUS == 0 || STATUS == 255)) || complain "exit $STATUS"
	if ((STATUS == 255)); then
		grep -q "Error" "$T/err" || complain "an error"
		[[ ! -s $T/out ]] || complain "prints nothing"
	else
		[[ $(maps sum "$T/out") == "$TOTAL" ]] ||
			complain "prints what it drained"
	fi
	expect_nothing_left
}

# between_steps OUTER_TYPE COMMAND: before, and after, each step
between_steps() {
	local step

	MADE=("$1" hash 5)
	TOTAL=$((1 + 4 + 7 + 10 + 13))
	for step in "${STEPS[@]}"; do
		wipe
		fill "${MADE[@]}"
		stop_at "$step"
		"$2"
		go_on
		echo "$step: exit $STATUS, $(head -n 1 "$T/err")"
		expect_right_or_error
		"${2}_then" "$1"
	done
}

slot_deleted() {
	between_steps "$1" delete_slot
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

slot_replaced() {
	between_steps "$1" replace_slot
}

replace_slot() {
	bpftool map update pinned "$PINS/outer" key 0 0 0 0 \
		value pinned "$PINS/spare"
}

# What another tool put there stays, or was replaced: the slot is filled
replace_slot_then() {
	maps slot "$PINS/outer" >/dev/null || complain "the slot is filled"
}
