# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain when a program uses the map-in-map that no wait covers

load ../lib/holders

teardown() {
	[[ -z ${HARDEN-} ]] || echo "$HARDEN" >/proc/sys/net/core/bpf_jit_harden
	cleanup_leak_free
}

# is_waited_for PROGRAM: with force it is drained with a warning
is_waited_for() {
	load_prog_or_skip sleep_use "$1"
	waited_for "map $(slot_id) .*program $PROG $1 is sleepable"
	rm -rf "${PINS:?}"/*
}

@test "a sleepable uprobe or syscall program or iterator: waited for" {
	is_waited_for uprobe_sleeps
	is_waited_for syscall_sleeps
	is_waited_for iter_sleeps
}

@test "a sleepable LSM program: waited for" {
	is_waited_for lsm_sleeps
}

@test "a sleepable fentry program: waited for" {
	is_waited_for fentry_sleeps
}

@test "the sleepable one among others that are not" {
	load_prog sleep_use tc_plain
	load_prog sleep_use uprobe_plain
	load_prog sleep_use uprobe_sleeps
	waited_for "program $PROG uprobe_sleeps is sleepable"
	rm "$PINS/uprobe_sleeps_prog"
	wait_until none_left prog "$PROG"
	drained
}

# Swap-drains, and prints how often that loaded an iterator
iterator_loads() {
	local trace=$BATS_TEST_TMPDIR/trace

	run_of
	strace -v -o "$trace" -e trace=bpf "${RUN[@]}" >/dev/null
	# The trace shows what it should
	grep -q '^bpf(BPF_MAP_UPDATE_ELEM' "$trace" || return
	grep -c '^bpf(BPF_PROG_LOAD, .*BPF_PROG_TYPE_TRACING' "$trace" || true
}

# asked_and_drained PROGRAM: it could have been sleepable, is not, and only an
# iterator could tell
asked_and_drained() {
	need_strace
	load_prog_or_skip sleep_use "$1"
	drained
	[[ $(iterator_loads) -eq 1 ]]
	rm -rf "${PINS:?}"/*
}

@test "a plain uprobe program or iterator: drained, after an iterator was asked" {
	asked_and_drained uprobe_plain
	asked_and_drained iter_plain
}

@test "a plain LSM program: drained, after an iterator was asked" {
	asked_and_drained lsm_plain
}

@test "a plain fentry program: drained, after an iterator was asked" {
	asked_and_drained fentry_plain
}

@test "a tc program, and none: drained, no iterator is loaded" {
	need_strace
	load_prog sleep_use tc_plain
	drained
	[[ $(iterator_loads) -eq 0 ]]

	rm "$PINS/tc_plain_prog"
	wait_until none_left prog "$PROG"
	drained
	[[ $(iterator_loads) -eq 0 ]]
}

# The program finds a value, swap-drain runs to its end, then the program adds 1000:
# sleep_hold.c and wq_hold.c. Where there is a way to wait it is waited for:
# swap-sleepable.bats
#
# held_and_refused PATTERN HOLD... / held_and_lost HOLD...
held_and_refused() {
	run --separate-stderr "${@:2}" "$(tool_without_way)" map swap-drain \
		pinned "$PINS/outer" key 0 0 0 0 journal "$PINS/journal"
	[[ $status -ne 77 ]] || skip "$stderr"
	[[ $status -eq 255 && -z $output ]]
	[[ $stderr =~ ^Error:\ .*$1 ]]
	[[ $(slot_id) == $(map_id "$PINS/first") ]]
	# Nothing is lost: the late add is in the slot
	dump "$PINS/first" | jq -e '.[0].value == 1000'
}

held_and_lost() {
	run --separate-stderr "$@" "$BPFTOOL" map swap-drain pinned "$PINS/outer" \
		key 0 0 0 0 journal "$PINS/journal" force keep "$PINS/kept"
	[[ $status -ne 77 ]] || skip "$stderr"
	[[ $status -eq 0 && $stderr == Warning:* ]]
	jq -e '.[0].value == 0' <<<"$output"
	# What was drained has changed since
	dump "$PINS/kept" | jq -e '.[0].value == 1000'
}

@test "a sleepable program inside: forced, it writes after the drain" {
	for prog in uprobe_sleeps syscall_sleeps; do
		held_and_lost "$BUILD/tests/sleep_hold" "$BUILD/tests/sleep_use.bpf.o" \
			$prog "$PINS"
		rm -rf "${PINS:?}"/*
	done
}

@test "a bpf_wq callback inside: forced, it writes after the drain" {
	needs_wq
	held_and_lost "$BUILD/tests/wq_hold" "$BUILD/tests/wq_callback.bpf.o" "$PINS"
}

@test "a sleepable program inside, no way to wait: refused, the slot keeps its add" {
	for prog in uprobe_sleeps syscall_sleeps; do
		held_and_refused "program [0-9]+ $prog is sleepable" \
			"$BUILD/tests/sleep_hold" "$BUILD/tests/sleep_use.bpf.o" $prog "$PINS"
		rm -rf "${PINS:?}"/*
	done
}

@test "a bpf_wq callback inside, no way to wait: refused, naming program and map" {
	needs_wq
	held_and_refused "program [0-9]+ wq_start can start a callback from map [0-9]+" \
		"$BUILD/tests/wq_hold" "$BUILD/tests/wq_callback.bpf.o" "$PINS"
	[[ $stderr == *"from map $(map_id "$PINS/works"),"* ]]
}

@test "a bpf_wq in the drained map's own values" {
	needs_wq
	load_prog callbacks in_wq
	mv "$PINS/wq_outer" "$PINS/outer"
	fill_slot "$PINS/wq"
	bpftool map delete pinned "$PINS/outer" key 1 0 0 0
	refused_and_forced "map $(map_id "$PINS/wq") .*its own values start callbacks"
}

@test "a bpf_wq in the inner map of another map-in-map" {
	needs_wq
	load_prog callbacks wq_in_other
	waited_for "program $PROG wq_in_other can start a callback from map $(map_id "$PINS/wq_outer"),"
}

@test "a bpf_wq in a map that the program does not use" {
	needs_wq
	load_prog callbacks wq_nowhere
	drained
}

@test "a bpf_task_work in a map of the program" {
	skip_unless "the kernel has no bpf_task_work" \
		grep -qw bpf_task_work_schedule_signal_impl /proc/kallsyms
	load_prog callbacks task_work
	waited_for "program $PROG task_work can start a callback from map $(map_id "$PINS/tasks"),"
}

@test "a bpf_timer in another map of the program: the wait covers it" {
	load_prog callbacks timer_beside
	drained
}

@test "built without skeletons: refused, as it can't be found out" {
	load_prog sleep_use uprobe_plain
	BPFTOOL=$BUILD/noskel/bpftool
	refused_and_forced "program $PROG uprobe_plain may be sleepable.*: Operation not supported"
}

@test "built without skeletons: each command of a batch is refused" {
	local batch=$BATS_TEST_TMPDIR/batch

	load_prog sleep_use iter_plain
	BPFTOOL=$BUILD/noskel/bpftool
	printf 'map swap-drain pinned %s key 0 0 0 0 journal %s %s\n' \
		"$PINS/outer" "$PINS/journal" force \
		"$PINS/outer" "$PINS/journal" force \
		"$PINS/outer" "$PINS/journal" "" >"$batch"
	run --separate-stderr bpftool batch file "$batch"
	[[ $status -ne 0 ]]
	[[ $(grep -c "^Warning: .*program $PROG iter_plain may be sleepable" \
		<<<"$stderr") -eq 2 ]]
	[[ $(grep -c "^Error: .*program $PROG iter_plain may be sleepable" \
		<<<"$stderr") -eq 1 ]]
	journal_is_empty
}

@test "built without skeletons: syscall programs are known to sleep" {
	load_prog sleep_use syscall_sleeps
	BPFTOOL=$BUILD/noskel/bpftool
	waited_for "program $PROG syscall_sleeps is sleepable"
}

# Without an iterator: the kernel refuses sleepable ones, or takes them
@test "built without skeletons: raw_tp programs are known not to sleep" {
	last_slot
	load_prog users_maps raw_tp_plain
	if "$BUILD/tests/reach_load" "$BUILD/tests/users_maps.bpf.o" raw_tp_sleeps \
		"$PINS" sleepable; then
		rm "$PINS/raw_tp_sleeps_prog"
		skip "this kernel has sleepable ones"
	fi
	BPFTOOL=$BUILD/noskel/bpftool
	drained
}

# cant_tell REASON: the last run was refused, as a program may be sleepable
cant_tell() {
	[[ $status -eq 255 && -z $output ]]
	[[ $stderr =~ ^Error:\ .*program\ $PROG\ .*may\ be\ sleepable.*$1 ]]
	journal_is_empty
}

@test "the kernel refuses to load, attach or run the iterator: refused" {
	run_of
	for command in PROG_LOAD LINK_CREATE ITER_CREATE; do
		load_prog sleep_use uprobe_plain
		before=$(slot_id)
		run --separate-stderr refuse "$command" EPERM "${RUN[@]}"
		[[ $status -ne 77 ]] || skip "$stderr"
		cant_tell "Operation not permitted"
		[[ $(slot_id) == "$before" ]]
		rm -rf "${PINS:?}"/*
	done
}

@test "the kernel's BTF can't be read: refused" {
	need_strace
	load_prog sleep_use uprobe_plain
	run_of
	run --separate-stderr strace -o "$BATS_TEST_TMPDIR/trace" \
		-P /sys/kernel/btf/vmlinux -e trace=openat \
		-e inject=openat:error=ENOENT "${RUN[@]}"
	grep -q INJECTED "$BATS_TEST_TMPDIR/trace"
	cant_tell ""
}

# It is set for the whole machine, and hides what programs that are loaded now do
@test "the kernel hides constants: no program of map drain's audit is exact" {
	HARDEN=$(cat /proc/sys/net/core/bpf_jit_harden)
	run "$BUILD/tests/audit_check" "$BUILD/tests/audit_hash.bpf.o"
	grep -q ' exact ' <<<"$output"

	echo 2 >/proc/sys/net/core/bpf_jit_harden
	run "$BUILD/tests/audit_check" "$BUILD/tests/audit_hash.bpf.o"
	grep -q unknown <<<"$output"
	run ! grep ' exact ' <<<"$output"
}
