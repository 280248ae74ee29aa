# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every example of the manual, typed as it is written there

load ../lib/common
load ../lib/pages

setup_file() {
	setup_recipe
}

teardown_file() {
	cleanup_recipe
}

# The maps are for all tests
teardown() { :; }

setup() {
	mkdir -p "$BATS_TEST_TMPDIR"/{bin,spool,log}
	ln -s "$BPFTOOL" "$BATS_TEST_TMPDIR/bin/bpftool"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	cd "$BATS_TEST_TMPDIR" || return 1
	reset_maps
}

MANUAL_PAGES=("${TREE:?}"/tools/bpf/bpftool/Documentation/map-{drain,swap-drain,sync}-{description,examples}.rst
	"${TREE:?}"/tools/bpf/bpftool/Documentation/map-sync-sleepable-description.rst)

# Titles of the sections that have a command, a line each
manual_titles() {
	awk '/^-+$/ { title = last }
		/^  #[ !]/ && title { print title; title = "" }
		{ last = $0 }' "${MANUAL_PAGES[@]}"
}

# The literal blocks of a section, without their indentation
manual_blocks() {
	awk -v title="$1" '
		/^[-=]+$/ { ours = last == title }
		ours && /^[^ ]/ { block = 0 }
		ours && block { sub(/^  /, ""); print }
		ours && /::$/ { block = 1 }
		{ last = $0 }' "${MANUAL_PAGES[@]}"
}

# manual_transcript TITLE COUNT: so many commands has that section
manual_transcript() {
	transcript < <(manual_blocks "$1")
	[ "${#CMD[@]}" -eq "$2" ]
}

# The manual's folders become those of the test
manual_here() {
	sed -E -e "s#/sys/fs/bpf/app#${PINS:?}#g" \
	    -e "s#/var/spool/(flows|packets)#${BATS_TEST_TMPDIR:?}/spool#g" \
	    -e "s#/var/log#$BATS_TEST_TMPDIR/log#g"
}

# Mask ids, process ids and times, and drop the warning of what other runs left
# behind
manual_stable() {
	sed -E -e '/^Warning: /d' \
	    -e 's/map [0-9]+ swapped for map [0-9]+, waited [0-9]+ us/map N swapped for map M, waited U us/' \
	    -e 's/\([a-z_]+\)$/(PROVIDER)/' \
	    -e 's#(swap_drain|journal)/[0-9_]+/[0-9]+_[0-9]+(_moved)?#\1/RUN/OUTER_INNER\2#' \
	    -e 's/"provider":"[a-z_]+","wait_us":[0-9]+/"provider":P,"wait_us":U/g'
}

# manual_replay TITLE COUNT: runs a section's commands one by one, as typed, and compares
# what each prints with what the manual shows
manual_replay() {
	manual_transcript "$@"
	replay "${!CMD[@]}"
}

# replay INDEX...: some of them
replay() {
	local i got want

	for i in "$@"; do
		got=$(manual_here <<<"${CMD[i]}" | bash -e 2>&1 |
			manual_stable)
		want=$(manual_here <<<"${OUT[i]}" | manual_stable)
		as_shown "$i" "$want" "$got" || return 1
	done
}

# Empty the maps of what an earlier test left in them
reset_maps() {
	local map

	"$BPFTOOL" map drain pinned "$PINS/packets" >/dev/null
	"$BPFTOOL" map swap-drain pinned "$PINS/flows" key 0 0 0 0 >/dev/null
	"$BPFTOOL" map swap-drain pinned "$PINS/kinds" all >/dev/null
	"$BPFTOOL" map update pinned "$PINS/selector" key 0 0 0 0 \
		value 0 0 0 0
	"$BPFTOOL" map update pinned "$PINS/totals" key 0 0 0 0 \
		value 0 0 0 0 0 0 0 0
	for map in counts_0 counts_1 spare; do
		"$BPFTOOL" -j map dump pinned "$PINS/$map" |
			jq -r --arg map "$PINS/$map" '.[].key |
			"map delete pinned \($map) key " + join(" ")' |
			"$BPFTOOL" batch file - >/dev/null
	done
}

# packets ADDRESS COUNT: prints the verdict of the last one, 1 drop, 2 pass
packets() {
	packet "$1" >data
	send data "$2" | jq .retval
}

# counts FILE: address, as a number, and count, of a dump
counts() {
	jq -c '[.[].formatted | [.key, .value]] | sort' "$1"
}

# prints_two TITLE: the section's first two commands print what it shows, in any
# order: a hash has none
prints_two() {
	local got i

	packets 10.0.0.1 3
	packets 10.0.0.2 1
	manual_transcript "$1" 2
	for i in 0 1; do
		got=$(manual_here <<<"${CMD[i]}" | bash -e)
		[ "$(jq -S 'sort' <<<"$got")" = "$(jq -S 'sort' <<<"${OUT[i]}")" ]
	done
}

@test "draining a plain map: what is printed, and nothing after it" {
	prints_two 'draining a plain map'
}

@test "draining a slot: what is printed, and the empty map after it" {
	prints_two 'draining a slot'
}

@test "waiting: what is printed" {
	manual_replay 'waiting' 2
}

@test "waiting for sleepable programs: what is printed" {
	skip_unless "no way to wait for sleepable programs is here" \
		bpftool map sync sleepable
	manual_replay 'waiting for sleepable programs' 2
}

@test "the script for cron loses nothing over two runs" {
	manual_blocks 'counting exactly, once a minute' | manual_here \
		>drain-packets
	grep -q '^rm ' drain-packets
	chmod +x drain-packets

	packets 10.0.0.1 3
	./drain-packets
	packets 10.0.0.1 4
	packets 10.0.0.2 1
	./drain-packets

	cat log/packets.tsv
	awk '$2 == 16777226 { one += $3 } $2 == 33554442 { two += $3 }
	     END { exit one != 7 || two != 1 || NR != 3 }' log/packets.tsv
	[ -z "$(ls spool)" ]
}

@test "several readers: each gets everything" {
	for turn in 1 2; do
		packets 10.0.0.1 "$turn"
		manual_replay 'several readers' 2
		for file in mine.json yours.json; do
			[ "$(jq '[.[].formatted | select(.key == 16777226).value] | add' \
				"$file")" -eq "$turn" ]
		done
	done
}

@test "all slots at once: each packet once, with the slot it was counted in" {
	packets 10.0.0.1 3
	packets 10.0.0.2 1
	manual_replay 'all slots at once' 2
	# Only the slots that hold a map, and none of them is left empty
	[ "$(jq length kinds.json)" -eq 2 ]
	manual_here <<<"${CMD[0]}" | bash -e
	[ "$(jq -c 'map(.elements)' kinds.json)" = '[[],[]]' ]
}

# drain_fails INDEX: run a command of the manual whose output can't be written;
# PIN is the path in its error
drain_fails() {
	local got

	[[ ${CMD[$1]} == *'/dev/full' ]]
	got=$(manual_here <<<"${CMD[$1]}" | { bash 2>&1 || true; } | sed '/^Warning/d')
	[ "$(manual_stable <<<"$got")" = \
	  "$(manual_here <<<"${OUT[$1]}" | manual_stable)" ]
	PIN=${got##* pinned at }
	PIN=${PIN%%;*}
	[ -e "$PIN" ]
}

# recovers INDEX: run the two commands from there on. Without a journal of our own
# "recover" would print what other runs on this machine have left behind, so move
# ours to where it is alone.
recovers() {
	[ -d "$PINS/alone" ] || mkdir -m 0700 "$PINS/alone"
	mv "${PIN%/*}" "$PINS/alone/"
	bash -ec "${CMD[$1]/ > / journal $PINS/alone > }"
	[ "$(bash -ec "${CMD[$1 + 1]}")" = "${OUT[$1 + 1]}" ]
	[ -z "$(ls "$PINS/alone")" ]
}

@test "getting the data back: the message names the place, and recover prints it" {
	manual_transcript 'getting the data back after a failure' 3
	packets 10.0.0.1 5
	drain_fails 0
	recovers 1
}

@test "getting a drained slot back: with the shared journal, and with one's own" {
	rm -rf "$PINS/journal"
	manual_transcript 'getting a drained slot back' 5
	packets 10.0.0.1 5
	drain_fails 0
	recovers 1
	packets 10.0.0.1 6
	drain_fails 3
	[[ $PIN == "$PINS/journal/"* ]]
	manual_here <<<"${CMD[4]}" | bash -e
	[ "$(jq -c '[.[].elements[].formatted | [.key, .value]]' left.json)" = \
		'[[16777226,6]]' ]
	[ -z "$(ls "$PINS/journal")" ]
}

@test "selector pattern: read what had its turn, then empty it" {
	packets 10.0.0.1 3
	packets 10.0.0.2 1
	manual_replay 'selector pattern' 8

	[ "$(counts counts.json)" = '[[16777226,3],[33554442,1]]' ]
	[ "$("$BPFTOOL" -j map dump pinned "$PINS/counts_0")" = '[]' ]
	[ "$(jq '[.[].formatted.values[].value] | add' totals.json)" -eq 4 ]
	"$BPFTOOL" -j map dump pinned "$PINS/totals" |
		jq -e '[.[].formatted.values[].value] | add == 0'

	# From now on the other one counts
	packets 10.0.0.1 2
	"$BPFTOOL" -j map dump pinned "$PINS/counts_1" >counts_1.json
	[ "$(counts counts_1.json)" = '[[16777226,2]]' ]
	[ "$("$BPFTOOL" -j map dump pinned "$PINS/counts_0")" = '[]' ]
}

@test "selector pattern: a map with nothing in it is not an error" {
	manual_transcript 'selector pattern' 8
	for i in 0 1 2 3 4; do
		manual_here <<<"${CMD[i]}" | bash -e
	done
	[ "$(cat counts.json)" = '[]' ]
}

@test "two maps that take turns: each packet is seen once, in order" {
	for turn in 1 2 3 4; do
		packets 10.0.0.1 "$turn"
		manual_replay 'two maps that take turns' 2
		[ "$(counts flows.json)" = "[[16777226,$turn]]" ]
		[ "$("$BPFTOOL" -j map dump pinned "$PINS/spare")" = '[]' ]
	done
}

@test "rotating a configuration: the new set holds, and the old one again" {
	manual_transcript 'rotating a configuration' 6
	[ "$(packets 10.0.0.2 1)" -eq 2 ]
	replay 0 1 2 3
	[ "$(packets 10.0.0.2 1)" -eq 1 ]
	[ "$(packets 10.0.0.1 1)" -eq 2 ]
	replay 4 5
	[ "$(packets 10.0.0.2 1)" -eq 2 ]
	[ ! -e "$PINS/new" ] && [ ! -e "$PINS/old" ]
}

@test "no example of the manual is left untested" {
	[ "$(manual_titles | wc -l)" -ge 11 ]
	while IFS= read -r title; do
		echo "$title"
		grep -qF "'$title'" "$BATS_TEST_FILENAME"
	done < <(manual_titles)
}
