# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the tests of faults share: where the content of a map is after a run, by
# tests/progs/faults_maps.c, in the usual journal of a world of their own

. "${BASH_SOURCE[0]%/*}/slot.bash"
. "${BASH_SOURCE[0]%/*}/load.bash"

# Nobody else's pins are there, as the tests remove it
setup_faults() {
	# Much has to fail here
	set +o pipefail
	JOURNAL=/sys/fs/bpf/swap_drain
	[[ ! -e $JOURNAL || -z $(ls "$JOURNAL") ]]
	ONE_SLOT=(map swap-drain pinned "$PINS/outer" key 0 0 0 0)
	: >"$T/out"
	: >"$T/err"
}

setup() {
	setup_slot
	setup_faults
}

teardown() {
	load_stop
	# With it goes the run that it has stopped
	[[ ! ${TRACER-} ]] || kill -KILL "$TRACER" 2>/dev/null || true
	umount "$T"/{tmpfs,bpffs} 2>/dev/null || true
	rm -rf "$JOURNAL"
	cleanup_slot
}

maps() {
	"$BUILD/tests/faults_maps" "$@"
}

# complain WORDS...: a run did not end as it must; shows what it left
complain() {
	echo "not so: $*" >&2
	head -c 600 "$T/out" | sed 's/^/stdout: /' >&2
	head -c 600 "$T/err" | sed 's/^/stderr: /' >&2
	find "$JOURNAL" 2>/dev/null | sed 's/^/journal: /' >&2
	exit 1
}

# fill OUTER_TYPE INNER_TYPE COUNT: new maps; $OLD is the id of the one in slot 0, and
# $PINS/spare can take its place
fill() {
	COUNT=$3
	rm -f "$PINS"/{outer,spare}
	OLD=$(map_make --name "$INNER_NAME" --outer-name "$OUTER_NAME" --fill "$3" \
		--entries "$3" --sums "$2" - "$1" "$PINS/outer")
	other_map --entries "$3" "$2" "$PINS/spare"
}

wipe() {
	rm -rf "$PINS" "$JOURNAL"
	mkdir "$PINS"
}

outer_id() {
	map_id "$PINS/outer"
}

# Where is the content? Sets STATE and, if it is pinned, PIN.
look() {
	read -r STATE PIN <<<"$(maps state "$PINS" "$JOURNAL" "$OLD" "$COUNT" \
		"$T/out")"
}

# expect STATE: after a run whose output is in $T/out
expect() {
	look
	[[ $STATE == "$1" ]] || complain "$1, but $STATE"
}

expect_in_slot() {
	look
	[[ $STATE == untouched* ]] || complain "untouched, but $STATE"
}

# The error after a swap says so, and where the old map is
expect_named() {
	expect pinned
	[[ -n $PIN ]] || complain "no pin"
	grep -q "swapped" "$T/err" || complain "says that it is swapped"
	grep -qF "$PIN" "$T/err" || complain "names $PIN"
}

# recover brings back exactly what is pinned, and leaves no pin. Of a queue that
# is what was not popped yet: $FIRST holds the rest.
expect_recovered() {
	"$BPFTOOL" -j map swap-drain recover "$@" >"$T/rec" 2>"$T/rec.err" ||
		complain "recover: $(cat "$T/rec" "$T/rec.err")"
	maps recovered "$JOURNAL" "$OLD" "$COUNT" "$T/rec" \
		${FIRST+"$FIRST"} ||
		complain "recovered: $(head -c 300 "$T/rec")"
}

# Nothing to bring back
expect_nothing_left() {
	local got

	got=$("$BPFTOOL" -j map swap-drain recover) || complain "recover: $got"
	[[ $got == "[]" ]] || complain "recovered $got"
}

# result NAME VALUE: a line of the table that make check closes with; where the
# build folder can't be written to (a guest) there is no table
result() {
	local file dir=${RESULTS:-$BUILD/results}

	file=$dir/$(basename "$BATS_TEST_FILENAME" .bats)
	if mkdir -p "$dir" 2>/dev/null && [[ -w $dir ]]; then
		[[ ! -e $file ]] || sed -i "/^$1 [0-9]*\$/d" "$file"
		echo "$1 $2" >>"$file"
	fi
	diag "$1: $2"
}

# fails COMMAND...: with bpftool's exit status, its output in $T/out and $T/err
fails() {
	local status=0

	"$@" >"$T/out" 2>"$T/err" || status=$?
	((status == 255)) || complain "exit 255, but $status: $*"
}

# fails_untouched WORDS COMMAND...: with these words
fails_untouched() {
	fails "${@:2}"
	cat "$T/out" "$T/err" >"$T/said"
	grep -q "$1" "$T/said" || complain "says $1: $(cat "$T/said")"
	! grep -q swapped "$T/said" || complain "it was swapped, it says"
	: >"$T/out"
	expect untouched
}

# unprinted COMMAND...: fails, as its output goes to a full disk; says so in $T/err
unprinted() {
	! "$@" >/dev/full 2>"$T/err" || complain "/dev/full is full"
	: >"$T/out"
}

# leave_behind OUTER_TYPE INNER_TYPE COUNT [ARGS]: by a run that could not print
leave_behind() {
	fill "$1" "$2" "$3"
	unprinted drain "${@:4}"
	expect_named
}

# Is it asleep in nanosleep(), or clock_nanosleep()? So it waits for a lock.
waits() {
	[[ $(cut -d" " -f1 "/proc/$1/syscall" 2>/dev/null) == @(35|230) ]] ||
		[[ $(cat "/proc/$1/wchan" 2>/dev/null) == *nanosleep* ]]
}

# stop_at CALL: starts a run that stops, by SIGSTOP, after its first such system
# call, a regular expression. Sets TRACER and STOPPED, the process.
stop_at() {
	rm -f "$T/trace"
	"$BUILD/tests/at_call" -o "$T/trace" signal=STOP "$1" "$BPFTOOL" "${ONE_SLOT[@]}" \
		>"$T/out" 2>"$T/err" 3>&- &
	TRACER=$!
	wait_until stopped_or_ended
	STOPPED=$(sed -n 's/^stopped //p' "$T/trace")
	[[ $STOPPED ]] || complain "stopped at $1"
}

stopped_or_ended() {
	grep -qs '^stopped' "$T/trace" || ! kill -0 "$TRACER" 2>/dev/null
}

go_on() {
	STATUS=0
	kill -CONT "$STOPPED"
	wait "$TRACER" || STATUS=$?
	TRACER=
}

# The one line on stderr that tells where the old map is
said_pinned() {
	sed -n 's/^Error: interrupted; old map is pinned at \([^;]*\);.*/\1/p' "$T/err"
}

# Several files have what follows: a machine's and the guests'

# told_in_the_midst SIGNAL...: both forms of output; it is said on stderr
told_in_the_midst() {
	local signal number json

	for signal; do
		number=$((128 + $(kill -l "$signal")))
		ENV_OPTIONS=("--default-signal=$signal")
		for json in "" -j; do
			in_mode ${json:+"$json"}
			fill array_of_maps hash 3000
			slow_drain
			kill -s "$signal" "$pid"
			# While the pipe is still full
			wait "$pid" || :
			slow_drain_end
			((status == number)) ||
				complain "dies of $signal, but exit $status"
			expect pinned
			[[ $(said_pinned) == "$PIN" ]] || complain "names $PIN"
			[[ $(wc -l <"$T/err") == 1 ]] || complain "one line"
			expect_recovered
		done
	done
}

# planted WORDS COMMAND...: which makes the journal's folder, the usual one and one
# that is named: swap-drain and recover, plain and -j, refuse it with these words
planted() {
	local at words

	fill array_of_maps hash 5
	for at in "$JOURNAL" "$PINS/journal"; do
		words=(journal "$at")
		[[ $at != "$JOURNAL" ]] || words=()
		"${@:2}" "$at"
		refused_journal "$1" "${words[@]}"
		rm -r "$at"
	done
}

refused_journal() {
	fails_untouched "$1" drain "${@:2}"
	fails_untouched "$1" "$BPFTOOL" -j "${ONE_SLOT[@]}" "${@:2}"
	fails_untouched "$1" "$BPFTOOL" map swap-drain recover "${@:2}"
}

journal_of_nobody() {
	chmod 1777 /sys/fs/bpf "$PINS"
	planted "belongs to user 65534" \
		setpriv --reuid=65534 --regid=65534 --clear-groups mkdir
}

# in_private COMMAND...: in a mount namespace with a bpffs of its own, inside of
# ours, whose process 1 sees another
in_private() {
	unshare --mount bash -c '
		umount -l /sys/fs/bpf
		mount -t bpf bpf /sys/fs/bpf
		"$@"
	' private "$@"
}

journal_private() {
	local one_slot

	fill array_of_maps hash 5
	one_slot=(map swap-drain id "$(outer_id)" key 0 0 0 0)
	fails_untouched "journal DIR" in_private "$BPFTOOL" "${one_slot[@]}"
	fails_untouched "journal DIR" in_private "$BPFTOOL" map swap-drain recover

	# Whoever names it may have it
	in_private "$BPFTOOL" "${one_slot[@]}" \
		journal /sys/fs/bpf/swap_drain >"$T/out" 2>"$T/err" ||
		complain "the user's choice"
	expect released
}

recover_types() {
	local type

	for type in hash lru_hash array queue stack; do
		leave_behind array_of_maps "$type" 5
		unset FIRST
		if [[ $type == queue ]]; then
			FIRST=$T/nothing
			: >"$FIRST"
		fi
		if [[ $type != stack ]]; then
			expect_recovered
		else
			"$BPFTOOL" -j map swap-drain recover >"$T/rec"
			jq -c '[.[0].elements[].value[0]]' "$T/rec" | finds -xF \
				'["0x0d","0x0a","0x07","0x04","0x01"]' ||
				complain "a stack: $(cat "$T/rec")"
		fi
		expect_nothing_left
	done
}

recover_live() {
	local got

	fill array_of_maps hash 3000
	slow_drain
	got=$(find "$JOURNAL" -name '*_*')
	[[ $got == *_"$OLD" ]] || complain "it has a pin"

	for state in blocked stopped; do
		[[ $state != stopped ]] || kill -STOP "$pid"
		expect_nothing_left
		[[ $(find "$JOURNAL" -name '*_*') == "$got" ]] ||
			complain "$state: its pin is untouched"
		drain >"$T/other" 2>"$T/other.err" || complain "$state: others work"
		[[ ! -s $T/other.err ]] || complain "$state: nothing is reported"
		grep -q "Found 0 elements" "$T/other" || complain "nothing new"
	done

	kill -CONT "$pid"
	slow_drain_end
	((status == 0)) || complain "it ends well, but exit $status"
	mv "$T/printed" "$T/out"
	expect released
}

# A run that is stopped between reading the slot and swapping it holds the lock,
# in whatever namespace, and on whatever bpffs
lock_reaches_namespaces() {
	fill array_of_maps hash 5
	stop_at "bpf\\(BPF_MAP_CREATE.*$INNER_NAME"
	unshare --mount --net --pid --fork --mount-proc bash -c '
		umount -l /sys/fs/bpf
		mount -t bpf bpf /sys/fs/bpf
		exec "$1" map swap-drain id "$2" key 0 0 0 0 \
			journal /sys/fs/bpf/journal
	' bash "$BPFTOOL" "$(outer_id)" >"$T/out2" 2>"$T/err2" &&
		complain "refused in other namespaces"
	grep -q "is locked" "$T/err2" || complain "$(cat "$T/err2")"
	: >"$T/out"
	expect_in_slot
	go_on
	expect released
}

# at_once COUNT: one map with unique entries, so many runs: one prints them all
at_once() {
	local i pids=()

	fill array_of_maps hash 50
	for ((i = 0; i < $1; i++)); do
		unshare --mount "$BPFTOOL" -j "${ONE_SLOT[@]}" \
			>"$T/out.$i" 2>"$T/err.$i" 3>&- &
		pids+=($!)
	done
	for ((i = 0; i < $1; i++)); do
		wait "${pids[i]}" || complain "$i: $(cat "$T/err.$i")"
		[[ ! -s $T/err.$i ]] || complain "$i: $(cat "$T/err.$i")"
	done
	jq -s '[.[][]] | length == 50 and (unique | length == 50)' \
		"$T"/out.* | finds -x true || complain "each entry once"
	jq -s '[.[] | select(length > 0)] | length' "$T"/out.* | finds -x 1 ||
		complain "all by one of them"
	expect_nothing_left
}
