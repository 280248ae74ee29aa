# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A plain add per CPU is drained only where no thread can come between its halves:
# without preemption of the kernel. Runs in the guests too, where a line of the matrix
# says which preemption its kernel has (EXPECT_PREEMPTION).

load ../lib/slot

setup() {
	setup_bpffs
	journal=$PINS/journal
	MAP=$PINS/maps/percpu
	mkdir "$PINS/progs" "$PINS/maps"
	bpftool prog loadall "$BUILD/tests/drain_refuse.bpf.o" "$PINS/progs" \
		pinmaps "$PINS/maps"
}

teardown() {
	cleanup_bpffs
}

@test "a plain add per CPU, where a thread can run in the middle of it" {
	local mode=${EXPECT_PREEMPTION-}

	run bpftool map drain pinned "$MAP" journal "$journal"
	echo "$status $output"
	case $mode in
	none | voluntary) ((status == 0)) ;;
	?*) [[ $output == *"this kernel's preemption ($mode)"* ]] ;;
	esac
	((status == 0)) || {
		refuses "percpu_add\); 'since FILE'" drain pinned "$MAP" \
			journal "$journal"
		refuses "a plain add, not atomic, and (with this kernel's preemption \((RT|full|lazy)\) a|whether a) thread can run in the middle of it" \
			drain pinned "$MAP" journal "$journal"
	}
	bpftool map drain pinned "$MAP" since "$PINS/last" journal "$journal"
}
