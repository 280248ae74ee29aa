# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# bpftool map sync sleepable: waits for sleepable programs, is proven by a canary,
# can be given up at any time, and leaves nothing
# shellcheck disable=SC2016,SC2154 # shells of their own, variables of run

load ../lib/sleepable

# held PROGRAM SCRIPT: runs a script of bash while a sleepable program is held
held() {
	rm -rf "${PINS:?}"/*
	sleeping "$1"
	while_inside "$2" "${HOLD[@]}"
}

@test "plain: no output; -j: both waits, each with its provider and time" {
	run --separate-stderr bpftool map sync sleepable
	[[ $status == 0 && -z $output && -z $stderr ]]
	bpftool -j map sync sleepable >"$BATS_TEST_TMPDIR/out"
	jq -es 'length == 1 and (.[0] | keys == ["provider", "sleepable", "wait_us"] and
		(.wait_us > 0) and (.sleepable | keys == ["provider", "wait_us"] and
		.provider == "uprobe" and .wait_us >= 100000))' "$BATS_TEST_TMPDIR/out"
}

@test "output that can't be written is an error" {
	for words in "sync" "sync sleepable"; do
		# shellcheck disable=SC2086 # words
		run -255 --separate-stderr full "$BPFTOOL" -j map $words
		[[ $stderr == *"No space left on device"* ]]
	done
}

@test "using names the one or the other way" {
	bpftool -j map sync sleepable using uprobe |
		jq -e '.sleepable.provider == "uprobe"'
	bpftool -j map sync sleepable timeout 20 using map_in_map_update |
		jq -e '.provider == "map_in_map_update" and .sleepable.provider == "uprobe"'
	bpftool -j map sync sl ti 20 us uprobe | jq -e .sleepable
	fails_like "unknown keyword 'sleepable'" \
		bpftool map sync using map_in_map_update sleepable
	fails_like "unknown provider 'uprobe', .*membarrier" bpftool map sync using uprobe
	fails_like "unknown provider 'nothing', .*membarrier" \
		bpftool map sync sleepable using nothing
}

@test "a sleepable program: not over until it has left" {
	for program in syscall_sleeps uprobe_sleeps; do
		held "$program" 'in_background "$TOOL" map sync sleepable
			sleep 1.5
			! ended'
		ended_with 0
	done
}

@test "control: without sleepable it is over at once" {
	held syscall_sleeps '"$TOOL" map sync'
}

@test "timeout: an error in time, and nothing is left after the program" {
	for program in syscall_sleeps uprobe_sleeps; do
		held "$program" 'status=0 start=$(now_ms)
			"$TOOL" map sync sleepable timeout 1 2>"$OUT.err" || status=$?
			[[ $status == 255 ]]
			echo $(($(now_ms) - start)) >"$OUT.took"'
		grep -qx "Error: can't wait with uprobe: sleepable programs were still running after 1 s" \
			"$OUT.err"
		took=$(<"$OUT.took")
		((took >= 1000 && took < 1500))
		wait_until no_process
	done
}

@test "a signal ends it at once, and nothing is left after the program" {
	for signal in INT TERM HUP KILL; do
		# The programs are pinned by its descriptors, and its child's: their ids
		held syscall_sleeps 'env --default-signal=INT,TERM,HUP "$TOOL" map sync sleepable &
			pid=$!; sleep 0.5
			: >"$OUT.ids"
			until [[ $(wc -l <"$OUT.ids") == 2 ]]; do
				kill -0 $pid
				for p in $(pgrep -f "$TOOL"); do
					sed -n "s/^prog_id:[[:space:]]*//p" /proc/"$p"/fdinfo/* || true
				done 2>/dev/null | sort -u >"$OUT.ids"
			done
			status=0 start=$(now_ms)
			kill -'$signal' $pid; wait $pid || status=$?
			[[ $status -gt 128 ]]
			echo $(($(now_ms) - start)) >"$OUT.took"'
		echo "$signal: took $(<"$OUT.took") ms"
		(($(<"$OUT.took") < 500))
		wait_until no_process
		gone() {
			"$BPFTOOL" -j prog show >"$OUT.show" &&
				jq '.[].id' "$OUT.show" >"$OUT.progs" &&
				! grep -qxFf "$OUT.ids" "$OUT.progs"
		}
		wait_until gone
	done
}

@test "a signal while the canary is held lets it out" {
	# Whenever it comes
	for i in 0.01 0.02 0.03 0.05 0.07 0.1; do
		run timeout -s KILL "$i" "$TOOL" map sync sleepable
		wait_until no_process
	done
	timeout 10 "$TOOL" map sync sleepable
}

@test "stopped and continued, it still waits" {
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
	held syscall_sleeps 'exec 9>"$OUT.lock"; flock 9
		timeout 5 bash -c "\"\$TOOL\" -d map sync sleepable timeout 1 2>&1 | cat >/dev/null"
		exec 9>&-
		flock -n "$OUT.lock" true'
	wait_until no_process
}

@test "the library: timeout and cancellation, while a sleepable program is held" {
	sleeping syscall_sleeps
	"${HOLD[@]}" "$BUILD/tests/wait_use" limits
}

@test "a way that returns at once is found by the canary" {
	need_strace
	run --separate-stderr timeout 20 strace -f -qq -o "$BATS_TEST_TMPDIR/trace" \
		-P 'anon_inode:[perf_event]' -e trace=close -e inject=close:retval=0 \
		"$BPFTOOL" map sync sleepable
	grep -q INJECTED "$BATS_TEST_TMPDIR/trace"
	fails_with "it returned while a sleepable program was running"
}

@test "a canary that can't be held is no proof" {
	need_strace
	fails_like "can't hold a sleepable program in a page fault: Operation not permitted" \
		with_fault userfaultfd:error=EPERM -- map sync sleepable
	fails_like "can't hold a sleepable program in a page fault: Operation not permitted" \
		setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace "$BPFTOOL" \
		map sync sleepable
	# The fault is never seen: a page that is there
	fails_like "a sleepable program could not be held in a page fault" \
		timeout 30 strace -f -qq -o /dev/null -e trace=ioctl \
		-e inject=ioctl:retval=0:when=2+ "$BPFTOOL" map sync sleepable
	# It was let out, by whatever
	needs_at_call
	fails_like "a sleepable program could not be held in a page fault" \
		at_call -a late=EINTR 'bpf\(BPF_PROG_TEST_RUN' "$BPFTOOL" map sync sleepable
}

# A success has traces, a file a process, in which a uprobe's event was closed and the
# canary ran to its end
@test "no failing system call makes a success without a wait" {
	local dir=$BATS_TEST_TMPDIR/traces ok=0 failed=0
	local closed='^close\([0-9]+<anon_inode:\[?perf_event\]?>\) += 0$'

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
				echo "$call $nr: waited?"
				grep -qE "$closed" "$dir"/t.*
				grep -qE '^bpf\(BPF_PROG_TEST_RUN.* = 0$' "$dir"/t.*
				ok=$((ok + 1))
			else
				echo "$call $nr: status $status: $(<"$dir/err")"
				[[ $status == 255 ]]
				failed=$((failed + 1))
			fi
		done
	done
	echo "# $ok waited, $failed refused" >&3
	((failed > 20 / ${FAULTS_QUICK:-1}))
}

