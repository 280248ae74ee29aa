# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The users of a map: what is asked of programs, links and other maps, and that an
# answer that can't be had is never taken for "no user"

load ../lib/holders

teardown() {
	cleanup_leak_free
}

# A slot, and a library that answers as a security module does which protects one map,
# $PROTECT: it can't be opened for writing; with $DENY_READ it can't at all
deny_library() {
	make_slot
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
	local before

	before=$(slots_of "$PINS/outer")
	run_of
	run --separate-stderr "${@:2}" "${RUN[@]}"
	[[ $status -ne 77 ]] || skip "$stderr"
	[[ $status -eq 255 && -z $output ]]
	[[ $stderr =~ ^Error:\ [^$'\n']*${1}[^$'\n']*$ ]]
	[[ $(slots_of "$PINS/outer") == "$before" ]]
	journal_is_empty
}

drained_by() {
	run_of
	run -0 --separate-stderr "$@" "${RUN[@]}"
	[[ -n $output && -z $stderr ]]
	journal_is_empty
}

@test "an unrelated map that can't be opened for writing: drained" {
	deny_library
	other_map hash "$PINS/other"
	PROTECT=$(map_id "$PINS/other")
	drained_by protected
}

@test "a map-in-map that can't be opened for writing: its slots are looked at" {
	deny_library
	other_outer inner hash_of_maps
	PROTECT=$OTHER
	insert "$PINS/other" "$PINS/inner" 1 0 0 0
	refuses_drain "slot 01 00 00 00 of map $PROTECT .* holds it" protected
	bpftool map delete pinned "$PINS/other" key 1 0 0 0
	drained_by protected
}

@test "a map that can't be opened at all: refused naming it, drained with force" {
	deny_library
	other_map hash "$PINS/other"
	PROTECT=$(map_id "$PINS/other")
	refuses_drain "map $PROTECT .*Permission denied" \
		protected env DENY_READ=1
	run -0 --separate-stderr protected env DENY_READ=1 "${RUN[@]}" force
	[[ -n $output ]]
	[[ $stderr =~ ^Warning:\ [^$'\n']*of\ map\ $PROTECT:[^$'\n']*$ ]]
}

# iterates MAP_PIN: an iterator is attached to a map; without users_maps.bpf.c's
# maps in $PINS, they are made
iterates() {
	load_prog_or_skip users_maps add_to_each iter "$1"
}

@test "a question that the kernel does not answer is an error" {
	local -A says=([EPERM]="Operation not permitted" [EINVAL]="Invalid argument")

	other_map --entries 1 array "$PINS/other"
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

@test "an iterator on the inner map: refused naming its link" {
	other_map --entries 1 array "$PINS/in"
	bpftool map create "$PINS/outer" type array_of_maps key 4 value 4 \
		entries 2048 name outer inner_map pinned "$PINS/in"
	iterates "$PINS/in"
	in_slot key 0 0 0 0
	fill_slot "$PINS/in"
	refused_and_forced "link $PROG attaches an iterator, program [0-9]+ add_to_each, to it"
}

@test "an iterator on the inner map that comes between the checks: pinned" {
	local link=$BATS_TEST_TMPDIR/link

	needs_at_call
	last_slot
	other_map --entries 1 array "$PINS/other"
	iterates "$PINS/other"
	rm "$PINS"/add_to_each_*
	run_of
	export link
	run -255 --separate-stderr at_call after='"$BUILD/tests/reach_load" \
		"$BUILD/tests/users_maps.bpf.o" add_to_each "$PINS" iter \
		"$(find "$PINS/journal" -type f)" >"$link"' \
		'bpf\(BPF_MAP_UPDATE_(ELEM|BATCH)' "${RUN[@]}"
	[[ -z $output ]]
	grep "link $(<"$link") attaches an iterator" <<<"$stderr"
	[[ $stderr == *"pinned at $(journal_pins)"* ]]
	rm "$PINS"/add_to_each_*
	wait_until recover_all
	journal_is_empty
}

# Before 6.8 a look-up of a slot waits, also of an empty one
@test "a map-in-map with keys of more than 512 bytes; empty slots are not looked up one by one" {
	local trace=$BATS_TEST_TMPDIR/trace

	last_slot
	load_prog users_maps tc_long_key
	drained_by
	need_strace
	run_of force
	strace -o "$trace" -e trace=bpf "${RUN[@]}"
	grep -q '^bpf(BPF_MAP_UPDATE_ELEM' "$trace"
	[[ $(grep -c '^bpf(BPF_MAP_LOOKUP_ELEM' "$trace") -le 10 ]]
}

# own_callbacks MAP: those in its values are found, though they are not in the
# first place
own_callbacks() {
	load_prog callbacks "in_$1"
	mv "$PINS/$1_outer" "$PINS/outer"
	refused_and_forced "map $(map_id "$PINS/$1") .*its own values start callbacks"
}

@test "a bpf_wq in a struct in a struct of the map's own values" {
	needs_wq
	own_callbacks wq_deep
}

@test "the map's own values: a bpf_timer, a bpf_timer in an array of structs, a bpf_rcu_head" {
	for map in timer timer_deep rcu_head; do
		own_callbacks $map
		rm -rf "${PINS:?}"/*
	done
}

@test "a bpf_wq in a struct in a struct of another map of the program" {
	needs_wq
	load_prog callbacks wq_deep_beside
	waited_for "program $PROG wq_deep_beside can start a callback from map $(map_id "$PINS/beside"),"
}
