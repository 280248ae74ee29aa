# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The cases of lock.bats and concurrent.bats. See faults.bash.

outer_id() {
	map_make --info "$PINS/outer" | sed -n 's/^id //p'
}

# hold OUTER_ID [TYPE]: sets HOLDER, a process, and LOCK, its map; another process has
# the lock of that map, or a map that only has its name
hold() {
	: >"$T/held"
	"$BUILD/tests/lock_hold" "swap_$1" ${2+"$2"} >"$T/held" 2>&1 &
	HOLDER=$!
	wait_for grep -q . "$T/held"
	LOCK=$(sed -n 's/^held //p' "$T/held")
	[[ $LOCK ]] || complain "$(<"$T/held")"
}

let_go() {
	kill -KILL "$HOLDER"
	wait "$HOLDER" 2>/dev/null || :
}

locked() {
	local start=$SECONDS

	fill array_of_maps hash 5
	hold "$(outer_id)"
	refused "is locked" drain
	((SECONDS - start >= 9)) || complain "waits about 10 s first"
	[[ ! -e $JOURNAL || -z $(ls "$JOURNAL") ]] || complain "pins nothing"
	grep -q "map $LOCK\>" "$T/err" || complain "names map $LOCK"
	drain_json >"$T/out" && complain "refused with -j too"
	jq -e .error "$T/out" >/dev/null || complain "an error object"

	let_go
	drain >"$T/out" 2>"$T/err" || complain "a killed holder frees it"
	expect released
}

# Whoever waits gets it when the holder dies
lock_is_waited_for() {
	local pid

	fill array_of_maps hash 5
	hold "$(outer_id)"
	"$BPFTOOL" map swap-drain pinned "$PINS/outer" key 0 0 0 0 \
		>"$T/out" 2>"$T/err" &
	pid=$!
	wait_for waits "$pid"
	let_go
	wait "$pid" || complain "it goes on"
	expect released
}

# The lock of one outer map does not lock another one
lock_of_another() {
	fill array_of_maps hash 5
	hold "$(outer_id)0"
	drain >"$T/out" 2>"$T/err" || complain "another map's lock is no matter"
	expect released
	kill -0 "$HOLDER" || complain "it is still held"
	let_go
}

# A type of map that anybody can make, where anybody can make maps
lock_no_queue() {
	fill array_of_maps hash 5
	hold "$(outer_id)" array
	drain >"$T/out" 2>"$T/err" || complain "an array is no lock"
	expect released
	let_go
}

# A run that is stopped between reading the slot and swapping it holds the lock,
# in whatever namespace, and on whatever bpffs
lock_reaches_namespaces() {
	local id pid

	MADE=(array_of_maps hash 5)
	fill "${MADE[@]}"
	stop_at 'bpf\(BPF_MAP_CREATE.*faults_inner'
	id=$(outer_id)
	unshare --mount --net --pid --fork --mount-proc bash -c '
		umount -l /sys/fs/bpf
		mount -t bpf bpf /sys/fs/bpf
		exec "$1" map swap-drain id "$2" key 0 0 0 0 \
			journal /sys/fs/bpf/journal
	' bash "$BPFTOOL" "$id" >"$T/out2" 2>"$T/err2" &&
		complain "refused in other namespaces"
	grep -q "is locked" "$T/err2" || complain "$(cat "$T/err2")"
	: >"$T/out"
	expect_in_slot
	go_on
	expect released
}

expect_in_slot() {
	look
	[[ $STATE == untouched* ]] || complain "untouched, but $STATE"
}

# stop_at CALL [ARGS]: starts a run that stops, by SIGSTOP, after its first such
# system call, a regular expression. Sets TRACER and STOPPED, the process.
stop_at() {
	local call=$1

	shift
	wipe
	fill "${MADE[@]}"
	rm -f "$T/trace"
	at_call signal=STOP "$call" "$BPFTOOL" map swap-drain \
		pinned "$PINS/outer" key 0 0 0 0 "$@" >"$T/out" 2>"$T/err" &
	TRACER=$!
	wait_for grep -qs '^stopped' "$T/trace"
	STOPPED=$(sed -n 's/^stopped //p' "$T/trace")
}

go_on() {
	STATUS=0
	kill -CONT "$STOPPED"
	wait "$TRACER" || STATUS=$?
}

# at_once COUNT: one map with unique entries, so many runs: one prints them all
at_once() {
	local i pids=()

	fill array_of_maps hash 50
	for ((i = 0; i < $1; i++)); do
		unshare --mount "$BPFTOOL" -j map swap-drain pinned \
			"$PINS/outer" key 0 0 0 0 >"$T/out.$i" 2>"$T/err.$i" &
		pids+=($!)
	done
	for ((i = 0; i < $1; i++)); do
		wait "${pids[i]}" || complain "$i: $(cat "$T/err.$i")"
		[[ ! -s $T/err.$i ]] || complain "$i: $(cat "$T/err.$i")"
	done
	jq -s '[.[][]] | length == 50 and (unique | length == 50)' \
		"$T"/out.* | grep -qx true || complain "each entry once"
	jq -s '[.[] | select(length > 0)] | length' "$T"/out.* | grep -qx 1 ||
		complain "all by one of them"
	expect_nothing_left
}

# drains_loop NAME COUNT: one of those that compete
drains_loop() {
	local i

	for ((i = 0; i < $2; i++)); do
		unshare --mount "$BPFTOOL" -j map swap-drain pinned \
			"$PINS/outer" key 0 0 0 0 >"$T/out.$1.$i" \
			2>>"$T/err.$1" || return
	done
}

# at_once_under_load RUNS COUNT
at_once_under_load() {
	local i pids=()

	load_start 2
	for ((i = 0; i < $1; i++)); do
		drains_loop "$i" "$2" &
		pids+=($!)
	done
	for ((i = 0; i < $1; i++)); do
		wait "${pids[i]}" || complain "$i: $(cat "$T/err.$i")"
	done
	SUM=$(maps sum "$T"/out.*)
	load_stop
	expect_nothing_left
}
