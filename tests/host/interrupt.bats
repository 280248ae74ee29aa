# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# SIGINT, SIGTERM, SIGHUP and what users, timers and limits send: the run says where the
# old map is, and dies of the signal

load ../lib/faults-calls

# with_signal SCENARIO CALL NTH ERROR EARLY: the place's signal instead of the error. A
# run that it has ended says where the old map is if that is anywhere but in its slot or
# on stdout, and only then.
with_signal() {
	local names=(INT TERM HUP) numbers=(130 143 129) said

	echo "${names[PLACE % 3]} at $2 $3"
	set_up "$1"
	run_at "$2" "$3" "signal=${names[PLACE % 3]}"
	look
	said=$(said_pinned)
	if ((STATUS == 0)); then
		# The call was not made that often
		[[ -z $said ]] || complain "says nothing"
		judge_recovery
		return
	fi
	((STATUS == numbers[PLACE % 3])) || complain "dies of it, but exit $STATUS"
	hits=$((hits + 1))
	case $STATE in
	untouched | released)
		[[ -z $said ]] || complain "$STATE, and it says $said" ;;
	untouched-pinned)
		# Between the pin and the word of it nothing was swapped yet
		[[ -z $said ]] || names_pin "$said" || complain "names $PIN" ;;
	pinned | both | clearing)
		[[ $(wc -l <<<"$said") == 1 ]] || complain "one line"
		names_pin "$said" || complain "names $PIN" ;;
	*)
		complain "ended by a signal, and $STATE" ;;
	esac
	[[ -z $said ]] || named=$((named + 1))
	judge_recovery
}

# signals SCENARIO CAP: each signal at each place in turn
signals() {
	local hits=0 named=0 STEP=${FAULTS_QUICK:-1}

	set_up "$1"
	each_place "$2" with_signal "$1"
	echo "$hits signals, $named of them named the pin"
	((hits > 0 && (STEP > 1 || (named > 0 && named < hits))))
}

@test "interrupt: in the midst of printing, the pin is named" {
	told_in_the_midst INT TERM HUP USR1 USR2 ALRM VTALRM XCPU
}

# As under nohup
@test "interrupt: a signal that is ignored stays ignored" {
	for signal in INT TERM HUP; do
		ENV_OPTIONS=("--ignore-signal=$signal")
		fill array_of_maps hash 3000
		slow_drain
		kill -s "$signal" "$pid"
		slow_drain_end
		((status == 0)) || complain "continues, but exit $status"
		[[ ! -s $T/err ]] || complain "says nothing"
		mv "$T/printed" "$T/out"
		expect released
	done
}

# Nothing is pinned while it waits for another's lock
@test "interrupt: before anything is pinned nothing is said" {
	fill array_of_maps hash 5
	hold "$(outer_id)"
	env --default-signal=INT "$BPFTOOL" "${ONE_SLOT[@]}" >"$T/out" 2>"$T/err" &
	pid=$!
	wait_until waits "$pid"
	kill -s INT "$pid"
	STATUS=0
	wait "$pid" 2>/dev/null || STATUS=$?
	let_go
	((STATUS == 130)) || complain "dies of INT, but exit $STATUS"
	[[ ! -s $T/err ]] || complain "says nothing"
	expect untouched
}

@test "interrupt: at every system call, a created replacement" {
	signals created 8
}

@test "interrupt: at every system call, a given replacement and clear" {
	signals turns 4
}

@test "interrupt: at every system call, all slots" {
	signals all 4
}
