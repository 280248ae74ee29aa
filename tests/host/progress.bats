# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The line that tells how far a long drain is: on a terminal only, and gone at
# the end. What makes a drain long is a write that takes a while.

load ../lib/slot

LINE='[0-9]+ entries, ([0-9]+\.[0-9] MB written, )?[0-9]+ entries/s'
# What erases it
GONE=$'\r\033[K'

setup() {
	setup_slot
	skip_unless "script can't make a terminal here" \
		script -qec true /dev/null
	make_slot array_of_maps --fill 50000 hash
	DRAIN="$BPFTOOL -j map swap-drain pinned $PINS/outer key 0 0 0 0 journal $PINS/journal"
	DRAIN_ALL=${DRAIN/key 0 0 0 0/all}
}

# Reads on only 1.5 s after the first byte came. From then to the full pipe no
# entry can be printed, so whatever follows is more than a second late.
slow_reader() {
	dd bs=1 count=1 status=none
	sleep 1.5
	cat
}
export -f slow_reader

# on_terminal STATUS COMMAND: a line for bash, with a terminal as its stdin, stdout and
# stderr. What came to the terminal is in $TERMINAL.
on_terminal() {
	local status=0

	TERMINAL=$BATS_TEST_TMPDIR/terminal
	export OUT=$BATS_TEST_TMPDIR/out
	SHELL=/bin/bash script -qec "set -o pipefail; $2" "$TERMINAL.raw" \
		</dev/null >/dev/null || status=$?
	# Without what script itself says before and after
	sed -e '1d' "$TERMINAL.raw" | sed -e '/^Script done on /d' \
		-e '$ { /^$/d }' >"$TERMINAL"
	[[ $status == "$1" ]]
}

# The line came, and all that is left of it in the end is an empty one, or what
# was printed in its place
shown_and_gone() {
	local text

	text=$(<"$TERMINAL")
	grep -Eaq "$LINE" "$TERMINAL" || {
		echo "no line:" && od -c "$TERMINAL" | head -n 20
		return 1
	} >&2
	[[ $text == *"$GONE"* ]] &&
		! grep -Eaq "$LINE" <<<"${text##*"$GONE"}"
}

never_shown() {
	! grep -Eaq 'entries' "$TERMINAL"
}

# A write of entries to it takes a while
SLOW_FILE='strace -qq -o /dev/null -e trace=write,bpf -e inject=write:delay_enter=1500000:when=2'

@test "a long drain shows it, and it is gone at the end" {
	on_terminal 0 "$SLOW_FILE $DRAIN >\$OUT"
	shown_and_gone
	[[ $(<"$TERMINAL") == *"$GONE" ]]
	jq -e 'length == 50000' "$OUT"
}

@test "plain and typed output, and a queue" {
	make_slot array_of_maps --fill 20000 --btf counters hash
	on_terminal 0 "$SLOW_FILE $BPFTOOL map swap-drain pinned $PINS/outer key 0 0 0 0 >\$OUT"
	shown_and_gone
	[[ $(grep -c '"drift": ' "$OUT") == 20000 ]]
	make_slot array_of_maps --fill 20000 queue
	on_terminal 0 "$SLOW_FILE $BPFTOOL map swap-drain pinned $PINS/outer key 0 0 0 0 >\$OUT"
	shown_and_gone
	grep '^Found 20000 elements$' "$OUT"
}

@test "all slots: it counts the entries of all maps" {
	make_outer array_of_maps 600 600 --fill 16 hash
	on_terminal 0 "$SLOW_FILE $DRAIN_ALL >\$OUT"
	shown_and_gone
	jq -e 'length == 600' "$OUT"
	grep -Eao '[0-9]+ entries,' "$TERMINAL" |
		awk '$1 > 1000 { many = 1 } END { exit !many }'
}

@test "recover shows it too, and map dump into a file" {
	run -255 bash -c "$DRAIN >/dev/full 2>&1"
	on_terminal 0 "$SLOW_FILE $BPFTOOL -j map swap-drain recover journal $PINS/journal >\$OUT"
	shown_and_gone
	jq -e '.[0].elements | length == 50000' "$OUT"
	on_terminal 0 "$SLOW_FILE $BPFTOOL -j map dump pinned $PINS/inner >\$OUT"
	shown_and_gone
	jq -e 'length == 50000' "$OUT"
}

# It may end in a pager
@test "a pipe leaves the terminal alone" {
	on_terminal 0 "$DRAIN | slow_reader >\$OUT"
	never_shown
	on_terminal 0 "$BPFTOOL -j map dump pinned $PINS/inner | slow_reader"
	never_shown
	tr -d '\r' <"$TERMINAL" | jq -e 'length == 50000'
}

# The batch that fails is read after the line was shown
@test "it is gone before an error" {
	strace -qq -e trace=bpf -o "$BATS_TEST_TMPDIR/trace" "$BPFTOOL" map dump \
		pinned "$PINS/inner" >/dev/null
	nr=$(grep -c . "$BATS_TEST_TMPDIR/trace")
	on_terminal 255 "$SLOW_FILE -e inject=bpf:error=ENOMEM:when=$nr $BPFTOOL map dump pinned $PINS/inner >\$OUT"
	shown_and_gone
	[[ $(<"$TERMINAL") == *"${GONE}Error: can't read map "*": Cannot allocate memory"* ]]
}

@test "it is gone before the error of swap-drain, which says where the map is" {
	on_terminal 255 "ulimit -f 400; $SLOW_FILE $BPFTOOL map swap-drain pinned $PINS/outer key 0 0 0 0 journal $PINS/journal >\$OUT"
	shown_and_gone
	[[ $(<"$TERMINAL") == *"${GONE}Error: can't write the drained map: File too large; slot was swapped, old map is pinned at $PINS/journal/"* ]]
	recover_all | jq -e '.[0].elements | length == 50000'
}

@test "not for a short one" {
	on_terminal 0 "$DRAIN >\$OUT"
	never_shown
	jq -e 'length == 50000' "$OUT"
}

# What is said of so many slots is more than a write
@test "not with quiet" {
	make_outer array_of_maps 1000 1000 --fill 16 hash
	on_terminal 0 "$SLOW_FILE $DRAIN_ALL quiet >\$OUT"
	never_shown
	(($(wc -c <"$OUT") > 100000))
	jq -e 'length == 1000' "$OUT"
}

@test "not where stderr is not a terminal" {
	on_terminal 0 "$SLOW_FILE $DRAIN 2>\$OUT.err >\$OUT"
	never_shown
	[[ ! -s $OUT.err ]]
	jq -e 'length == 50000' "$OUT"
}

# The terminal itself is what is slow here: script stops to read it
@test "not where stdout is the terminal" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	slow_reader <"$BATS_TEST_TMPDIR/fifo" >"$BATS_TEST_TMPDIR/out" &
	script -qefc "$DRAIN" /dev/null </dev/null \
		>"$BATS_TEST_TMPDIR/fifo"
	wait $!
	run ! grep -a 'entries' "$BATS_TEST_TMPDIR/out"
	tr -d '\r' <"$BATS_TEST_TMPDIR/out" | jq -e 'length == 50000'
}
