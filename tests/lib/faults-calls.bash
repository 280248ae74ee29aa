# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One fault a run, at each system call in turn. FAULTS_QUICK=N takes every N-th place
# only.

. "${BASH_SOURCE[0]%/*}/faults.bash"

shopt -s extglob

# What a call can fail with; a call that is not here can't, or it is one that a
# program makes before its main() only (brk() tells no error: it returns the old
# end)
declare -gA ERRORS=(
	[bpf]="EPERM ENOMEM EBUSY E2BIG ENOSPC EINTR EAGAIN EINVAL"
	[openat]="EMFILE ENOMEM EACCES EINTR EIO"
	[mkdir]="ENOSPC EPERM ENOMEM"
	[flock]="ENOLCK EINTR EAGAIN"
	[fcntl]="EAGAIN ENOLCK EINTR ENOMEM"
	[write]="ENOSPC EIO EINTR EAGAIN EPIPE"
	[close]="EIO EINTR ENOSPC"
	[unlink]="EPERM EBUSY EIO"
	[rename]="EPERM ENOSPC EIO"
	[rmdir]="EBUSY EPERM"
	[statfs]="EIO ENOMEM EINTR"
	[fstatfs]="EIO EINTR"
	[newfstatat]="EACCES ENOMEM EIO"
	[read]="EIO EINTR EAGAIN"
	[pread64]="EIO EINTR"
	[getdents64]="EIO ENOMEM"
	[readlink]="EACCES EIO ENOMEM"
	[dup]="EMFILE"
	[membarrier]="EPERM EINVAL ENOMEM"
	[mount]="EPERM EBUSY ENOMEM"
	[umount2]="EPERM EBUSY"
	[mmap]="ENOMEM"
	[mprotect]="ENOMEM"
	[munmap]="ENOMEM"
	[access]="EACCES EIO"
	[prlimit64]="EPERM"
	[perf_event_open]="EACCES EMFILE"
	[clock_nanosleep]="EINTR"
	[memfd_create]="EMFILE ENOMEM"
	[ftruncate]="EINTR ENOSPC"
	[socketpair]="EMFILE ENFILE"
	[clone]="EAGAIN ENOMEM"
	[clone3]="EAGAIN ENOMEM"
	[userfaultfd]="EPERM EMFILE ENOSYS"
	[ioctl]="EINVAL ENOMEM"
	[sendto]="EPIPE EINTR EAGAIN"
	[recvfrom]="ECONNRESET EINTR EAGAIN"
	[poll]="EINTR ENOMEM"
	[close_range]="EINVAL"
	[wait4]="ECHILD EINTR"
)

# places CAP <trace: "CALL NTH EARLY", every call that the run made; EARLY is 1
# before bpftool's main(). Of calls that are made over and over for the same
# purpose, about CAP: the first, the last, and some between them. strace counts the
# calls of each process, and so does this.
places() {
	awk -v cap="$1" -v early=1 '
	{
		pid = $1
		sub(/^[0-9]+ +/, "")
		call = $0
		if (call !~ /^[a-z0-9_]+\(/)
			next
		sub(/\(.*/, "", call)
		nth = ++calls[pid, call]
		kind = call
		# The first thing that main() does
		if (call == "fcntl" || call == "bpf")
			early = 0
		if (match($0, /^bpf\(BPF_[A-Z_]+/))
			kind = substr($0, 1, RLENGTH)
		count[kind]++
		place[kind, count[kind]] = call " " nth " " early
	}
	END {
		for (kind in count) {
			n = count[kind]
			step = n > cap ? int(n / cap) + 1 : 1
			for (i = 1; i <= n; i++)
				if (i <= cap / 4 || i > n - cap / 4 ||
				    i % step == 0)
					print place[kind, i]
		}
	}' | sort -u
}

# set_up SCENARIO: makes maps, and $RUN, a command; says how it differs
set_up() {
	local one_slot=("$BPFTOOL" "${ONE_SLOT[@]}")

	wipe
	cleared='' only='' already_pinned='' in_folder=''
	unset FIRST
	case $1 in
	created | recover)
		fill array_of_maps hash 5
		RUN=("$BPFTOOL" -j "${ONE_SLOT[@]}") ;;
	turns | recover_clear)
		fill hash_of_maps hash 5
		bpftool map pin id "$OLD" "$PINS/old"
		cleared=$PINS/old
		RUN=("${one_slot[@]}" value pinned "$PINS/spare" clear) ;;
	keep)
		fill array_of_maps array 5
		RUN=("${one_slot[@]}" keep "$PINS/kept" using membarrier) ;;
	sleepable)
		# No program runs, but one could
		fill array_of_maps array 1
		load_prog sleep_use syscall_sleeps
		RUN=("$BPFTOOL" -j "${ONE_SLOT[@]}") ;;
	all)
		fill hash_of_maps hash 5
		RUN=("$BPFTOOL" -j map swap-drain pinned "$PINS/outer" all)
		in_folder=1 ;;
	queue | recover_queue)
		fill array_of_maps queue 5
		FIRST=$T/out
		RUN=("$BPFTOOL" -j "${ONE_SLOT[@]}") ;;
	large)
		# More than a buffer of output
		fill array_of_maps hash 3000
		RUN=("${one_slot[@]}")
		only="write close unlink rename rmdir" ;;
	esac
	# After one that could not print
	if [[ $1 == recover* ]]; then
		"${RUN[@]}" >/dev/full 2>/dev/null || :
		RUN=("$BPFTOOL" -j map swap-drain recover)
		already_pinned=1
	fi
}

# Does a message name the pin? With "all" it is the folder with all of them.
names_pin() {
	[[ $1 == *"$PIN"* || (-n $in_folder && $1 == *"${PIN%/*}"*) ]]
}

# must_fail LINE: does that call, as a trace shows it, have to end the run with an
# error? All the others are made for something that a run can do without: another
# way is taken, it is tried again, or nothing comes of it.
must_fail() {
	case $1 in
	*"bpf(BPF_MAP_LOOKUP_BATCH,"* | *"bpf(BPF_MAP_UPDATE_BATCH,"*)
		return 1 ;;	# one by one
	*"bpf(BPF_MAP_CREATE,"*'map_name="sync_'*)
		return 1 ;;	# waits in another way
	*"bpf(BPF_PROG_LOAD,"*)
		# Else it tries what the kernel can do
		[[ $1 == *BPF_PROG_TYPE_TRACING* ]] ;;
	*"bpf(BPF_MAP_GET_FD_BY_ID, "?(\{map_)id=0,*)
		# No map has that id: asks for the right
		[[ $1 == *EPERM* || $1 == *EACCES* ]] ;;
	*"bpf(BPF_LINK_GET_FD_BY_ID,"*EAGAIN*)
		return 1 ;;	# once more: a link that is being created
	*"bpf(BPF_MAP_"@(LOOKUP|UPDATE|DELETE|LOOKUP_AND_DELETE)_ELEM*E@(BUSY|AGAIN)*)
		return 1 ;;	# once more
	*'write(1, "\n", 1)'*)
		return 1 ;;	# main() ends the line of a document that is out
	*"bpf("*_ELEM* | *"bpf(BPF_OBJ_PIN,"* | *"bpf(BPF_OBJ_GET,"*)
		return 0 ;;
	*"bpf("*)
		# recover asks for each map's users by itself where it could
		# not ask for those of all, and may wait in another way:
		# silent.bats has what fails for good
		((!already_pinned)) ;;
	*"write(1,"* | *"unlink("* | *"rename("* | *"mkdir("* | \
		*"membarrier("*)
		return 0 ;;
	*)
		return 1 ;;
	esac
}

# A run that ended by itself: does what it said fit to where the data is?
judge_ended() {
	local status=$1 call=$2 early=$3 said

	# Upstream reports a readlink() of /proc/self/fd that failed twice
	if [[ ${RUN[1]} == -j && $(<"$T/out") ]] &&
		[[ $call != write && $call != readlink ]]; then
		jq -es 'length == 1' "$T/out" >/dev/null ||
			complain "valid JSON on stdout"
	fi
	if ((status == 0)); then
		# A folder that is locked is a live run's
		[[ $STATE == released || $already_pinned$call == 1flock ]] ||
			complain "exit 0, but $STATE"
		! grep -q '^Error\|"error"' "$T/err" || complain "exit 0 with an error"
		said=$(grep -m 1 INJECTED "$T/trace")
		((early)) || ! must_fail "$said" || complain "exit 0 after $said"
		return 0
	fi

	said=$(cat "$T/out" "$T/err")
	# A loader that can't map libc may have no words for it
	[[ -n $said ]] || ((early)) || complain "says what failed"
	case $STATE in
	untouched | untouched-pinned)
		[[ $said != *swapped* ]] ||
			complain "swapped it says, but $STATE" ;;
	pinned)
		((already_pinned)) || [[ $said == *swapped* ]] ||
			complain "says that it is swapped"
		((already_pinned)) || names_pin "$said" ||
			complain "names $PIN" ;;
	both | clearing)
		names_pin "$said" || complain "names $PIN"
		# It is not known to be out until stdout could be closed
		[[ $said == *"was printed"* ]] ||
			[[ $call == @(close|dup) && $said == *"can't write"* ]] ||
			complain "says that it was printed" ;;
	*)
		complain "exit $status, but $STATE" ;;
	esac
}

judge_recovery() {
	if [[ $STATE == @(pinned|both) ]]; then
		expect_recovered
	else
		expect_nothing_left
	fi
	[[ -z $cleared || $STATE == untouched* ]] || maps empty "$cleared" ||
		complain "it is cleared"
	[[ -z $(find "$JOURNAL" -mindepth 1 2>/dev/null) ]] ||
		complain "the journal is empty after recover"
}

# each_place CAP COMMAND...: for every system call of $RUN that can fail, or every
# $STEP-th of them: COMMAND... CALL NTH ERROR EARLY, with the place's number in $PLACE
each_place() {
	local call nth early errors

	PLACE=0
	strace -f -qq -o "$T/all" "${RUN[@]}" >"$T/out" 2>"$T/err"
	places "$1" <"$T/all" >"$T/places"
	while read -r call nth early; do
		# The loader does the same in each scenario
		[[ ${ERRORS[$call]-} && " ${FAULTS_NOT-} " != *" $call "* ]] || continue
		((!early || ${WITH_LOADER-0})) || continue
		[[ -z ${only-} || " $only " == *" $call "* ]] || continue
		PLACE=$((PLACE + 1))
		((PLACE % STEP == 0)) || continue
		read -ra errors <<<"${ERRORS[$call]}"
		"${@:2}" "$call" "$nth" "${errors[PLACE % ${#errors[@]}]}" "$early"
	done <"$T/places"
	((PLACE > 0))
}

# run_at CALL NTH FAULT: $RUN with a fault at the N-th system call of that name, or at
# the first call like CALL where N is nothing. Sets STATUS.
run_at() {
	local under=(strace -f -qq -o "$T/trace" -e trace="$1" -e inject="$1:$3:when=$2")

	# With seccomp it is faster, but knows no signals
	[[ $3 != error=* ]] || under+=(--seccomp-bpf)
	[[ $2 ]] || under=(at_call "$3" "$1")
	STATUS=0
	# The braces hide what the shell says of a command that was killed
	{ "${under[@]}" "${RUN[@]}" >"$T/out" 2>"$T/err"; } 2>/dev/null || STATUS=$?
}

# one_fault SCENARIO CALL NTH FAULT EARLY: where the call was not made that often there
# was no fault, and nothing is counted
one_fault() {
	local call=$2

	set_up "$1"
	run_at "${@:2:3}"
	look
	if [[ $4 == signal=KILL ]] && ((STATUS == 137)); then
		kills=$((kills + 1))
		# Each thread that was there has a line on its end
		grep -v ' +++ killed by SIGKILL +++$' "$T/trace" |
			tail -n 1 >>"$T/killed"
		case $STATE in
		untouched | untouched-pinned | pinned | clearing | released) ;;
		both) window=$((window + 1)) ;;
		*) complain "killed, and $STATE" ;;
		esac
	elif grep INJECTED "$T/trace" >>"$T/injected"; then
		faults=$((faults + 1))
		judge_ended "$STATUS" "${call%%\\(*}" "$5"
	elif [[ ! $3 ]]; then
		complain "$1 makes the call $call"
	fi
	judge_recovery
}

# try SCENARIO CALL NTH FAULT EARLY: one_fault() that keeps count
try() {
	local state

	(trap 'echo "$faults $kills $window ${STATE-}" >"$T/counts"' EXIT
	one_fault "$@") || {
		echo "^^^ $*" >&2
		read -r _ _ _ state <"$T/counts"
		bad=$((bad + 1))
		[[ $state != lost ]] || lost=$((lost + 1))
		[[ $state != @(both|printed-untouched) ]] ||
			twice=$((twice + 1))
	}
	read -r faults kills window _ <"$T/counts"
}

# try_both SCENARIO CALL NTH ERROR EARLY
try_both() {
	try "${@:1:3}" "error=$4" "$5"
	try "${@:1:3}" signal=KILL "$5"
}

# hit FILE FAULT CALL: a fault at the first such call, a regular expression, if there
# was none yet
hit() {
	grep -qE "$3" "$T/$1" || try "$scenario" "$3" "" "$2" 0
	grep -qE "$3" "$T/$1" || complain "a fault at $3"
}

# every_call SCENARIO CAP CALL...: an error and a kill at each place, and at
# these calls in any case. $FAULTS_NOT has calls that are not the tool's own.
every_call() {
	local scenario=$1 call STEP=${FAULTS_QUICK:-1} WITH_LOADER=0
	local bad=0 lost=0 twice=0

	: >"$T/injected"
	: >"$T/killed"
	faults=0 kills=0 window=0
	set_up "$scenario"
	[[ $scenario != created ]] || WITH_LOADER=1
	each_place "$2" try_both "$scenario"
	for call in "${@:3}"; do
		hit injected error=EPERM "$call"
		hit killed signal=KILL "$call"
	done
	echo "$faults $kills $window $bad $lost $twice" |
		tee "$T/totals" >>"$BATS_FILE_TMPDIR/totals"
	((bad == 0))
}

blind_spots() {
	set_up created
	unprinted drain
	expect pinned

	# Printed as well
	bpftool map swap-drain recover >"$T/out"
	expect released
	sed -i '/^key: 03/d' "$T/out"
	[[ $(maps state "$PINS" "$JOURNAL" "$OLD" 5 "$T/out") == lost* ]] ||
		complain "an entry that is not printed is lost"

	# Neither
	set_up created
	unprinted drain
	rm -r "${JOURNAL:?}"/*
	[[ $(maps state "$PINS" "$JOURNAL" "$OLD" 5 "$T/out") == lost* ]] ||
		complain "what is not pinned is lost"

	# Printed, and still in the slot
	set_up created
	bpftool map dump id "$OLD" >"$T/out"
	expect printed-untouched
}

# What follows runs while a program counts; what comes out is added up

# load_begin THREADS
load_begin() {
	load_start --bytes --turns --threads "$1"
	read -r FIRST_ID _ <<<"$(maps slot "$PINS/outer")"
	SUM=0 RECOVERED=0 UNTOUCHED=0 DONE=0
}

# load_run KIND: sets RUN: a replacement is created, or two maps take turns; which one
# is in the slot after a kill has to be looked up
load_run() {
	local id next=turn0

	RUN=("$BPFTOOL" -j "${ONE_SLOT[@]}")
	[[ $1 == turns ]] || return 0
	read -r id _ <<<"$(maps slot "$PINS/outer")"
	((id != FIRST_ID)) || next=turn1
	RUN=("$BPFTOOL" "${ONE_SLOT[@]}" value pinned "$PINS/$next" clear)
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

# load_end: counted must be what came out and what is still in the slot
load_end() {
	local left

	load_stop
	read -r _ left <<<"$(maps slot "$PINS/outer")"
	COUNTED=$(load_told counted)
	LOST=$((COUNTED - SUM - left))
	((COUNTED > 0)) || complain "the load ran"
	[[ $(jq '.missed + .failed' <<<"$LOAD") == 0 ]] ||
		complain "all found a map: $LOAD"
	((LOST == 0)) || complain "counted $COUNTED, got $SUM, left $left: $LOST are lost"
}

# killed_runs KIND COUNT: at random moments, under load
killed_runs() {
	local i start ms=0 status signals=(KILL TERM INT)

	load_begin 2
	for i in 1 2 3 4 5; do
		load_run "$1"
		start=$(date +%s%N)
		"${RUN[@]}" >"$T/out"
		ms=$((ms + ($(date +%s%N) - start) / 5000000))
		account 0
	done
	for ((i = 0; i < $2; i++)); do
		load_run "$1"
		# It may be killed before it has opened the file
		: >"$T/out"
		# A shell starts what it runs in the background with SIGINT ignored
		env --default-signal=INT "${RUN[@]}" >"$T/out" 2>"$T/err" 3>&- &
		sleep "$(printf '0.%03d' $((RANDOM % (ms + 1) % 1000)))"
		kill -s "${signals[i % 3]}" $! 2>/dev/null || :
		status=0
		wait $! 2>/dev/null || status=$?
		account "$status"
	done
	load_end
	echo "$COUNTED $RECOVERED $UNTOUCHED $LOST" >"$T/totals"
}
