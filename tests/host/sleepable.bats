# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# bpftool map sync sleepable: waits for sleepable programs, is proven by a canary,
# can be given up at any time, and leaves nothing
# shellcheck disable=SC2154 # "run --separate-stderr" sets $stderr

load ../lib/common

setup() {
	setup_bpffs
	# A name that no other process has
	TOOL=$BATS_TEST_TMPDIR/tool-$$
	ln -s "$BPFTOOL" "$TOOL"
	export TOOL BATS_TEST_TMPDIR
}

need_sleepable() {
	skip_unless "no way to wait for sleepable programs is here" \
		"$BPFTOOL" map sync sleepable
}

# held PROGRAM SCRIPT: runs a script of bash while a sleepable program is held
held() {
	local status=0

	rm -rf "$PINS/held"
	mkdir "$PINS/held"
	timeout 60 "$BUILD/tests/sleep_hold" "$BUILD/tests/sleep_use.bpf.o" "$1" \
		"$PINS/held" bash -c "$2" || status=$?
	((status != 77)) || skip "the program can't be held here"
	return $status
}

no_process() {
	! pgrep -f "$TOOL" >/dev/null
}

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}
export -f now_ms

@test "plain: no output; -j: both waits, each with its provider and time" {
	need_sleepable
	run --separate-stderr bpftool map sync sleepable
	[[ $status == 0 && -z $output && -z $stderr ]]
	bpftool -j map sync sleepable >"$BATS_TEST_TMPDIR/out"
	jq -es 'length == 1 and (.[0] | keys == ["provider", "sleepable", "wait_us"] and
		(.wait_us > 0) and (.sleepable | keys == ["provider", "wait_us"] and
		.provider == "uprobe" and .wait_us >= 100000))' "$BATS_TEST_TMPDIR/out"
}

@test "output that can't be written is an error" {
	need_sleepable
	local words

	for words in "sync" "sync sleepable"; do
		# shellcheck disable=SC2016 # the inner shell expands them
		run --separate-stderr bash -c '"$BPFTOOL" -j map $1 >/dev/full' - "$words"
		[[ $status == 255 && $stderr == *"No space left on device"* ]]
	done
}

@test "using names the one or the other way" {
	need_sleepable
	bpftool -j map sync sleepable using uprobe |
		jq -e '.sleepable.provider == "uprobe"'
	bpftool -j map sync sleepable timeout 20 using map_in_map_update |
		jq -e '.provider == "map_in_map_update" and .sleepable.provider == "uprobe"'
	bpftool -j map sync sl ti 20 us uprobe | jq -e .sleepable
	run --separate-stderr bpftool map sync using map_in_map_update sleepable
	fails_with "unknown keyword 'sleepable'"
	run --separate-stderr bpftool map sync using uprobe
	fails_with "unknown provider 'uprobe', .*membarrier"
	run --separate-stderr bpftool map sync sleepable using nothing
	fails_with "unknown provider 'nothing', .*membarrier"
}

@test "bad input: one line" {
	local word

	for word in 0 "" +1 1.5 x 4294968 99999999999999999999 " 1"; do
		run --separate-stderr bpftool map sync sleepable timeout "$word"
		fails_with "timeout '${word/+/.}' is not a number of seconds"
	done
	run --separate-stderr bpftool map sync timeout 3
	fails_with "unknown keyword 'timeout'"
	run --separate-stderr bpftool map sync sleepable timeout
	fails_with "'timeout' needs"
	run --separate-stderr bpftool map sync sleepable using
	fails_with "'using' needs"
	for word in "sleepable sleepable" "sleepable timeout 1 timeout 2" \
		"sleepable id 3"; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr bpftool map sync $word
		fails_with "what is '"
	done
	run --separate-stderr bpftool map sync using membarrier using membarrier
	fails_with "unknown keyword 'using'"
}

@test "the kfunc: found in the kernel's BTF, and not used" {
	need_unshare
	if ! grep -qaw bpf_call_rcu_tasks_trace "$KERNEL_BTF"; then
		run --separate-stderr bpftool map sync sleepable \
			using bpf_call_rcu_tasks_trace
		fails_with "does not have the kfunc"
	fi
	"$BUILD/tests/btf_make" "$BATS_TEST_TMPDIR/types" e bpf_call_rcu_tasks_trace 1
	run --separate-stderr over "$BATS_TEST_TMPDIR/types" "$KERNEL_BTF" \
		"$BPFTOOL" map sync sleepable using bpf_call_rcu_tasks_trace
	fails_with "the kernel has it, but"
}

@test "a sleepable program: not over until it has left" {
	local program

	need_sleepable
	for program in syscall_sleeps uprobe_sleeps; do
		# shellcheck disable=SC2016 # the inner shell expands them
		held "$program" '("$TOOL" map sync sleepable
			echo "$? $(now_ms)" >"$BATS_TEST_TMPDIR/over") >/dev/null 2>&1 &
			sleep 1.5; kill -0 $! || exit 1
			now_ms >"$BATS_TEST_TMPDIR/released"'
		over_written() { [[ -s $BATS_TEST_TMPDIR/over ]]; }
		wait_until over_written
		read -r status ended <"$BATS_TEST_TMPDIR/over"
		[[ $status == 0 ]]
		((ended >= $(<"$BATS_TEST_TMPDIR/released")))
		rm "$BATS_TEST_TMPDIR/over"
	done
}

@test "control: without sleepable it is over at once" {
	need_sleepable
	# shellcheck disable=SC2016 # the inner shell expands them
	held syscall_sleeps '"$TOOL" map sync'
}

@test "timeout: an error in time, and nothing is left after the program" {
	local program

	need_sleepable
	for program in syscall_sleeps uprobe_sleeps; do
		# shellcheck disable=SC2016 # the inner shell expands them
		held "$program" 'start=$(now_ms)
			"$TOOL" map sync sleepable timeout 1 2>"$BATS_TEST_TMPDIR/err"
			[[ $? == 255 ]] || exit 1
			echo $(($(now_ms) - start)) >"$BATS_TEST_TMPDIR/took"'
		grep -qx "Error: can't wait with uprobe: sleepable programs were still running after 1 s" \
			"$BATS_TEST_TMPDIR/err"
		echo "took $(<"$BATS_TEST_TMPDIR/took") ms"
		(($(<"$BATS_TEST_TMPDIR/took") >= 1000))
		(($(<"$BATS_TEST_TMPDIR/took") < 1500))
		wait_until no_process
	done
}

@test "a signal ends it at once, and nothing is left after the program" {
	local signal

	need_sleepable
	for signal in INT TERM HUP KILL; do
		# The programs are pinned by its descriptors, and its child's: their ids
		# shellcheck disable=SC2016 # the inner shell expands them
		held syscall_sleeps 'env --default-signal=INT,TERM,HUP "$TOOL" map sync sleepable &
			pid=$!; sleep 0.5
			: >"$BATS_TEST_TMPDIR/ids"
			until [[ $(wc -l <"$BATS_TEST_TMPDIR/ids") == 2 ]]; do
				kill -0 $pid || exit 1
				for p in $(pgrep -f "$TOOL"); do
					sed -n "s/^prog_id:[[:space:]]*//p" /proc/"$p"/fdinfo/*
				done 2>/dev/null | sort -u >"$BATS_TEST_TMPDIR/ids"
			done
			start=$(now_ms)
			kill -'$signal' $pid; wait $pid; [[ $? -gt 128 ]] || exit 1
			echo $(($(now_ms) - start)) >"$BATS_TEST_TMPDIR/took"' 2>/dev/null
		echo "$signal: took $(<"$BATS_TEST_TMPDIR/took") ms"
		(($(<"$BATS_TEST_TMPDIR/took") < 500))
		wait_until no_process
		gone() {
			"$BPFTOOL" -j prog show >"$BATS_TEST_TMPDIR/show" &&
				jq '.[].id' "$BATS_TEST_TMPDIR/show" >"$BATS_TEST_TMPDIR/progs" &&
				! grep -qxFf "$BATS_TEST_TMPDIR/ids" "$BATS_TEST_TMPDIR/progs"
		}
		wait_until gone
	done
}

@test "a signal while the canary is held lets it out" {
	local i

	need_sleepable
	# Whenever it comes
	for i in 0.01 0.02 0.03 0.05 0.07 0.1; do
		run timeout -s KILL "$i" "$TOOL" map sync sleepable
		wait_until no_process
	done
	timeout 10 "$TOOL" map sync sleepable
}

@test "stopped and continued, it still waits" {
	local pid

	need_sleepable
	"$TOOL" map sync sleepable &
	pid=$!
	for i in 1 2; do
		sleep 0.03
		kill -STOP $pid
		sleep 0.1
		kill -CONT $pid
	done
	wait $pid
}

@test "what was given up keeps neither pipe nor lock" {
	need_sleepable
	# shellcheck disable=SC2016 # the inner shell expands them
	held syscall_sleeps 'exec 9>"$BATS_TEST_TMPDIR/lock"; flock 9
		timeout 5 bash -c "\"\$TOOL\" -d map sync sleepable timeout 1 2>&1 | cat >/dev/null" || exit 1
		exec 9>&-
		flock -n "$BATS_TEST_TMPDIR/lock" true'
	wait_until no_process
}

@test "the library: timeout and cancellation, while a sleepable program is held" {
	need_sleepable
	"$BUILD/tests/sleep_hold" "$BUILD/tests/sleep_use.bpf.o" syscall_sleeps \
		"$PINS" "$BUILD/tests/wait_use" limits
}

@test "a way that returns at once is found by the canary" {
	need_sleepable
	need_strace
	run --separate-stderr timeout 20 strace -f -qq -o "$BATS_TEST_TMPDIR/trace" \
		-P 'anon_inode:[perf_event]' -e trace=close -e inject=close:retval=0 \
		"$BPFTOOL" map sync sleepable
	grep -q INJECTED "$BATS_TEST_TMPDIR/trace"
	fails_with "it returned while a sleepable program was running"
}

@test "a canary that can't be held is no proof" {
	need_sleepable
	need_strace
	run --separate-stderr with_fault userfaultfd:error=EPERM -- map sync sleepable
	fails_with "can't hold a sleepable program in a page fault: Operation not permitted"
	run --separate-stderr setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace \
		"$BPFTOOL" map sync sleepable
	fails_with "can't hold a sleepable program in a page fault: Operation not permitted"
	# The fault is never seen: a page that is there
	run --separate-stderr timeout 30 strace -f -qq -o /dev/null -e trace=ioctl \
		-e inject=ioctl:retval=0:when=2+ "$BPFTOOL" map sync sleepable
	fails_with "a sleepable program could not be held in a page fault"
	# It was let out, by whatever
	needs_at_call
	run --separate-stderr at_call -a late=EINTR 'bpf\(BPF_PROG_TEST_RUN' \
		"$BPFTOOL" map sync sleepable
	fails_with "a sleepable program could not be held in a page fault"
}

@test "no uprobe events, no way" {
	need_unshare
	mkdir "$BATS_TEST_TMPDIR/empty"
	run --separate-stderr over "$BATS_TEST_TMPDIR/empty" \
		/sys/bus/event_source/devices "$BPFTOOL" map sync sleepable
	fails_with "can't wait for sleepable programs, no provider works: bpf_call_rcu_tasks_trace \(.*\), uprobe \(the kernel has no uprobe events"
}

# waited DIR: in these traces, a file a process, the canary ran to its end and a
# uprobe's event was closed
waited() {
	grep -qE '^close\([0-9]+<anon_inode:\[?perf_event\]?>\) += 0$' "$1"/t.* &&
		grep -qE '^bpf\(BPF_PROG_TEST_RUN.* = 0$' "$1"/t.*
}

@test "no failing system call makes a success without a wait" {
	local call nr first count status dir=$BATS_TEST_TMPDIR/traces ok=0 failed=0

	need_sleepable
	need_strace
	for call in bpf openat read memfd_create ftruncate socketpair clone clone3 \
		perf_event_open ioctl close close_range sendto recvfrom userfaultfd \
		poll mmap munmap madvise wait4 rt_sigprocmask; do
		# What comes before the first bpf(2) is the linker's
		strace -f -qq -o "$BATS_TEST_TMPDIR/list" -e "trace=$call,bpf" \
			"$BPFTOOL" map sync sleepable using map_in_map_update
		first=$(sed '/ bpf(/,$d' "$BATS_TEST_TMPDIR/list" | grep -c " $call(") || true
		count=$(grep -c " $call(" "$BATS_TEST_TMPDIR/list") || continue
		for ((nr = first + 1; nr <= count; nr += ${FAULTS_QUICK:-1})); do
			rm -rf "$dir"
			mkdir "$dir"
			status=0
			timeout 20 strace -ff -y -qq -o "$dir/t" \
				-e inject="$call:error=ENOMEM:when=$nr" -e trace=all \
				"$BPFTOOL" map sync sleepable \
				using map_in_map_update 2>"$dir/err" || status=$?
			if [[ $status == 0 ]]; then
				waited "$dir" || {
					echo "$call $nr: no wait" >&2
					return 1
				}
				ok=$((ok + 1))
			else
				[[ $status == 255 ]] || {
					echo "$call $nr: status $status: $(<"$dir/err")" >&2
					return 1
				}
				failed=$((failed + 1))
			fi
		done
	done
	echo "# $ok waited, $failed refused" >&3
	((failed > 20 / ${FAULTS_QUICK:-1}))
}

@test "map sync without sleepable makes none of the calls" {
	need_strace
	strace -f -qq -o "$BATS_TEST_TMPDIR/trace" "$BPFTOOL" map sync \
		using map_in_map_update
	run -1 grep -E '(clone|fork|clone3|userfaultfd|perf_event_open|memfd_create|socketpair)\(|PROG_TYPE_(SYSCALL|KPROBE)|devices/uprobe' \
		"$BATS_TEST_TMPDIR/trace"
}
