# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Signals that end a run: what it says of the old map, and where that is. See
# faults.bash.

# The one line on stderr that tells where the old map is
said_pinned() {
	sed -n 's/^Error: interrupted; old map is pinned at \([^;]*\);.*/\1/p' "$T/err"
}

# After a run that a signal has ended: it says where the old map is if that is
# anywhere but in its slot or on stdout, and only then
judge_signalled() {
	local said

	said=$(said_pinned)
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
	[[ -z $said ]] || told=$((told + 1))
}

# with_signal SCENARIO CALL NTH SIGNAL STATUS
with_signal() {
	local status=0

	set_up "$1"
	{ strace -f -qq -o "$T/trace" -e trace="$2" \
		-e inject="$2:signal=$4:when=$3" \
		"${RUN[@]}" >"$T/out" 2>"$T/err"; } 2>/dev/null || status=$?
	look
	if ((status == $5)); then
		hits=$((hits + 1))
		judge_signalled
	else
		# The call was not made that often
		((status == 0)) || complain "exit $5, but $status"
		[[ -z $(said_pinned) ]] || complain "says nothing"
	fi
	judge_recovery
}

# signals SCENARIO CAP: each signal at each place in turn; every $FAULTS_QUICK-th
# place only
signals() {
	local call nth early i=0 hits=0 told=0 names=(INT TERM HUP)
	local numbers=(130 143 129)

	set_up "$1"
	strace -f -qq -o "$T/all" "${RUN[@]}" >"$T/out" 2>"$T/err"
	places "$2" <"$T/all" >"$T/places"
	while read -r call nth early; do
		[[ $early == 0 && -n ${ERRORS[$call]-} ]] || continue
		i=$((i + 1))
		((i % ${FAULTS_QUICK:-1} == 0)) || continue
		with_signal "$1" "$call" "$nth" "${names[i % 3]}" \
			"${numbers[i % 3]}" || {
			echo "^^^ ${names[i % 3]} at $call $nth" >&2
			exit 1
		}
	done <"$T/places"
	echo "$hits signals, $told of them told where the map is"
	((hits > 0 && (FAULTS_QUICK > 1 || (told > 0 && told < hits))))
}

# A run that writes into a pipe that is full, and gets a signal there:
# in_the_midst DISPOSITION SIGNAL [OPTION...]. Sets STATUS.
in_the_midst() {
	local pid disposition=$1 signal=$2

	shift 2
	wipe
	rm -f "$T/pipe"
	mkfifo "$T/pipe"
	exec 9<>"$T/pipe"
	fill array_of_maps hash 3000
	env "--$disposition-signal=$signal" "$BPFTOOL" "$@" map swap-drain \
		pinned "$PINS/outer" key 0 0 0 0 >&9 2>"$T/err" &
	pid=$!
	wait_for blocked "$pid"
	kill -s "$signal" "$pid"
	[[ $disposition == default ]] || cat <&9 >"$T/out" &
	STATUS=0
	wait "$pid" 2>/dev/null || STATUS=$?
	[[ $disposition == default ]] ||
		wait_for grep -q "Found 3000" "$T/out"
	[[ $disposition == default ]] || kill "$!"
	exec 9>&-
}

# told_in_the_midst SIGNAL...: both forms of output; it is said on stderr
told_in_the_midst() {
	local signal number json

	for signal; do
		number=$((128 + $(kill -l "$signal")))
		for json in "" -j; do
			in_the_midst default "$signal" ${json:+"$json"}
			((STATUS == number)) ||
				complain "dies of $signal, but exit $STATUS"
			: >"$T/out"
			expect pinned
			[[ $(said_pinned) == "$PIN" ]] || complain "names $PIN"
			[[ $(wc -l <"$T/err") == 1 ]] || complain "one line"
			expect_recovered
		done
	done
}

# As under nohup
ignored_in_the_midst() {
	local signal

	for signal in INT TERM HUP; do
		in_the_midst ignore "$signal"
		((STATUS == 0)) || complain "goes on, but exit $STATUS"
		[[ ! -s $T/err ]] || complain "says nothing"
		expect released
	done
}

# Nothing is pinned while it waits for somebody's lock
not_told_before() {
	local pid

	fill array_of_maps hash 5
	hold "$(outer_id)"
	env --default-signal=INT "$BPFTOOL" map swap-drain pinned \
		"$PINS/outer" key 0 0 0 0 >"$T/out" 2>"$T/err" &
	pid=$!
	wait_for waits "$pid"
	kill -s INT "$pid"
	STATUS=0
	wait "$pid" 2>/dev/null || STATUS=$?
	let_go
	((STATUS == 130)) || complain "dies of INT, but exit $STATUS"
	[[ ! -s $T/err ]] || complain "says nothing"
	expect untouched
}
