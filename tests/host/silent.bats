# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Mistakes that would lose or double data without a word: each test here has seen
# one that was planted, and that no other test saw (tests/mutants)

load ../lib/holders

setup() {
	setup_slot
	OUT=$BATS_TEST_TMPDIR/out
	ERR=$BATS_TEST_TMPDIR/err
}

teardown() {
	cleanup_leak_free
	cleanup_slot
}

# ends STATUS COMMAND...: with its output in $OUT and $ERR
ends() {
	local got=0

	[[ $2 != at_call ]] || needs_at_call
	"${@:2}" >"$OUT" 2>"$ERR" || got=$?
	[[ $got == "$1" ]] || {
		echo "status $got instead of $1: ${*:2}"
		cut -c -500 "$OUT" "$ERR"
		return 1
	} >&2
}

# one_slot [ARG...]: as make_slot, with the map $INNER, and RUN, a swap-drain
one_slot() {
	make_slot "$@"
	INNER=$(map_id "$PINS/inner")
	run_of
}

# The old map, $INNER, is pinned as the message says, and not in the slot
is_pinned() {
	[[ $(map_id "$(journal_pins)") == "$INNER" ]]
	grep -F "$(journal_pins)" "$OUT" "$ERR"
	[[ $(slot_id) != "$INNER" ]]
}

# recovered ENTRIES: by this command, all of it, and nothing by the next
recovered() {
	ends 0 recover_all
	jq -e --argjson id "$INNER" --argjson nr "$1" 'length == 1 and
		.[0].id == $id and (.[0].elements | length) == $nr' "$OUT"
	ends 0 recover_all
	[[ $(<"$OUT") == "[]" ]]
	[[ ! $(journal_pins) ]]
}

is_untouched() {
	[[ $(slot_id) == "$INNER" ]]
	[[ ! $(journal_pins) ]]
	run ! grep -E 'swapped|^key' "$OUT" "$ERR"
}

@test "stdout fails at its close() only" {
	for form in "" -j; do
		in_mode ${form:+"$form"}
		one_slot
		ends 255 at_call error=EIO "close\\(.*\"$OUT\"" "${RUN[@]}"
		is_pinned
		recovered 3
	done
}

@test "a write that fails once: what is out does not look complete" {
	in_mode -j
	one_slot array_of_maps --fill 20000 hash
	ends 255 at_call -n 2 error=EIO "write\\(.*\"$OUT\"" "${RUN[@]}"
	is_pinned
	grep -q '^\[' "$OUT"
	run ! grep -q '\]$' "$OUT"
	recovered 20000
}

# The calls that look for users of a map, where there is something to look at: a
# program with the outer map, and another map-in-map
@test "a check that can't be made is no check" {
	load_prog sleep_use tc_plain
	rm -f "$PINS/inner"
	bpftool map pin id "$(slot_id)" "$PINS/inner"
	other_map --fill 1 hash "$PINS/spare"
	other_outer spare array_of_maps
	insert "$PINS/other" "$PINS/spare" 0 0 0 0
	INNER=$(slot_id)
	run_of
	for call in 'PROG_GET_NEXT_ID' 'LINK_GET_NEXT_ID' 'MAP_GET_NEXT_ID' \
		"PROG_GET_FD_BY_ID, id=$PROG," "MAP_GET_FD_BY_ID, id=$OTHER," \
		"OBJ_GET_INFO_BY_FD, prog=$PROG," \
		"OBJ_GET_INFO_BY_FD, map=$OTHER," \
		"MAP_LOOKUP_(BATCH|ELEM), map=$OTHER,"; do
		echo "before the swap: $call"
		ends 255 at_call -a error=EPERM "bpf\\(BPF_$call" "${RUN[@]}"
		is_untouched
		echo "after the swap: $call"
		ends 255 at_call -a -s 'bpf\(BPF_MAP_UPDATE_ELEM' error=EPERM \
			"bpf\\(BPF_$call" "${RUN[@]}"
		is_pinned
		[[ ! -s $OUT ]]
		[[ $call != *NEXT_ID ]] ||
			grep "can't tell who uses it: Operation not permitted" "$ERR"
		ends 255 at_call -a error=EPERM "bpf\\(BPF_$call" \
			"$BPFTOOL" -j map swap-drain recover journal "$PINS/journal"
		is_pinned
		recovered 1
		fill_slot
	done
	echo "of the lock"
	ends 255 at_call error=EPERM 'bpf\(BPF_MAP_GET_NEXT_ID' "${RUN[@]}"
	is_untouched
	# What this process lacks is no reason to skip it
	ends 255 at_call -n 2 error=EMFILE 'bpf\(BPF_MAP_GET_FD_BY_ID' \
		"${RUN[@]}" force
	grep "may be its lock: Too many open files" "$OUT" "$ERR"
	is_untouched
}

# With its map left, and a wait that a run may not have come to the end of
@test "a journal that can't be read is not an empty one, and recover waits" {
	one_slot
	ends 255 at_call error=EPERM 'unlink\(".*/journal/.*_' "${RUN[@]}"
	for what in '"/[^"]*/journal"' '"/[^"]*/journal/[0-9_]+"'; do
		ends 255 at_call -a -s "openat\\(\"/[^\"]*/journal\"" error=EMFILE \
			"openat\\($what" "$BPFTOOL" -j map swap-drain recover \
			journal "$PINS/journal"
		[[ -e $(journal_pins) ]]
	done
	ends 255 at_call -a error=EPERM \
		"bpf\\(BPF_MAP_LOOKUP_(BATCH|ELEM), map=$(map_id "$PINS/outer")," \
		"$BPFTOOL" -j map swap-drain recover journal "$PINS/journal"
	is_pinned
	ends 0 "$BPFTOOL" -d map swap-drain recover journal "$PINS/journal"
	grep -E '^provider [a-z_]+: waited [0-9]+ us$' "$ERR"
	[[ ! $(journal_pins) ]]
}

# What fails as it should on its way leaves an errno behind, which the base's
# batch takes for a failure when it comes to its end
@test "an array in a batch: clear, and keep" {
	for words in clear "keep $PINS/kept" "clear keep $PINS/kept2" quiet; do
		make_slot array_of_maps --fill 5 --entries 5 array
		printf 'map sync\nmap swap-drain pinned %s key 0 0 0 0 %s\n' \
			"$PINS/outer" "$words" >"$BATS_TEST_TMPDIR/batch"
		ends 0 "$BPFTOOL" batch file "$BATS_TEST_TMPDIR/batch"
		grep "processed 2 commands" "$OUT" "$ERR"
	done
}

@test "a program that has the old map comes between the checks" {
	one_slot array_of_maps --fill 3 --entries 16 hash
	mkdir "$PINS/prog"
	bpftool map pin id "$INNER" "$PINS/prog/held"
	ends 255 at_call after='"$BUILD/tests/reach_load" \
		"$BUILD/tests/reach_use.bpf.o" reach_holder "$PINS/prog" >/dev/null' \
		'bpf\(BPF_MAP_UPDATE_ELEM' "${RUN[@]}"
	is_pinned
	prog=$(our_progs)
	[[ ! -s $OUT ]]
	grep "program $prog reach_holder has it among its own maps" "$ERR"
	rm -r "$PINS/prog"
	wait_until none_left prog "$prog"
	recovered 3
}

# sleeper_comes PROGRAM: at the swap of the run of run_of it is loaded
sleeper_comes() {
	export SLEEPER=$1
	needs_at_call
	at_call after='"$BUILD/tests/reach_load" "$BUILD/tests/sleep_use.bpf.o" \
		"$SLEEPER" "$PINS" >/dev/null' 'bpf\(BPF_MAP_UPDATE_ELEM' "${RUN[@]}"
}

@test "a sleepable program comes between the checks: waited for" {
	needs_sleepable_way
	in_mode -d
	run_of
	# The first check asks about a uprobe's, and gets a list without the other one
	while read -r before sleeper; do
		load_prog sleep_use "$before"
		ends 0 sleeper_comes "$sleeper"
		grep -E ": waited [0-9]+ us for sleepable programs$" "$ERR"
		[[ -s $OUT ]]
		journal_is_empty
		rm -rf "${PINS:?}"/*
	done <<-END
		uprobe_plain uprobe_sleeps
		tc_plain syscall_sleeps
	END
}

@test "a sleepable program comes between the checks, and stays until recover" {
	BPFTOOL=$(tool_without_way)
	run_of
	for sleeper in uprobe_sleeps syscall_sleeps; do
		load_prog sleep_use tc_plain
		INNER=$(slot_id)
		ends 255 sleeper_comes $sleeper
		is_pinned
		[[ ! -s $OUT ]]
		grep "program [0-9]* $sleeper is sleepable" "$ERR"

		ends 255 recover_all
		jq -e --arg name $sleeper \
			'length == 1 and (.[0].error | test($name))' "$OUT"
		is_pinned
		prog=$(our_progs)
		rm "$PINS"/*_prog
		wait_until none_left prog "$prog"
		recovered 1
		rm -rf "${PINS:?}"/*
	done
}

# second_at CALL COMMAND...: at that call of $RUN a second command is started, and
# stopped after two seconds. Its output and status are in $SECOND.out and .status.
second_at() {
	export SECOND=$BATS_TEST_TMPDIR/second
	printf '%q ' timeout 2 "${@:2}" >"$SECOND"
	ends 0 at_call run='status=0; bash "$SECOND" >"$SECOND.out" || status=$?
		echo $status >"$SECOND.status"' "$1" "${RUN[@]}"
}

# second_waits COMMAND...: at the swap
second_waits() {
	second_at 'bpf\(BPF_MAP_UPDATE_ELEM' "$@"
	[[ $(<"$SECOND.status") == 124 && ! -s $SECOND.out ]]
}

@test "no other run is let in before the slot is swapped" {
	one_slot
	second_waits "${RUN[@]}"
	grep -c '^key' "$OUT" | grep -x 3
}

@test "no other run gets the same given map before it is in the slot" {
	make_slot
	other_map hash "$PINS/value"
	other_outer inner array_of_maps
	insert "$PINS/other" "$PINS/inner" 0 0 0 0
	run_of value pinned "$PINS/value" force
	second_waits "${RUN[@]/%outer/other}"
	[[ $(slots_of "$PINS/other") != *" $(slot_id)" ]]
}

@test "a slot of a hash that is deleted before the swap does not come back" {
	one_slot hash_of_maps
	export -f bpftool
	ends 255 at_call run='bpftool map delete pinned "$PINS/outer" key 0 0 0 0' \
		'bpf\(BPF_MAP_UPDATE_ELEM' "${RUN[@]}"
	[[ ! $(slot_id) ]]
	ends 0 recover_all
}

# Otherwise a later recover there would print it once more
@test "a journal that is moved while a run prints: the pin is released there" {
	needs_at_call
	make_slot
	for verb in "swap-drain pinned $PINS/outer ${SLOT[*]}" "drain pinned $PINS/plain"; do
		map_make --fill 3 hash "$PINS/plain"
		rm -rf "$PINS/moved"
		# shellcheck disable=SC2016,SC2086 # expanded by a shell of its own; words
		at_call run='mv "$PINS/journal" "$PINS/moved"' 'write\(1' "$BPFTOOL" \
			map $verb journal "$PINS/journal" >"$BATS_TEST_TMPDIR/out"
		grep -q 'Found 3 elements' "$BATS_TEST_TMPDIR/out"
		[[ -z $(find "$PINS/moved" -type f) ]]
		rm "$PINS/plain"
	done
}

# killed_at_swap N HOW: a run with the outer map $PINS/outerN, and a journal of its own:
# the next run would remove a pin that is not needed
killed_at_swap() {
	one_slot
	ends 137 at_call "$2" 'bpf\(BPF_MAP_UPDATE_ELEM' "${RUN[@]}"
	mv "$PINS/outer" "$PINS/outer$1"
	mv "$PINS/journal" "$PINS/journal$1"
}

@test "recover with several outer maps: what is in its slot stays there" {
	for order in "1 2 3 4" "4 3 2 1" "2 1 4 3" "1 4 3 2"; do
		want=()
		for n in 1 3; do
			killed_at_swap $n signal=KILL
			killed_at_swap $((n + 1)) after='kill -KILL "$TRACED"'
			want+=("$INNER")
		done
		mkdir -m 0700 "$PINS/journal"
		for n in $order; do
			mv "$PINS/journal$n"/* "$PINS/journal"
			rmdir "$PINS/journal$n"
		done
		ends 0 recover_all
		diff <(printf '%s\n' "${want[@]}" | sort) \
			<(jq '.[].id' "$OUT" | sort)
		[[ ! $(journal_pins) ]]
		rm -r "$PINS"/outer[1-4] "$PINS/journal"
	done
}

@test "two recovers at once: one prints the map" {
	one_slot
	ends 255 at_call error=EPERM 'unlink\(".*/journal/.*_' "${RUN[@]}"
	[[ -e $(journal_pins) ]]
	RUN=("$BPFTOOL" -j map swap-drain recover journal "$PINS/journal")
	second_at "bpf\\(BPF_MAP_LOOKUP_BATCH, map=$INNER," "${RUN[@]}"
	jq -e 'length == 1 and (.[0].elements | length == 3)' "$OUT"
	[[ $(<"$SECOND.status") != 0 ]]
	run ! grep elements "$SECOND.out"
	ends 0 recover_all
	[[ $(<"$OUT") == "[]" ]]
}

@test "an entry that can't be read one by one" {
	needs_seccomp
	needs_at_call
	for form in "" -j; do
		in_mode ${form:+"$form"}
		one_slot array_of_maps --fill 20 hash
		ends 255 refuse MAP_LOOKUP_BATCH EINVAL "$BUILD/tests/at_call" -n 7 \
			error=EIO "bpf\\(BPF_MAP_LOOKUP_ELEM, map=$INNER," "${RUN[@]}"
		is_pinned
		run ! grep '^Found' "$OUT"
		recovered 20
	done
}

# Kernels that don't get a bucket's lock say so after they have filled in those
# before it
@test "a batch that was read in part: each entry once" {
	in_mode -j
	for nth in 1 2 3 4; do
		one_slot array_of_maps --fill 20000 --flag zero_seed hash
		ends 0 at_call -n $nth late=EBUSY \
			"bpf\\(BPF_MAP_LOOKUP_BATCH, map=$INNER," "${RUN[@]}"
		jq -e 'length == 20000 and (map(.key) | unique | length) == 20000' \
			"$OUT"
	done
}

# told_by_stderr WORD...: of at_call, with a full stdout
told_by_stderr() {
	ends 255 at_call "$@" bash -c 'exec "$@" >/dev/full' run "${RUN[@]}"
	[[ ! -s $OUT ]]
	jq -es --arg pin "$(journal_pins)" 'length == 1 and .[0].swapped and
		.[0].pinned == $pin' "$ERR"
	is_pinned
	recovered 3
	fill_slot
}

@test "-j: an error has its place where stdout is full" {
	in_mode -j
	one_slot
	told_by_stderr -a error=ENOMEM \
		"bpf\\(BPF_MAP_(LOOKUP|GET_NEXT).* map=$INNER,"
	told_by_stderr -s 'bpf\(BPF_MAP_UPDATE_ELEM' error=EPERM \
		'bpf\(BPF_PROG_GET_NEXT_ID'
}

@test "no id wraps around" {
	one_slot
	outer=$(map_id "$PINS/outer")
	other_map hash "$PINS/spare"
	for id in $((outer + (1 << 32))) $((outer + (2 << 32))) "-$outer" \
		18446744073709551616; do
		ends 255 "$BPFTOOL" -- map swap-drain id "$id" "${SLOT[@]}"
		is_untouched
	done
	run_of value id $(($(map_id "$PINS/spare") + (1 << 32)))
	ends 255 "${RUN[@]}"
	is_untouched
}

# The base's own command dies of it in a batch, as ever
@test "after a run SIGPIPE kills again" {
	make_slot
	other_map --fill 20000 hash "$PINS/large"
	printf '%s\n' "map swap-drain pinned $PINS/outer key 0 0 0 0 quiet" \
		"map dump pinned $PINS/large" >"$BATS_TEST_TMPDIR/batch"
	run bash -c '"$@" | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}"' \
		run "$BPFTOOL" batch file "$BATS_TEST_TMPDIR/batch"
	[[ $output == 141 ]]
}

@test "a bpffs that is mounted for the journal is root's alone" {
	needs_at_call
	one_slot
	run unshare --mount bash -c '
		while umount -l /sys/fs/bpf 2>/dev/null; do :; done
		exec "$BUILD/tests/at_call" after='\''stat -c "mode %a" /proc/$TRACED/root/sys/fs/bpf'\'' \
			"mount\\(" "$@"' run "$BPFTOOL" map swap-drain \
		id "$(map_id "$PINS/outer")" "${SLOT[@]}"
	# Where none is mounted at all there is nothing to look at
	[[ $status == 255 ]]
	[[ $output != *"mode"* || $output =~ "mode "1?700 ]]
}
