# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every system call of swap-drain fails once, and is the last one once. After
# each run the data must be in one of the states that are allowed, the message
# must fit to it, and recover must bring back exactly what is pinned.
#
# FAULTS_QUICK=N takes every N-th place only.

load ../lib/faults-calls

setup_file() {
	: >"$BATS_FILE_TMPDIR/totals"
	# A sum over every system call is a matter of minutes under emulation
	export FAULTS_QUICK=${FAULTS_QUICK:-1}
}

@test "control: the checker sees what is lost, and what is repeated" {
	blind_spots
}

@test "faults: a created replacement, -j" {
	every_call created 16 'bpf\(BPF_MAP_CREATE' 'bpf\(BPF_OBJ_PIN' \
		'bpf\(BPF_MAP_UPDATE_ELEM' 'bpf\(BPF_MAP_LOOKUP_BATCH' \
		'mkdir\("/sys/fs/bpf/swap_drain/' 'flock\(' 'bpf\(BPF_MAP_CREATE.*swap_' \
		'write\(1,' 'unlink\(' 'rmdir\('
}

@test "faults: a given replacement and clear, hash_of_maps" {
	every_call turns 6 'bpf\(BPF_MAP_UPDATE_ELEM' 'rename\(' \
		'bpf\(BPF_MAP_DELETE_ELEM' 'unlink\('
}

@test "faults: keep, with a wait of its own" {
	reason=$("$BPFTOOL" map sync using membarrier 2>&1) ||
		skip "${reason#Error: }"
	every_call keep 6 'membarrier\(MEMBARRIER_CMD_GLOBAL'
}

@test "faults: all filled slots" {
	every_call all 6 'bpf\(BPF_OBJ_PIN' 'write\(1,' 'unlink\('
}

@test "faults: a queue, which is popped" {
	every_call queue 6 'write\(1,' 'bpf\(BPF_MAP_LOOKUP_AND_DELETE_ELEM'
}

@test "faults: more output than a buffer holds" {
	every_call large 200 'write\(1,'
}

@test "faults: recover" {
	every_call recover 6 'write\(1,' 'unlink\('
}

@test "faults: recover, with a map to be cleared" {
	every_call recover_clear 6 'rename\(' 'bpf\(BPF_MAP_DELETE_ELEM' 'unlink\('
}

@test "faults: recover a queue" {
	every_call recover_queue 6 'write\(1,' \
		'bpf\(BPF_MAP_LOOKUP_AND_DELETE_ELEM'
}

# account_fault KIND CALL NTH ERROR EARLY: an error and a kill in turn
account_fault() {
	local fault=error=$4

	# The run that was traced
	((faults > 0)) || account 0
	((PLACE / STEP % 2)) || fault=signal=KILL
	load_run "$1"
	run_at "$2" "$3" "$fault"
	account "$STATUS"
	faults=$((faults + 1))
}

# A sample of the faults with the load running: a run is accounted for instead of
# looked at
faults_under_load() {
	local faults=0 STEP=$((3 * FAULTS_QUICK))

	load_begin 2
	load_run "$1"
	each_place 4 account_fault "$1"
	((faults > 0)) || account 0
	load_end
	echo "$faults 0 0 0 $LOST 0" >>"$BATS_FILE_TMPDIR/totals"
}

@test "faults: while a program counts, created replacements" {
	faults_under_load created
}

@test "faults: while a program counts, two maps taking turns" {
	faults_under_load turns
}

@test "faults: several hundred in all, nothing lost" {
	read -r faults kills window bad lost twice < <(awk '
		{ for (i = 1; i <= 6; i++) sum[i] += $i }
		END { for (i = 1; i <= 6; i++) printf "%d ", sum[i]; print "" }
		' "$BATS_FILE_TMPDIR/totals")
	result "faults injected" "$faults"
	result "kills at a system call" "$kills"
	result "killed between the last byte and the release" "$window"
	result "ended in another state than allowed" "$bad"
	result "lost" "$lost"
	result "printed twice outside that window" "$twice"
	((bad == 0 && lost == 0 && twice == 0))
	((FAULTS_QUICK > 1 || (faults > 300 && kills > 300)))
}
