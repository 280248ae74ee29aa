# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain recover: what runs that failed have left behind

load ../lib/faults-calls

@test "recover: nothing left" {
	expect_nothing_left
	got=$(bpftool map swap-drain recover 2>&1)
	[[ -z $got ]] || complain "plain prints nothing, but: $got"
	[[ ! -d $JOURNAL || -z $(ls "$JOURNAL") ]] || complain "leaves nothing"
}

@test "recover: a named journal that is not there is named, and not created" {
	for json in "" -j; do
		# shellcheck disable=SC2086 # a word or none
		run -0 --separate-stderr "$BPFTOOL" $json map swap-drain recover \
			journal "$PINS/mistyped"
		[[ $output == "${json:+[]}" ]]
		[[ $stderr == "Warning: there is no journal at $PINS/mistyped, so nothing can be recovered" ]]
		[[ ! -e $PINS/mistyped ]]
	done
}

@test "recover: form of -j, and of plain output" {
	leave_behind array_of_maps hash 5
	outer=$(outer_id)
	bpftool map dump pinned "$PIN" >"$T/dump"
	bpftool -j map dump pinned "$PIN" | jq -S . >"$T/dump.json"
	bpftool -j map show pinned "$PIN" >"$T/show.json"

	# As the last run can't print either, both forms see the same map
	bpftool map swap-drain recover >"$T/plain"
	wipe
	leave_behind array_of_maps hash 5
	outer="$outer $(outer_id)"
	"$BPFTOOL" -j map swap-drain recover >"$T/json"

	grep -qxP "\touter_id ${outer% *}" "$T/plain" || complain "outer_id"
	tail -n +3 "$T/plain" | sort | diff - <(sort "$T/dump") ||
		complain "as map dump prints it"
	head -n 1 "$T/plain" | finds -P "^\d+: hash  name $INNER_NAME  flags" ||
		complain "a header, as map dump prints it of several"
	jq -e --argjson outer "${outer#* }" --argjson id "$OLD" --arg name "$INNER_NAME" '
		length == 1 and (.[0] | .outer_id == $outer and .id == $id and
		.type == "hash" and .name == $name and .flags == 0 and
		(.elements | length == 5) and (keys_unsorted == ["outer_id",
		"id", "type", "name", "flags", "elements"]))' "$T/json" ||
		complain "fields: $(cat "$T/json")"
	diff <(jq -S '.[0].elements | sort' "$T/json") \
		<(jq -S 'sort' "$T/dump.json") || complain "the same elements"
	expect_nothing_left
}

@test "recover: every type comes back, with the entries that it had" {
	recover_types
}

# A run is killed between the pin and the swap
killed_when_pinned() {
	stop_at 'bpf\(BPF_OBJ_PIN'
	kill -KILL "$STOPPED"
	wait "$TRACER" 2>/dev/null || :
}

@test "recover: a map that is still in its slot is released silently" {
	fill array_of_maps hash 5
	killed_when_pinned
	expect untouched-pinned

	got=$(bpftool map swap-drain recover 2>&1)
	[[ -z $got ]] || complain "recover says $got"
	expect untouched

	# Another run does the same
	killed_when_pinned
	drain >"$T/out" 2>"$T/err"
	[[ ! -s $T/err ]] || complain "the next run says nothing of it"
	expect released
	[[ -z $(ls "$JOURNAL") ]] || complain "and cleans up"
}

@test "recover: a live run is neither touched nor reported" {
	recover_live
}

@test "recover: a live run that is stopped before its swap" {
	fill array_of_maps hash 5
	stop_at 'bpf\(BPF_OBJ_PIN'
	expect_in_slot
	expect_nothing_left
	look
	[[ $STATE == untouched-pinned ]] || complain "its pin stays: $STATE"
	go_on
	expect released
}

@test "recover: other runs report what was left, and continue" {
	for dir in "" "$PINS/journal"; do
		wipe
		JOURNAL=${dir:-$JOURNAL}
		leave_behind array_of_maps hash 5 ${dir:+journal "$dir"}
		drain ${dir:+journal "$dir"} >"$T/other" 2>"$T/err" ||
			complain "it continues"
		grep -q "Found 0 elements" "$T/other" || complain "its own output"
		grep -qF "$PIN" "$T/err" || complain "names $PIN"
		[[ $(wc -l <"$T/err") == 1 ]] || complain "in one line"
		"$BPFTOOL" -j "${ONE_SLOT[@]}" ${dir:+journal "$dir"} >"$T/other" 2>"$T/err"
		jq -e . "$T/other" >/dev/null || complain "-j stays valid"
		grep -qF "$PIN" "$T/err" || complain "-j names $PIN"

		# The command that it names does it
		command=$(sed -n 's/.*with: bpftool //p' "$T/err")
		# shellcheck disable=SC2086
		"$BPFTOOL" -j $command >"$T/rec"
		maps recovered "$JOURNAL" "$OLD" 5 "$T/rec"
		drain ${dir:+journal "$dir"} >"$T/other" 2>"$T/err"
		[[ ! -s $T/err ]] || complain "said once only"
	done
}

@test "recover: what was left can't be a replacement" {
	leave_behind array_of_maps hash 5
	fails drain value id "$OLD"
	grep -q "not printed yet" "$T/err" || complain "says why"
	: >"$T/out"
	expect pinned
	expect_recovered
}

# Killed as it clears: the output was complete, and what is left in the map is
# not to take its place, nor to be counted again
@test "recover: finishes a clear" {
	set_up turns
	at_call -n 2 signal=KILL 'bpf\(BPF_MAP_DELETE_ELEM' "${RUN[@]}" \
		>"$T/out" 2>"$T/err" && complain "it is killed"
	expect clearing
	got=$(maps empty "$PINS/old" 2>&1) && complain "it is half cleared"
	[[ $got == *"holds"* ]] || complain "$got"

	expect_nothing_left
	maps empty "$PINS/old" || complain "recover has cleared it"
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

@test "recover: several maps at once, and only those" {
	leave_two
	"$BPFTOOL" -j map swap-drain recover >"$T/first"
	jq -e 'length == 2 and ([.[].elements | length] == [5, 5])' "$T/first" ||
		complain "$(cat "$T/first")"
	diff <(jq -r '.[].id' "$T/first" | sort) \
		<(printf '%s\n' "$ONE" "$TWO" | sort) || complain "each of them"
	expect_nothing_left
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

@test "recover: a pin that can't be opened is named, and the others are printed" {
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

# One that only waits to be cleared
@test "recover: the same with a map that is only to be cleared" {
	leave_behind array_of_maps hash 5
	mv "$PIN" "${PIN}_printed"
	faulty_recover 'bpf\(BPF_OBJ_GET,' ENOMEM -j
	jq -e --arg pin "${PIN}_printed" 'length == 1 and .[0].pinned == $pin' \
		"$T/out" || complain "an error that names ${PIN}_printed"
	[[ -e ${PIN}_printed ]] || complain "it stays"
	expect_nothing_left
	[[ -z $(find "$JOURNAL" -mindepth 2) ]] || complain "it is gone then"
}

@test "recover: a pin that can't be removed is named, and the others go" {
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
