# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every system call of a swap-drain that waits for a sleepable program, its child's too,
# fails once, and is the last one once
#
# FAULTS_QUICK=N takes every N-th place only.

load ../lib/faults-calls
load ../lib/holders

setup() {
	setup_slot
	setup_faults
	needs_sleepable_way
}

setup_file() {
	: >"$BATS_FILE_TMPDIR/totals"
}

@test "faults: while it waits for a sleepable program" {
	every_call sleepable 6 'bpf\(BPF_PROG_TEST_RUN' 'write\(1,' 'unlink\('
	result "faults injected" "$faults"
	result "kills at a system call" "$kills"
	cat "$T/totals" >&3
}
