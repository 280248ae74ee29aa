# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The cases of recover.bats. See faults.bash.

recover() {
	swap_drain recover
}

recover_nothing() {
	local got

	expect_nothing_left
	got=$(recover 2>&1)
	[[ -z $got ]] || complain "plain prints nothing, but: $got"
	[[ ! -d $JOURNAL || -z $(ls "$JOURNAL") ]] || complain "leaves nothing"
}

recover_form() {
	local outer

	leave_behind array_of_maps hash 5
	outer=$(outer_id)
	bpftool map dump pinned "$PIN" >"$T/dump"
	bpftool -j map dump pinned "$PIN" | jq -S . >"$T/dump.json"
	bpftool -j map show pinned "$PIN" >"$T/show.json"

	# As the last run can't print either, both forms see the same map
	recover >"$T/plain"
	wipe
	leave_behind array_of_maps hash 5
	outer="$outer $(outer_id)"
	"$BPFTOOL" -j map swap-drain recover >"$T/json"

	grep -qxP "\touter_id ${outer% *}" "$T/plain" || complain "outer_id"
	tail -n +3 "$T/plain" | sort | diff - <(sort "$T/dump") ||
		complain "as map dump prints it"
	head -n 1 "$T/plain" | grep -qP "^\d+: hash  name faults_inner  flags" ||
		complain "a header, as map dump prints it of several"
	jq -e --argjson outer "${outer#* }" --argjson id "$OLD" '
		length == 1 and (.[0] | .outer_id == $outer and .id == $id and
		.type == "hash" and .name == "faults_inner" and .flags == 0 and
		(.elements | length == 5) and (keys_unsorted == ["outer_id",
		"id", "type", "name", "flags", "elements"]))' "$T/json" ||
		complain "fields: $(cat "$T/json")"
	diff <(jq -S '.[0].elements | sort' "$T/json") \
		<(jq -S 'sort' "$T/dump.json") || complain "the same elements"
	expect_nothing_left
}

recover_types() {
	local type

	for type in hash lru_hash array queue stack; do
		wipe
		leave_behind array_of_maps "$type" 5
		unset FIRST
		if [[ $type == queue ]]; then
			FIRST=$T/nothing
			: >"$FIRST"
		elif [[ $type == stack ]]; then
			"$BPFTOOL" -j map swap-drain recover >"$T/rec"
			jq -c '[.[0].elements[].value[0]]' "$T/rec" | grep -qxF \
				'["0x0d","0x0a","0x07","0x04","0x01"]' ||
				complain "a stack: $(cat "$T/rec")"
			expect_nothing_left
			continue
		fi
		expect_recovered
		expect_nothing_left
	done
}

# Killed between the pin and the swap
recover_in_slot() {
	local got

	MADE=(array_of_maps hash 5)
	stop_at 'bpf\(BPF_OBJ_PIN'
	kill -KILL "$STOPPED"
	wait "$TRACER" 2>/dev/null || :
	expect untouched-pinned

	got=$(recover 2>&1)
	[[ -z $got ]] || complain "recover says $got"
	expect untouched

	# Another run does the same
	stop_at 'bpf\(BPF_OBJ_PIN'
	kill -KILL "$STOPPED"
	wait "$TRACER" 2>/dev/null || :
	drain >"$T/out" 2>"$T/err"
	[[ ! -s $T/err ]] || complain "the next run says nothing of it"
	expect released
	[[ -z $(ls "$JOURNAL") ]] || complain "and cleans up"
}

# A run that writes into a pipe that is full
recover_live() {
	local pid got

	mkfifo "$T/pipe"
	exec 9<>"$T/pipe"
	fill array_of_maps hash 3000
	"$BPFTOOL" map swap-drain pinned "$PINS/outer" key 0 0 0 0 \
		>&9 2>"$T/live.err" &
	pid=$!
	wait_for blocked "$pid"
	got=$(find "$JOURNAL" -name '*_*')
	[[ $got == *_"$OLD" ]] || complain "it has a pin"

	for state in blocked stopped; do
		[[ $state != stopped ]] || kill -STOP "$pid"
		expect_nothing_left
		[[ $(find "$JOURNAL" -name '*_*') == "$got" ]] ||
			complain "$state: its pin is untouched"
		drain >"$T/other" 2>"$T/err" || complain "$state: others work"
		[[ ! -s $T/err ]] || complain "$state: nothing is reported"
		grep -q "Found 0 elements" "$T/other" || complain "nothing new"
	done

	cat <&9 >"$T/out" &
	kill -CONT "$pid"
	wait "$pid" || complain "it ends well: $(cat "$T/live.err")"
	wait_for grep -q "Found 3000" "$T/out"
	kill "$!"
	exec 9>&-
	expect released
}

recover_stopped() {
	MADE=(array_of_maps hash 5)
	fill "${MADE[@]}"
	stop_at 'bpf\(BPF_OBJ_PIN'
	expect_in_slot
	expect_nothing_left
	look
	[[ $STATE == untouched-pinned ]] || complain "its pin stays: $STATE"
	go_on
	expect released
}

recover_reported() {
	local dir pin command

	for dir in "" "$PINS/journal"; do
		wipe
		JOURNAL=${dir:-$JOURNAL}
		leave_behind array_of_maps hash 5 ${dir:+journal "$dir"}
		pin=$PIN
		drain ${dir:+journal "$dir"} >"$T/other" 2>"$T/err" ||
			complain "it goes on"
		grep -q "Found 0 elements" "$T/other" || complain "its own output"
		grep -qF "$pin" "$T/err" || complain "names $pin"
		[[ $(wc -l <"$T/err") == 1 ]] || complain "in one line"
		drain_json ${dir:+journal "$dir"} >"$T/other" 2>"$T/err"
		jq -e . "$T/other" >/dev/null || complain "-j stays valid"
		grep -qF "$pin" "$T/err" || complain "-j names $pin"

		# The command that it names does it
		command=$(sed -n 's/.*with: bpftool //p' "$T/err")
		# shellcheck disable=SC2086
		"$BPFTOOL" -j $command >"$T/rec"
		maps recovered "$JOURNAL" "$OLD" 5 "$T/rec"
		drain ${dir:+journal "$dir"} >"$T/other" 2>"$T/err"
		[[ ! -s $T/err ]] || complain "said once only"
	done
}

recover_no_replacement() {
	local kept

	leave_behind array_of_maps hash 5
	kept=$PIN
	fails drain value id "$OLD"
	grep -q "not printed yet" "$T/err" || complain "says why"
	PIN=$kept
	: >"$T/out"
	expect pinned
	expect_recovered
}

# Killed as it clears: the output was complete, and what is left in the map is
# not to take its place, nor to be counted again
recover_clears() {
	local got

	scenario_turns
	at_call -n 2 signal=KILL 'bpf\(BPF_MAP_DELETE_ELEM' "${RUN[@]}" \
		>"$T/out" 2>"$T/err" && complain "it is killed"
	expect clearing
	got=$(maps empty "$PINS/old" 2>&1) && complain "it is half cleared"
	[[ $got == *"holds"* ]] || complain "$got"

	expect_nothing_left
	maps empty "$PINS/old" || complain "recover has cleared it"
}

recover_several() {
	local first=$T/first second

	leave_behind array_of_maps hash 5
	second=$OLD
	rm "$PINS/outer" "$PINS/spare"
	leave_behind hash_of_maps array 5
	"$BPFTOOL" -j map swap-drain recover >"$first"
	jq -e 'length == 2 and ([.[].elements | length] == [5, 5])' "$first" ||
		complain "$(cat "$first")"
	jq -r '.[].id' "$first" | sort -n |
		diff - <(printf '%s\n' "$second" "$OLD" | sort -n) ||
		complain "each of them"
	expect_nothing_left
}

# leave_two: two runs each left one; ONE and TWO are their ids
leave_two() {
	wipe
	leave_behind array_of_maps hash 5
	ONE=$OLD
	rm "$PINS/outer" "$PINS/spare"
	leave_behind hash_of_maps array 5
	TWO=$OLD
}

# The rest comes when it is asked for again, and then both are there, once each
expect_other_now() {
	local id

	"$BPFTOOL" -j map swap-drain recover >"$T/other"
	jq -e 'length == 1 and (.[0].elements | length == 5)' "$T/other" ||
		complain "the other one: $(cat "$T/other")"
	id=$(jq '.[0].id' "$T/other")
	diff <(printf '%s\n' "$1" "$id" | sort) \
		<(printf '%s\n' "$ONE" "$TWO" | sort) || complain "each once"
	expect_nothing_left
}

# faulty_recover CALL ERROR [OPTION]: the first such call, a regular expression,
# fails
faulty_recover() {
	fails at_call "error=$2" "$1" "$BPFTOOL" ${3+"$3"} map swap-drain recover
}

recover_unopened() {
	local pin

	leave_two
	faulty_recover 'bpf\(BPF_OBJ_GET,' ENOMEM -j
	jq -e 'length == 2 and (map(select(.error)) | length == 1 and .[0].swapped and
		(.[0].error | test("^can.t open .*: Cannot allocate")))' \
		"$T/out" || complain "an array with an error"
	pin=$(jq -r '.[] | .pinned // empty' "$T/out")
	[[ -e $pin ]] || complain "$pin stays"
	expect_other_now "$(jq '.[] | .id // empty' "$T/out")"

	leave_two
	faulty_recover 'bpf\(BPF_OBJ_GET,' ENOMEM
	[[ $(wc -l <"$T/err") == 1 ]] || complain "one line"
	pin=$(sed -n "s/^Error: can't open .* is pinned at \([^;]*\).*/\1/p" "$T/err")
	[[ -e $pin ]] || complain "$pin stays"
	expect_other_now "$(sed -n 's/^\([0-9]*\): .*/\1/p' "$T/out")"
}

recover_unreleased() {
	local pin

	leave_two
	faulty_recover 'unlink\(' EPERM -j
	jq -e 'length == 2 and all(.[]; .elements | length == 5)' "$T/out" ||
		complain "both are printed"
	pin=$(jq -r .pinned "$T/err")
	[[ -e $pin && $(find "$JOURNAL" -mindepth 2) == "$pin" ]] ||
		complain "only the one that it names stays"
	expect_other_now "$(jq --arg pin "$pin" '.[].id |
		select(tostring != ($pin | split("_")[-1]))' "$T/out")"
}

# One that only waits to be cleared
recover_unopened_printed() {
	leave_behind array_of_maps hash 5
	mv "$PIN" "${PIN}_printed"
	faulty_recover 'bpf\(BPF_OBJ_GET,' ENOMEM -j
	jq -e --arg pin "${PIN}_printed" 'length == 1 and .[0].pinned == $pin' \
		"$T/out" || complain "an error that names ${PIN}_printed"
	[[ -e ${PIN}_printed ]] || complain "it stays"
	expect_nothing_left
	[[ -z $(find "$JOURNAL" -mindepth 2) ]] || complain "it is gone then"
}
