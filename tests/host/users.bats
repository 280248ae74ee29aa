# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The users of a map: what is asked of programs, links and other maps, and that an
# answer that can't be had is never taken for "no user"

load ../lib/holders

teardown() {
	in_slot key 0 0 0 0
	cleanup_leak_free
}

# A library that answers as a security module does which protects one map,
# $PROTECT: it can't be opened for writing; with $DENY_READ it can't at all
deny_library() {
	skip_unless "there is no compiler" command -v cc
	cc -shared -fPIC -o "$BATS_TEST_TMPDIR/deny.so" -x c - -ldl <<-'E'
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <errno.h>
	#include <stdarg.h>
	#include <stdlib.h>
	#include <sys/syscall.h>
	#include <linux/bpf.h>

	long syscall(long nr, ...)
	{
		long (*real)(long, ...) = dlsym(RTLD_NEXT, "syscall");
		union bpf_attr *attr;
		long a[6];
		va_list ap;
		int i;

		va_start(ap, nr);
		for (i = 0; i < 6; i++)
			a[i] = va_arg(ap, long);
		va_end(ap);
		attr = (void *)a[1];
		if (nr == SYS_bpf && a[0] == BPF_MAP_GET_FD_BY_ID &&
		    attr->map_id == atoi(getenv("PROTECT")) &&
		    (getenv("DENY_READ") || !(attr->open_flags & BPF_F_RDONLY))) {
			errno = EACCES;
			return -1;
		}
		return real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	E
}

protected() {
	env PROTECT="$PROTECT" LD_PRELOAD="$BATS_TEST_TMPDIR/deny.so" "$@"
}

# refuses_drain PATTERN [COMMAND...]: refused without force, run by a command, and
# nothing was touched
refuses_drain() {
	local pattern=$1 before

	shift
	before=$(slots_of "$PINS/outer")
	run --separate-stderr "$@" "$BPFTOOL" map swap-drain \
		pinned "$PINS/outer" "${SLOT[@]}" journal "$PINS/journal"
	[[ $status -ne 77 ]] || skip "$stderr"
	echo "$status '$output' '$stderr'"
	[[ $status -eq 255 && -z $output ]]
	[[ $stderr =~ ^Error:\ [^$'\n']*${pattern}[^$'\n']*$ ]]
	[[ $(slots_of "$PINS/outer") == "$before" ]]
	journal_is_empty
}

drained_by() {
	run -0 --separate-stderr "$@" "$BPFTOOL" map swap-drain \
		pinned "$PINS/outer" "${SLOT[@]}" journal "$PINS/journal"
	[[ -n $output && -z $stderr ]]
	journal_is_empty
}

@test "an unrelated map that can't be opened for writing: drained" {
	deny_library
	make_slot
	other_map hash "$PINS/other"
	PROTECT=$(map_id "$PINS/other")
	drained_by protected
}

@test "a map-in-map that can't be opened for writing: its slots are looked at" {
	deny_library
	make_slot
	bpftool map create "$PINS/other" type hash_of_maps key 4 value 4 \
		entries 2 name "other_${WORLD-}$$" inner_map pinned "$PINS/inner"
	PROTECT=$(map_id "$PINS/other")
	insert "$PINS/other" "$PINS/inner" 1 0 0 0
	refuses_drain "slot 01 00 00 00 of map $PROTECT .* holds it" protected
	bpftool map delete pinned "$PINS/other" key 1 0 0 0
	drained_by protected
}

@test "a map that can't be opened at all: refused naming it, drained with force" {
	deny_library
	make_slot
	other_map hash "$PINS/other"
	PROTECT=$(map_id "$PINS/other")
	refuses_drain "map $PROTECT .*Permission denied" \
		protected env DENY_READ=1
	run -0 --separate-stderr protected env DENY_READ=1 "$BPFTOOL" map swap-drain \
		pinned "$PINS/outer" "${SLOT[@]}" journal "$PINS/journal" force
	[[ -n $output ]]
	[[ $stderr =~ ^Warning:\ [^$'\n']*of\ map\ $PROTECT:[^$'\n']*$ ]]
}

# iterates MAP_PIN: an iterator is attached to a map; without users_maps.bpf.c's
# maps in $PINS, they are made
iterates() {
	load_prog_or_skip users_maps add_to_each iter "$1"
}

counters() {
	bpftool map create "$1" type array key 4 value 8 entries 1 \
		name "$INNER_NAME"
}

@test "a question that the kernel does not answer is an error" {
	local name errno
	local -A says=([EPERM]="Operation not permitted" [EINVAL]="Invalid argument")

	counters "$PINS/other"
	iterates "$PINS/other"
	last_slot
	for name in {PROG,MAP,LINK}_GET_NEXT_ID {PROG,LINK}_GET_FD_BY_ID \
		OBJ_GET_INFO_BY_FD; do
		for errno in EPERM EINVAL; do
			echo "$name: $errno"
			refuses_drain "${says[$errno]}" refuse "$name" $errno
		done
	done
	drained_by
}

@test "the same after the swap: pinned, and recovered" {
	local call

	needs_at_call
	make_slot
	for call in BPF_PROG_GET_NEXT_ID BPF_LINK_GET_NEXT_ID \
		BPF_MAP_GET_NEXT_ID; do
		echo "$call"
		run -255 --separate-stderr at_call \
			-s 'bpf\(BPF_MAP_UPDATE_(ELEM|BATCH)' error=EPERM \
			"bpf\($call" "$BPFTOOL" map swap-drain pinned "$PINS/outer" "${SLOT[@]}" journal "$PINS/journal"
		[[ -z $output ]]
		[[ $stderr =~ "can't tell who uses it: Operation not permitted" ]]
		[[ $stderr == *"pinned at $(find "$PINS/journal" -type f)"* ]]
		undo
	done
}

# What a run left is recovered
undo() {
	bpftool map swap-drain recover journal "$PINS/journal" >/dev/null
	journal_is_empty
}

@test "an iterator on the inner map: refused naming its link" {
	counters "$PINS/in"
	bpftool map create "$PINS/outer" type array_of_maps key 4 value 4 \
		entries 2048 name outer inner_map pinned "$PINS/in"
	iterates "$PINS/in"
	in_slot key 0 0 0 0
	fill_slot "$PINS/in"
	refused_and_forced "link $PROG attaches an iterator, program [0-9]+ add_to_each, to it"
}

# stopped_after_swap COMMAND...: a run that waits by membarrier is stopped right
# after the swap, and continues when the command has been run. $status is its, its
# output is in $OUT and $OUT.err.
stopped_after_swap() {
	local nth pid strace trace=$BATS_TEST_TMPDIR/trace before
	local run=("$BPFTOOL" "${MODE[@]}" map swap-drain pinned "$PINS/outer" "${SLOT[@]}"
		journal "$PINS/journal" using membarrier)

	OUT=$BATS_TEST_TMPDIR/stopped
	strace -o "$trace" -e trace=membarrier "${run[@]}" >"$OUT" \
		2>"$OUT.err" || return
	nth=$(grep -c '^membarrier(' "$trace")
	before=$(slots_of "$PINS/outer")
	strace -o /dev/null -e trace=membarrier \
		-e inject=membarrier:signal=SIGSTOP:when="$nth" "${run[@]}" \
		>"$OUT" 2>"$OUT.err" 3>&- &
	strace=$!
	wait_until slots_changed "$before"
	pid=$(pgrep -P "$strace")
	wait_until is_stopped "$pid"
	"$@"
	kill -CONT "$pid"
	status=0
	wait "$strace" || status=$?
	echo "$status"
	cat "$OUT" "$OUT.err"
}

slots_changed() {
	[[ $(slots_of "$PINS/outer") != "$1" ]]
}

# Stopped, by a signal or by the tracer that hands it on
is_stopped() {
	grep -q '^State:.[Tt]' "/proc/$1/status"
}

needs_stopping() {
	skip_unless "there is no strace" command -v strace
	skip_unless "membarrier is not there" \
		bpftool map sync using membarrier
}

@test "an iterator on the inner map that comes between the checks: pinned" {
	needs_stopping
	last_slot
	counters "$PINS/other"
	iterates "$PINS/other"
	rm "$PINS"/add_to_each_*
	iterate_old() {
		iterates "$(find "$PINS/journal" -type f)"
	}
	stopped_after_swap iterate_old
	[[ $status -eq 255 && ! -s $OUT ]]
	grep "link $PROG attaches an iterator" "$OUT.err"
	rm "$PINS"/add_to_each_*
	wait_until recovers
}

recovers() {
	bpftool map swap-drain recover journal "$PINS/journal" >/dev/null
}

@test "a program with the map that is loaded between the checks: pinned" {
	needs_stopping
	make_slot array_of_maps --entries 16 hash
	load_holder() {
		rm -f "$PINS/held"
		ln_pin "$(find "$PINS/journal" -type f)" "$PINS/held"
		load_prog reach_use reach_holder
	}
	stopped_after_swap load_holder
	[[ $status -eq 255 && ! -s $OUT ]]
	grep "program $PROG reach_holder has it among its own maps" "$OUT.err"
	rm "$PINS/reach_holder_prog" "$PINS/held"
	wait_until recovers
}

# ln_pin PIN PATH: one more pin of a map
ln_pin() {
	bpftool map pin pinned "$1" "$2"
}

@test "a sleepable program that is loaded between the checks: waited for" {
	needs_stopping
	needs_sleepable_way
	load_prog sleep_use tc_plain
	load_sleepable() {
		load_prog sleep_use syscall_sleeps
	}
	in_mode -d
	stopped_after_swap load_sleepable
	[[ $status -eq 0 && -s $OUT ]]
	grep -E ": waited [0-9]+ us for sleepable programs$" "$OUT.err"
	journal_is_empty
}

@test "the same where there is no way to wait: pinned" {
	needs_stopping
	load_prog sleep_use tc_plain
	load_sleepable() {
		load_prog sleep_use syscall_sleeps
	}
	BPFTOOL=$(tool_without_way) stopped_after_swap load_sleepable
	[[ $status -eq 255 && ! -s $OUT ]]
	grep "program $PROG syscall_sleeps is sleepable" "$OUT.err"
	rm "$PINS/syscall_sleeps_prog"
	wait_until recovers
}

# Before 6.8 a look-up of a slot waits, also of an empty one
@test "empty slots are not looked up one by one" {
	local trace=$BATS_TEST_TMPDIR/trace

	skip_unless "there is no strace" command -v strace
	last_slot
	load_prog users_maps tc_long_key
	strace -o "$trace" -e trace=bpf "$BPFTOOL" map swap-drain \
		pinned "$PINS/outer" "${SLOT[@]}" journal "$PINS/journal" force
	grep -q '^bpf(BPF_MAP_UPDATE_ELEM' "$trace"
	[[ $(grep -c '^bpf(BPF_MAP_LOOKUP_ELEM' "$trace") -le 10 ]]
}

@test "a program with a map-in-map whose keys are longer than 512 bytes" {
	last_slot
	load_prog users_maps tc_long_key
	drained_by
}

# own_callbacks MAP: those in its values are found, though they are not in the
# first place
own_callbacks() {
	load_prog callbacks "in_$1"
	mv "$PINS/$1_outer" "$PINS/outer"
	refused_and_forced "map $(map_id "$PINS/$1") .*its own values start callbacks"
}

@test "a bpf_wq in a struct in a struct of the map's own values" {
	skip_unless "the kernel has no bpf_wq" grep -qw bpf_wq_init /proc/kallsyms
	own_callbacks wq_deep
}

@test "a bpf_timer in an array of structs in the map's own values" {
	own_callbacks timer_deep
}

@test "a bpf_rcu_head in the map's own values" {
	own_callbacks rcu_head
}

@test "a bpf_wq in a struct in a struct of another map of the program" {
	skip_unless "the kernel has no bpf_wq" grep -qw bpf_wq_init /proc/kallsyms
	load_prog callbacks wq_deep_beside
	waited_for "program $PROG wq_deep_beside can start a callback from map $(map_id "$PINS/beside"),"
}
