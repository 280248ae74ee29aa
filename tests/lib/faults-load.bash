# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs that are killed, or fail, while a program counts. See faults.bash.

# load_start THREADS: maps and a program that counts, see faults_load.c
load_start() {
	rm -rf "$PINS" "$JOURNAL" "$T/load"
	mkdir "$PINS"
	mkfifo "$T/ready" 2>/dev/null || :
	"$BUILD/tests/faults_load" "$BUILD/tests/faults_load.bpf.o" "$PINS" \
		"$1" >"$T/load" 2>&1 &
	LOAD=$!
	until grep -qs ready "$T/load"; do
		kill -0 "$LOAD" || complain "$(cat "$T/load")"
		sleep 0.05
	done
	read -r A _ <<<"$(maps slot "$PINS/outer")"
	SUM=0 NEXT=$PINS/b RECOVERED=0 UNTOUCHED=0 DONE=0
}

# Both maps take turns; which one is in the slot after a kill has to be looked up
next_spare() {
	local id

	read -r id _ <<<"$(maps slot "$PINS/outer")"
	NEXT=$PINS/a
	((id != A)) || NEXT=$PINS/b
}

turns() {
	next_spare
	RUN=("$BPFTOOL" map swap-drain pinned "$PINS/outer" key 0 0 0 0
		value pinned "$NEXT" clear)
}

created() {
	RUN=("$BPFTOOL" -j map swap-drain pinned "$PINS/outer" key 0 0 0 0)
}

# account STATUS: what a run has brought goes into $SUM. As the manual says: if
# recover brings back a map, its output takes the place of the run's.
account() {
	local from=$T/out

	if (($1 != 0)); then
		"$BPFTOOL" -j map swap-drain recover >"$T/rec" 2>"$T/rec.err" ||
			complain "recover: $(cat "$T/rec" "$T/rec.err")"
		if [[ $(<"$T/rec") != "[]" ]]; then
			from=${FORGET:-$T/rec}
			RECOVERED=$((RECOVERED + 1))
		elif grep -q "key" "$T/out"; then
			DONE=$((DONE + 1))
		else
			# An error before the swap, or nothing
			from=
			UNTOUCHED=$((UNTOUCHED + 1))
		fi
	else
		DONE=$((DONE + 1))
	fi
	[[ -z $from ]] || SUM=$((SUM + $(maps sum "$from")))
}

# load_stop: counted must be what came out and what is still in the slot
load_stop() {
	local left

	kill -TERM "$LOAD"
	wait "$LOAD" || complain "$(cat "$T/load")"
	read -r _ COUNTED _ MISSED <<<"$(grep counted "$T/load")"
	read -r _ left <<<"$(maps slot "$PINS/outer")"
	SUM=$((SUM + left))
	((COUNTED > 0)) || complain "the load ran"
	((MISSED == 0)) || complain "$MISSED found no map"
	LOST=$((COUNTED - SUM))
	((LOST == 0)) || complain "counted $COUNTED, got $SUM: $LOST are lost"
}

# How long a run takes here, in ms
run_takes() {
	local start i

	MS=0
	for i in 1 2 3 4 5; do
		"$1"
		start=$(date +%s%N)
		"${RUN[@]}" >"$T/out"
		MS=$((MS + ($(date +%s%N) - start) / 5000000))
		account 0
	done
}

# one_killed KIND SIGNAL
one_killed() {
	local status=0 ms

	"$1"
	# It may be killed before it has opened the file
	: >"$T/out"
	# A shell starts what it runs in the background with SIGINT ignored
	env --default-signal=INT "${RUN[@]}" >"$T/out" 2>"$T/err" &
	printf -v ms '%d.%03d' 0 $((RANDOM % (MS + 1) % 1000))
	sleep "$ms"
	kill -s "$2" $! 2>/dev/null || :
	wait $! 2>/dev/null || status=$?
	account "$status"
}

# killed_runs KIND COUNT: at random moments, under load
killed_runs() {
	local i signals=(KILL TERM INT)

	load_start 2
	run_takes "$1"
	for ((i = 0; i < $2; i++)); do
		one_killed "$1" "${signals[i % 3]}"
	done
	load_stop
	echo "$COUNTED $RECOVERED $UNTOUCHED $LOST" >"$T/totals"
}

# A sample of the faults with the load running: every_call() with a run that is
# accounted for instead of looked at
faults_under_load() {
	local kind=$1 call nth early errors fault status i=0 faults=0

	load_start 2
	"$kind"
	strace -f -qq -o "$T/all" "${RUN[@]}" >"$T/out" 2>"$T/err"
	account 0
	places 4 <"$T/all" >"$T/places"
	while read -r call nth early; do
		[[ -n ${ERRORS[$call]-} ]] || continue
		((!early)) || continue
		i=$((i + 1))
		((i % ${2:-1} == 0)) || continue
		read -ra errors <<<"${ERRORS[$call]}"
		fault=error=${errors[i % ${#errors[@]}]}
		((i / ${2:-1} % 2)) || fault=signal=KILL
		status=0
		"$kind"
		{ strace -f -qq -o "$T/trace" -e trace="$call" \
			-e inject="$call:$fault:when=$nth" \
			"${RUN[@]}" >"$T/out" 2>"$T/err"; } 2>/dev/null ||
			status=$?
		account "$status"
		faults=$((faults + 1))
	done <"$T/places"
	load_stop
	echo "$faults $LOST" >"$T/totals"
}

# A run that is killed as it writes, and nobody who recovers what it drained
forgetful() {
	: >"$T/nothing"
	load_start 1
	created
	strace -f -qq -o "$T/trace" -e trace=write \
		-e inject=write:signal=KILL:when=1 "${RUN[@]}" >"$T/out" || :
	FORGET=$T/nothing account 137
	((RECOVERED == 1)) || exit 0
	load_stop
}
