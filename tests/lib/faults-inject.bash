# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One fault a run, at each system call in turn. See faults.bash.

shopt -s extglob

# What a call can fail with; a call that is not here can't, or it is one that a
# program makes before its main() only (brk() tells no error: it returns the old
# end)
declare -A ERRORS=(
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
)

# places CAP <trace: "CALL NTH EARLY", every call that the run made; EARLY is 1
# before bpftool's main(). Of calls that are made over and over for the same
# purpose, about CAP: the first, the last, and some between them.
places() {
	awk -v cap="$1" -v early=1 '
	{
		sub(/^[0-9]+ +/, "")
		call = $0
		if (call !~ /^[a-z0-9_]+\(/)
			next
		sub(/\(.*/, "", call)
		nth = ++calls[call]
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
	}' | sort
}

# A scenario is a function that makes $RUN, the command, once the maps are there
# (which it makes), and says how it differs: see scenario_*() below.

scenario_created() {
	fill array_of_maps hash 5
	RUN=("$BPFTOOL" -j map swap-drain pinned "$PINS/outer" key 0 0 0 0)
}

scenario_turns() {
	fill hash_of_maps hash 5
	RUN=("$BPFTOOL" map swap-drain pinned "$PINS/outer" key 0 0 0 0
		value pinned "$PINS/spare" clear)
	bpftool map pin id "$OLD" "$PINS/old"
	cleared=$PINS/old
}

scenario_keep() {
	fill array_of_maps array 5
	RUN=("$BPFTOOL" map swap-drain pinned "$PINS/outer" key 0 0 0 0
		keep "$PINS/kept" using membarrier)
}

scenario_all() {
	fill hash_of_maps hash 5
	RUN=("$BPFTOOL" -j map swap-drain pinned "$PINS/outer" all)
	in_folder=1
}

scenario_queue() {
	fill array_of_maps queue 5
	FIRST=$T/out
	RUN=("$BPFTOOL" -j map swap-drain pinned "$PINS/outer" key 0 0 0 0)
}

# More than a buffer of output
scenario_large() {
	fill array_of_maps hash 3000
	RUN=("$BPFTOOL" map swap-drain pinned "$PINS/outer" key 0 0 0 0)
	only="write close unlink rename rmdir"
}

# The run under test is recover, after one that could not print
scenario_recover() {
	fill array_of_maps hash 5
	swap_drain pinned "$PINS/outer" key 0 0 0 0 >/dev/full 2>/dev/null || :
	RUN=("$BPFTOOL" -j map swap-drain recover)
	already_pinned=1
}

scenario_recover_clear() {
	fill array_of_maps hash 5
	bpftool map pin id "$OLD" "$PINS/old"
	swap_drain pinned "$PINS/outer" key 0 0 0 0 \
		value pinned "$PINS/spare" clear >/dev/full 2>/dev/null || :
	RUN=("$BPFTOOL" -j map swap-drain recover)
	already_pinned=1
	cleared=$PINS/old
}

scenario_recover_queue() {
	fill array_of_maps queue 5
	FIRST=$T/out
	swap_drain pinned "$PINS/outer" key 0 0 0 0 >/dev/full 2>/dev/null || :
	RUN=("$BPFTOOL" -j map swap-drain recover)
	already_pinned=1
}

# set_up SCENARIO
set_up() {
	wipe
	cleared='' only='' already_pinned='' in_folder=''
	unset FIRST
	"scenario_$1"
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

judge_killed() {
	case $STATE in
	untouched | untouched-pinned | pinned | clearing | released) ;;
	both)
		window=$((window + 1)) ;;
	*)
		complain "killed, and $STATE" ;;
	esac
}

judge_recovery() {
	case $STATE in
	pinned | both)
		expect_recovered ;;
	*)
		expect_nothing_left ;;
	esac
	[[ -z $cleared || $STATE == untouched* ]] || maps empty "$cleared" ||
		complain "it is cleared"
	[[ -z $(find "$JOURNAL" -mindepth 1 2>/dev/null) ]] ||
		complain "the journal is empty after recover"
}

# with_fault SCENARIO CALL NTH FAULT EARLY: one run, with a fault at the N-th system
# call of that name, or at the first call like CALL where N is nothing. Returns 0 also if the call was
# not made that often: then there was no fault, and nothing is counted.
with_fault() {
	local scenario=$1 call=$2 nth=$3 fault=$4 early=$5 status=0 under

	set_up "$scenario"
	under=(strace -f -qq -o "$T/trace" -e trace="$call"
		-e inject="$call:$fault:when=$nth")
	# With seccomp it is faster, but knows no signals
	[[ $fault != error=* ]] || under+=(--seccomp-bpf)
	[[ $nth ]] || under=(at_call "$fault" "$call")
	# The braces hide what the shell says of a command that was killed
	{ "${under[@]}" "${RUN[@]}" >"$T/out" 2>"$T/err"; } 2>/dev/null ||
		status=$?
	look
	if [[ $fault == signal=KILL ]] && ((status == 137)); then
		kills=$((kills + 1))
		# Each thread that was there has a line on its end
		grep -v ' +++ killed by SIGKILL +++$' "$T/trace" |
			tail -n 1 >>"$T/killed"
		judge_killed
	elif grep INJECTED "$T/trace" >>"$T/injected"; then
		faults=$((faults + 1))
		judge_ended "$status" "${call%%\\(*}" "$early"
	elif [[ ! $nth ]]; then
		complain "$scenario makes the call $call"
	fi
	judge_recovery
}

# try SCENARIO CALL NTH FAULT EARLY: with_fault() that keeps count
try() {
	local state

	(trap 'echo "$faults $kills $window ${STATE-}" >"$T/counts"' EXIT
	with_fault "$@") || {
		echo "^^^ $*" >&2
		read -r _ _ _ state <"$T/counts"
		bad=$((bad + 1))
		[[ $state != lost ]] || lost=$((lost + 1))
		[[ $state != @(both|printed-untouched) ]] ||
			twice=$((twice + 1))
	}
	read -r faults kills window _ <"$T/counts"
}

# was_hit FILE CALL: was there a fault at such a call? It is a regular expression.
was_hit() {
	grep -qE "$2" "$T/$1"
}

# hit FILE FAULT CALL: a fault at the first such call, if there was none yet
hit() {
	was_hit "$1" "$3" || try "$scenario" "$3" "" "$2" 0
	was_hit "$1" "$3" || complain "a fault at $3"
}

# every_call SCENARIO CAP CALL...: an error and a kill at each place, and at
# these calls in any case. $FAULTS_QUICK leaves out all but one in that many,
# $FAULTS_NOT calls that are not the tool's own.
every_call() {
	local scenario=$1 cap=$2 call nth early errors fault i=0
	local bad=0 lost=0 twice=0

	: >"$T/injected"
	: >"$T/killed"
	faults=0 kills=0 window=0
	set_up "$scenario"
	strace -f -qq -o "$T/all" "${RUN[@]}" >"$T/out" 2>"$T/err"
	places "$cap" <"$T/all" >"$T/places"

	while read -r call nth early; do
		[[ -n ${ERRORS[$call]-} && " ${FAULTS_NOT-} " != *" $call "* ]] ||
			continue
		# The loader does the same in each scenario
		((!early)) || [[ $scenario == created ]] || continue
		[[ -z $only || " $only " == *" $call "* ]] || continue
		i=$((i + 1))
		((i % ${FAULTS_QUICK:-1} == 0)) || continue
		read -ra errors <<<"${ERRORS[$call]}"
		for fault in "error=${errors[i % ${#errors[@]}]}" signal=KILL; do
			try "$scenario" "$call" "$nth" "$fault" "$early"
		done
	done <"$T/places"
	for call in "${@:3}"; do
		hit injected error=EPERM "$call"
		hit killed signal=KILL "$call"
	done
	echo "$faults $kills $window $bad $lost $twice" >"$T/totals"
	((bad == 0))
}

blind_spots() {
	scenario_created
	swap_drain pinned "$PINS/outer" key 0 0 0 0 >/dev/full 2>"$T/err" || :
	: >"$T/out"
	expect pinned

	# Printed as well
	swap_drain recover >"$T/out"
	expect released
	sed -i '/^key: 03/d' "$T/out"
	[[ $(maps state "$PINS" "$JOURNAL" "$OLD" 5 "$T/out") == lost* ]] ||
		complain "an entry that is not printed is lost"

	# Neither
	wipe
	scenario_created
	swap_drain pinned "$PINS/outer" key 0 0 0 0 >/dev/full 2>"$T/err" || :
	rm -r "${JOURNAL:?}"/*
	: >"$T/out"
	[[ $(maps state "$PINS" "$JOURNAL" "$OLD" 5 "$T/out") == lost* ]] ||
		complain "what is not pinned is lost"

	# Printed, and still in the slot
	wipe
	scenario_created
	bpftool map dump id "$OLD" >"$T/out"
	expect printed-untouched
}
