# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# map drain under full load: what was counted is what was drained and what is left,
# exactly; and controls that lose something

load ../lib/common

: "${LOAD_SECONDS:=10}"

setup() {
	setup_bpffs
	journal=$PINS/journal
}

teardown() {
	[[ -z ${load_pid-} ]] || kill "$load_pid" 2>/dev/null || true
	cleanup_bpffs
}

move_load() {
	"$BUILD/tests/move_load" --object "$BUILD/tests/move_load.bpf.o" "$@"
}

# start_load OPTION...: counts into $PINS/map for a while, then writes how much that was
start_load() {
	rm -rf "${PINS:?}"/*
	move_load --pin "$PINS/map" --seconds "$LOAD_SECONDS" "$@" \
		>"$BATS_TEST_TMPDIR/counted" &
	load_pid=$!
	while [[ ! -e $PINS/map ]]; do
		kill -0 "$load_pid"
		sleep 0.1
	done
}

loading() {
	kill -0 "$load_pid" 2>/dev/null
}

# drain WORD...: one line, a document
drain() {
	bpftool -j map drain pinned "$PINS/map" journal "$journal" "$@"
	echo
}

# drain_loop FILE WORD...: as long as there is load
drain_loop() {
	local file=$1

	shift
	: >"$file"
	while loading; do
		drain "$@" >>"$file" || {
			! loading || return 1
		}
	done
}

# expect_exact [--others] FILE...: together they hold all that was counted
expect_exact() {
	local counted drains

	counted=$(<"$BATS_TEST_TMPDIR/counted")
	drains=$(cat "${@/#--others//dev/null}" | grep -c value)
	echo "# counted $counted, in $drains drains" >&3
	((counted > 0 && drains > 1))
	[[ $(python3 "$BATS_TEST_DIRNAME/../lib/drain.py" "$@") == \
		"$counted $counted $counted $counted" ]]
}

# conserve TYPE [OPTION...]: two drains at once, in loops, and one at the end
conserve() {
	local others='' type=$1

	# Only where the program writes the rest of a value too
	[[ $type != hash ]] || others=--others
	start_load --type "$@"
	drain_loop "$BATS_TEST_TMPDIR/one" &
	drain_loop "$BATS_TEST_TMPDIR/two"
	wait $!
	wait "$load_pid"
	drain >"$BATS_TEST_TMPDIR/end"
	expect_exact $others "$BATS_TEST_TMPDIR"/{one,two,end}
	[[ ! -e $journal ]] || [[ -z $(ls "$journal") ]]
}

@test "each type, with names, times and flags beside counters of both sizes" {
	local options

	while read -ra options; do
		echo "${options[*]}"
		conserve "${options[@]}"
	done <<-END
		hash
		array
		percpu_hash --plain
		percpu_array --plain
		queue
		stack
	END
}

# measure: how many ms a drain takes under the load, in $took
measure() {
	local start=${EPOCHREALTIME/./}

	drain "$@"
	took=$(((${EPOCHREALTIME/./} - start) / 1000))
}

# moment: a random one of a drain, in seconds
moment() {
	local ms=$((RANDOM % (took * 5 / 4 + 1)))

	printf '%d.%03d\n' $((ms / 1000)) $((ms % 1000))
}

# reading READER: the id of the map that holds its last reading
reading() {
	[[ ! -e $PINS/$1 ]] || bpftool -j map show pinned "$PINS/$1" | jq .id
}

# since_loop FILE READER: some of its runs are killed; only what ended well counts
since_loop() {
	local out=$BATS_TEST_TMPDIR/out.$2 before

	: >"$1"
	while loading; do
		if ((RANDOM % 3)); then
			drain since "$PINS/$2" >"$out"
			cat "$out" >>"$1"
			continue
		fi
		before=$(reading "$2")
		timeout -s KILL "$(moment)" "$BPFTOOL" -j map drain \
			pinned "$PINS/map" since "$PINS/$2" journal "$journal" >"$out" || true
		# It was killed after its output was out, or before that
		if [[ $(reading "$2") != "$before" ]]; then
			{ cat "$out"; echo; } >>"$1"
		fi
	done
}

# conserve_since TYPE: each reader gets all of it
conserve_since() {
	start_load --since --plain --type "$1"
	measure since "$PINS/third" >/dev/null
	since_loop "$BATS_TEST_TMPDIR/one" one &
	since_loop "$BATS_TEST_TMPDIR/two" two
	wait $!
	wait "$load_pid"
	drain since "$PINS/one" >>"$BATS_TEST_TMPDIR/one"
	drain since "$PINS/two" >>"$BATS_TEST_TMPDIR/two"
	expect_exact "$BATS_TEST_TMPDIR/one"
	expect_exact "$BATS_TEST_TMPDIR/two"
}

@test "since: plain adds, two readers, killed now and then" {
	local type

	for type in hash array percpu_hash percpu_array; do
		echo "$type"
		conserve_since "$type"
	done
}

@test "killed at any moment: nothing is lost, with recover" {
	local out=$BATS_TEST_TMPDIR/out all=$BATS_TEST_TMPDIR/all kills=0 left=0

	start_load --type hash
	measure >"$all" || { cat "$all" >&2; return 1; }
	while loading; do
		if timeout -s KILL "$(moment)" "$BPFTOOL" -j \
			map drain pinned "$PINS/map" journal "$journal" >"$out"; then
			{ cat "$out"; echo; } >>"$all"
			continue
		fi
		kills=$((kills + 1))
		[[ -e $journal ]] || continue
		bpftool -j map swap-drain recover journal "$journal" >"$out.recovered"
		# What is not pinned any more was printed, all of it, or not moved
		if [[ $(<"$out.recovered") != "[]" ]]; then
			{ cat "$out.recovered"; echo; } >>"$all"
			left=$((left + 1))
		elif [[ -s $out ]]; then
			{ cat "$out"; echo; } >>"$all"
		fi
	done
	wait "$load_pid"
	drain >>"$all"
	echo "# a drain takes $took ms; $kills kills, $left left a pin" >&3
	expect_exact --others "$all"
}

# loses OPTION...: something is lost within five tries
loses() {
	local status

	for _ in {1..5}; do
		status=0
		move_load "$@" || status=$?
		((status == 0)) || break
	done
	((status == 1))
}

@test "control: a plain add on a shared hash, with force" {
	loses --type hash --plain --seconds 3
}

@test "control: values of a CPU moved from an interrupt" {
	loses --type percpu_hash --plain --interrupt --seconds 3
}

@test "control: read, then delete" {
	loses --type hash --delete --seconds 2
}
