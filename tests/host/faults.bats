# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every system call of swap-drain fails once, and is the last one once. After
# each run the data must be in one of the states that are allowed, the message
# must fit to it, and recover must bring back exactly what is pinned.
#
# FAULTS_QUICK=N takes every N-th place only.

load ../lib/common
load ../lib/faults

setup_file() {
	: >"$BATS_FILE_TMPDIR/totals"
	# A sum over every system call is a matter of minutes under emulation
	export FAULTS_QUICK=${FAULTS_QUICK:-1}
}

every_call() {
	local status=0

	own_world every_call "$@" || status=$?
	cat "$BATS_TEST_TMPDIR/totals" >>"$BATS_FILE_TMPDIR/totals"
	return "$status"
}

@test "control: the checker sees what is lost, and what is repeated" {
	own_world blind_spots
}

@test "faults: a created replacement, -j" {
	every_call created 16 'bpf\(BPF_MAP_CREATE' 'bpf\(BPF_OBJ_PIN' \
		'bpf\(BPF_MAP_UPDATE_ELEM' 'bpf\(BPF_MAP_LOOKUP_BATCH' \
		'mkdir\("/sys/fs/bpf/swap_drain/' 'flock\(' 'fcntl\(.*F_OFD_SETLK' \
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

@test "faults: while a program counts, created replacements" {
	own_world faults_under_load created "$((3 * FAULTS_QUICK))"
	read -r faults lost <"$BATS_TEST_TMPDIR/totals"
	echo "$faults 0 0 0 $lost 0" >>"$BATS_FILE_TMPDIR/totals"
}

@test "faults: while a program counts, two maps taking turns" {
	own_world faults_under_load turns "$((3 * FAULTS_QUICK))"
	read -r faults lost <"$BATS_TEST_TMPDIR/totals"
	echo "$faults 0 0 0 $lost 0" >>"$BATS_FILE_TMPDIR/totals"
}

@test "faults: several hundred in all, nothing lost" {
	local faults kills window bad lost twice f=0 k=0 w=0 b=0 l=0 t=0

	while read -r faults kills window bad lost twice; do
		f=$((f + faults)) k=$((k + kills)) w=$((w + window))
		b=$((b + bad)) l=$((l + lost)) t=$((t + twice))
	done <"$BATS_FILE_TMPDIR/totals"
	result "faults injected" "$f"
	result "kills at a system call" "$k"
	result "killed between the last byte and the release" "$w"
	result "ended in another state than allowed" "$b"
	result "lost" "$l"
	result "printed twice outside that window" "$t"
	((b == 0 && l == 0 && t == 0))
	((FAULTS_QUICK > 1 || (f > 300 && k > 300)))
}
