# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# map drain under full load: what was counted is what was drained and what is left,
# exactly; and controls that lose something

load ../lib/common

: "${LOAD_SECONDS:=10}"

teardown() {
	[[ -z ${load_pid-} ]] || kill "$load_pid" 2>/dev/null || true
	cleanup_bpffs
}

MOVE_LOAD=("$BUILD/tests/move_load" --object "$BUILD/tests/move_load.bpf.o")

# start_load OPTION...: counts into $PINS/map until end_load, or for far too long
start_load() {
	rm -rf "${PINS:?}"/*
	"${MOVE_LOAD[@]}" --pin "$PINS/map" --seconds 600 "$@" >"$T/counted" &
	load_pid=$!
	while [[ ! -e $PINS/map ]]; do
		kill -0 "$load_pid"
		sleep 0.1
	done
	load_start=$SECONDS
}

# How much it was is in "counted" then
end_load() {
	kill "$load_pid"
	wait "$load_pid"
}

# go_on TURNS: for LOAD_SECONDS, and for so many turns at least; drains take long where
# CPUs are slow
go_on() {
	((SECONDS - load_start < LOAD_SECONDS || $1 < 4))
}

# drain WORD...: one line, a document
drain() {
	bpftool -j map drain pinned "$PINS/map" journal "$journal" "$@" &&
		echo
}

# drain_loop FILE WORD...
drain_loop() {
	local turns=0

	: >"$1"
	while go_on $((turns++)); do
		drain "${@:2}" >>"$1" || {
			echo "# $(tail -n 1 "$1")" >&3
			return 1
		}
	done
}

# expect_exact [--others] FILE...: together they hold all that was counted
expect_exact() {
	local counted drains

	counted=$(<"$T/counted")
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
	drain_loop "$T/one" &
	drain_loop "$T/two"
	wait $!
	end_load
	drain >"$T/end"
	expect_exact $others "$T"/{one,two,end}
	[[ ! -e $journal ]] || [[ -z $(ls "$journal") ]]
}

# A line of the matrix may leave some types to others (EXPECT_SHORT=y)
is_short() {
	[[ ${EXPECT_SHORT-} ]]
}

# On PREEMPT_RT a thread can run in the middle of the plain add of a tc program
is_rt() {
	[[ $(uname -v) == *PREEMPT_RT* ]]
}

# conserve_plain TYPE: without atomics, where that can be
conserve_plain() {
	if is_rt; then
		start_load --type "$1" --plain
		run drain
		[[ $status == 255 && $output == *"a plain add, not atomic, and with this kernel's preemption (RT) a thread can run in the middle of it"* ]]
		end_load
		rm "$PINS/map"
		conserve "$1"
	else
		conserve "$1" --plain
	fi
}

@test "each type, with names, times and flags beside counters of both sizes" {
	while read -ra options; do
		echo "${options[*]}"
		"${options[@]}"
	done <<-END
		conserve hash
		conserve array
		conserve_plain percpu_hash
		conserve_plain percpu_array
		$(is_short || printf 'conserve %s\n' queue stack)
	END
}

# A line of the matrix names a CPU that may: EXPECT_COMES_AND_GOES
@test "percpu_hash and percpu_array, while a CPU goes offline and comes back" {
	cpu=${EXPECT_COMES_AND_GOES-}
	[[ $cpu ]] || skip "no CPU of this machine may be taken offline"
	online=/sys/devices/system/cpu/cpu$cpu/online
	for type in percpu_hash percpu_array; do
		rm -f "$PINS/map"
		echo 1 >"$online"
		start_load --pause --type $type --plain
		gone=0
		while kill -0 "$load_pid" 2>/dev/null; do
			echo 0 >"$online"
			sleep 1
			echo 1 >"$online"
			sleep 1
			echo $((++gone)) >"$T/gone"
		done &
		drain_loop "$T/all" 2>"$T/warnings"
		end_load
		wait $!
		# With what it has counted until it went
		echo 0 >"$online"
		drain >>"$T/all"
		echo "# it went $(<"$T/gone") times, $(grep -c 'came online' \
			"$T/warnings") drains saw it come" >&3
		(($(<"$T/gone") > 1))
		expect_exact "$T/all"
	done
}

@test "queue and stack: in the order in which programs would pop" {
	for type in "queue 1,2,3" "stack 3,2,1"; do
		rm -f "$PINS/map"
		map_make "${type% *}" "$PINS/map"
		for i in 1 2 3; do
			bpftool map enqueue pinned "$PINS/map" value $i 0 0 0 0 0 0 0
		done
		drain >"$T/out" || { cat "$T/out"; return 1; }
		jq -e --arg want "${type#* }" 'map(.value[0][3:]) | join(",") == $want' "$T/out"
	done
}

# count_on CPU: 1 is added there
count_on() {
	taskset -c "$1" "$BPFTOOL" prog run pinned "$PINS/progs/softirq_add" \
		data_in "$T/packet" >/dev/null
}

# What was counted on one CPU only, of an entry with other bytes; and what is counted
# while the CPUs are gone through the second time
@test "per CPU: counts of any CPU, and what is beside them on all" {
	map=$PINS/maps/softirq
	! is_rt || skip "its plain add is refused on PREEMPT_RT"
	mkdir "$PINS/progs" "$PINS/maps"
	bpftool prog loadall "$BUILD/tests/drain_refuse.bpf.o" "$PINS/progs" \
		pinmaps "$PINS/maps" >/dev/null
	bpftool map update pinned "$map" key 1 0 0 0 value {0,0,0,0}{,} {7,7,7,7}{,,,,,}
	head -c 64 /dev/zero >"$T/packet"
	mapfile -t cpus < <(taskset -cp $$ | sed -e 's/.*: //' -e 's/[,-]/\n/g')
	# shellcheck disable=SC2016 # jq's own variables
	want='length == 1 and (.[0].formatted.values | all(.[]; .value.flags == 117901063 and
		.value.n == if .cpu == $cpu then $n else 0 end))'
	for cpu in "${cpus[@]}"; do
		count_on "$cpu"
		bpftool -j map drain pinned "$map" journal "$journal" >"$T/out"
		jq -e --argjson cpu "$cpu" --argjson n 1 "$want" "$T/out"
	done

	needs_at_call
	export -f count_on
	count_on "$cpu"
	# shellcheck disable=SC2016 # a shell of its own expands it
	CPU=$cpu at_call -n $(($(getconf _NPROCESSORS_CONF) + cpu + 1)) run='count_on "$CPU"' \
		'bpf\(BPF_PROG_TEST_RUN' "$BPFTOOL" -j map drain pinned "$map" \
		journal "$journal" >"$T/out"
	jq -e --argjson cpu "$cpu" --argjson n 2 "$want" "$T/out"
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
	local out=$T/out.$2 before turns=0

	: >"$1"
	while go_on $turns; do
		if ((RANDOM % 3)); then
			drain since "$PINS/$2" >"$out" || return
			cat "$out" >>"$1"
			turns=$((turns + 1))
			continue
		fi
		before=$(reading "$2")
		timeout -s KILL "$(moment)" "$BPFTOOL" -j map drain \
			pinned "$PINS/map" since "$PINS/$2" journal "$journal" >"$out" || true
		# It was killed after its output was out, or before that
		[[ $(reading "$2") == "$before" ]] || { cat "$out"; echo; } >>"$1"
	done
}

@test "since: plain adds, two readers, killed now and then" {
	for type in hash percpu_array $(is_short || echo array percpu_hash); do
		echo "$type"
		start_load --since --plain --type "$type"
		measure since "$PINS/third" >/dev/null
		since_loop "$T/one" one &
		since_loop "$T/two" two
		wait $!
		end_load
		# Each gets all of it
		for reader in one two; do
			drain since "$PINS/$reader" >>"$T/$reader"
			expect_exact "$T/$reader"
		done
	done
}

# set_words WORD...: words of 4 bytes, which the only entry holds then
set_words() {
	# shellcheck disable=SC2046 # a word for each byte
	bpftool map update pinned "$PINS/map" key 0 0 0 0 value hex \
		$(printf '%08x\n' "$@" | sed -E 's/(..)(..)(..)(..)/\4 \3 \2 \1/')
}

# prints WANT WORD...: the words of 4 bytes, in hex, of the only entry
prints() {
	local got

	got=$(drain "${@:2}" | jq -r '[.[].value | map(.[2:]) | _nwise(4) | reverse |
		add | sub("^0+(?=.)"; "")] | join(" ")')
	echo "$got, wanted $1"
	[[ $got == "$1" ]]
}

@test "a counter of 4 bytes alone, and one that grows beyond 32 bits" {
	map_make --value 8 --entries 1 array "$PINS/map"
	set_words 0 5
	drain counters 4-7 since "$PINS/four" quiet | jq -e '.moved == 1'
	set_words 0 6
	drain counters 4-7 since "$PINS/four" quiet | jq -e '.moved == 1'
	drain counters 4-7 quiet | jq -e '.moved == 1'
	set_words 0xffffffff 0
	prints "ffffffff 0" counters 0-7 since "$PINS/last"
	set_words 1 1
	prints "2 0" counters 0-7 since "$PINS/last"
}

@test "since: two counters of 4 bytes in a word, one of 8 across two" {
	two=(counters "0-3,4-7" since "$PINS/two")
	across=(counters 4-11 since "$PINS/across")
	map_make --value 12 --entries 1 array "$PINS/map"
	set_words 10 5 0
	prints "a 5 0" "${two[@]}"
	# One is set anew
	set_words 3 6 0
	prints "3 1 0" "${two[@]}" 2>"$T/err"
	grep "1 counters .* smaller" "$T/err"

	set_words 7 0xfffffff0 0
	prints "7 fffffff0 0" "${across[@]}"
	set_words 7 0x10 1
	prints "7 20 0" "${across[@]}" 2>"$T/err"
	[[ ! -s $T/err ]]
}

# drain_pairs BYTES FLAGS WANT WORD...: members of a map whose program adds to both
drain_pairs() {
	local got

	bpftool map update pinned "$PINS/maps/pairs" key 1 0 0 0 \
		value {0,0,0,0}{,} "$1" 0 0 0 "$2" 0 0 0 {0,0,0,0}{,,,}
	got=$(bpftool -j map drain pinned "$PINS/maps/pairs" since "$PINS/last" \
		journal "$journal" "${@:4}" |
		jq -r '.[0].formatted.value | "\(.bytes) \(.flags)"')
	echo "$got, wanted $3"
	[[ $got == "$3" ]]
}

@test "since: how wide counters are is asked of the programs, then of the type" {
	mkdir "$PINS/progs" "$PINS/maps"
	bpftool prog loadall "$BUILD/tests/drain_refuse.bpf.o" "$PINS/progs" \
		pinmaps "$PINS/maps" >/dev/null
	for words in "" "counters bytes,flags" "force"; do
		rm -f "$PINS/last"
		# shellcheck disable=SC2086 # some words or none
		{
			drain_pairs 9 5 "9 5" $words
			drain_pairs 2 6 "2 1" $words
		}
		# From the second on none has the map
		rm -rf "$PINS/progs"
		wait_until no_progs
	done
}

no_progs() {
	! bpftool prog show name pair >/dev/null 2>&1
}

@test "since: a counter that is none in one of the runs" {
	both=(counters "0-3,4-7" since "$PINS/last")
	map_make --value 8 --entries 1 array "$PINS/map"
	set_words 10 7
	prints "a 7" "${both[@]}"
	set_words 11 7
	prints "1 7" counters 0-3 since "$PINS/last"
	set_words 11 8
	prints "0 1" "${both[@]}"
}

@test "since: a FILE whose path is long" {
	map_make --value 8 --fill 1 hash "$PINS/map"
	for length in 32 64 80 128 200 250; do
		drain since "$PINS/$(printf "%0${length}d" 0 | tr 0 a)" |
			jq -e '.[0].key'
	done
}

# The program as it is loaded while it runs
@test "counters of either size are exchanged, atomically" {
	needs_at_call
	map_make --value 8 --entries 1 array "$PINS/map"
	for xchg in "0-3 atomic_xchg" "0-7 atomic64_xchg"; do
		# shellcheck disable=SC2016 # a shell of its own expands it
		at_call run='"$BPFTOOL" prog dump xlated name move_each' \
			'bpf\(BPF_PROG_TEST_RUN' "$BPFTOOL" map drain \
			pinned "$PINS/map" counters "${xchg% *}" \
			journal "$journal" 2>"$T/insns"
		grep -F "${xchg#* }" "$T/insns"
	done
}

# 200 times where LOAD_SECONDS is 10
@test "killed at any moment: nothing is lost, with recover" {
	out=$T/out all=$T/all kills=0 left=0 wanted=$((20 * LOAD_SECONDS))
	[[ ! ${IN_GUEST-} ]] || wanted=10
	start_load --type hash
	measure >"$all" || { cat "$all" >&2; return 1; }
	while ((kills < wanted)); do
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
	end_load
	drain >>"$all"
	echo "# a drain takes $took ms; $kills kills, $left left a pin" >&3
	expect_exact --others "$all"
}

needs_cpus() {
	(($(nproc) > 1)) || skip "one CPU: nothing comes between the halves of an add"
}

# loses OPTION...: something is lost within five tries
loses() {
	local status

	for _ in {1..5}; do
		status=0
		"${MOVE_LOAD[@]}" "$@" || status=$?
		((status == 0)) || break
	done
	((status == 1))
}

@test "control: a plain add on a shared hash, with force" {
	needs_cpus
	loses --type hash --plain --seconds 3
}

@test "control: values of a CPU moved from an interrupt" {
	needs_cpus
	[[ ! ${IN_GUEST-} ]] ||
		skip "an emulated CPU takes interrupts only between blocks of code"
	loses --type percpu_hash --plain --interrupt --seconds 3
}

@test "control: read, then delete" {
	loses --type hash --delete --seconds 2
}
