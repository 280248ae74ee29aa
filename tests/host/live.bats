# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# "map dump" of a map that changes during it: entries that go away are left
# out, those that stay are printed once, and there is no error. Some entries are
# deleted and inserted all the time; strace holds bpftool up after each call, so
# that this happens in between however slow the machine is.

load ../lib/slot

setup() {
	setup_slot
	need_strace
}

# make_live ENTRIES OPTION_OF_MAP_MAKE... TYPE
make_live() {
	ENTRIES=$1 TYPE=${*: -1}
	shift
	rm -f "$PINS/inner"
	map_make --name "$INNER_NAME" --fill "$ENTRIES" \
		--entries $((ENTRIES + 4096)) "$@" "$PINS/inner"
}

# live_dump PROGRAM DELAY [OPTION...]: a dump, with every eighth entry coming and
# going; DELAY in microseconds is held up after each bpf(2) call
live_dump() {
	timeout 60 "$BUILD/tests/map_churn" "$PINS/inner" "$ENTRIES" 8 \
		strace -qq -o /dev/null -e trace=bpf \
		-e inject=bpf:delay_exit="$2" \
		"$1" "${@:3}" map dump pinned "$PINS/inner"
}

# The base looks an entry up after it has asked for its key. It may also start
# over from the first key, when the one that it has is gone: hence the head.
base_shows_an_error() {
	grep -q '"error":"No such file or directory"' \
		< <(live_dump "$BUILD/plain/bpftool" 1000 -j | head -c 100000)
}

# no_error_in FILE: of JSON; the others are there, each once. Of a trie an entry
# may come twice: the kernel starts over when the key that it has is gone.
no_error_in() {
	local twice=false

	[[ $TYPE != lpm_trie ]] || twice=true
	jq -e --argjson entries "$ENTRIES" --argjson twice $twice \
		'all(.[]; .value or .values) and
		(map(.key) | group_by(.) |
			($twice or (map(length) | max == 1)) and
			length >= $entries - $entries / 8 and
			length <= $entries)' "$1" >/dev/null
}

# never_an_error OPTION_OF_MAP_MAKE... TYPE
never_an_error() {
	local out=$BATS_TEST_TMPDIR/out

	make_live 64 "$@"
	wait_until base_shows_an_error
	for _ in 1 2 3; do
		live_dump "$BPFTOOL" 1000 -j >"$out"
		no_error_in "$out" || { head -c 2000 "$out" >&2; return 1; }
		live_dump "$BPFTOOL" 1000 >"$out"
		run ! grep 'no entry' "$out"
		grep -q '^Found' "$out"
	done
}

@test "no error for an entry that goes away" {
	never_an_error hash
	never_an_error --flag no_prealloc hash
	never_an_error --flag no_prealloc percpu_hash
	never_an_error lru_hash
	never_an_error lpm_trie
}

@test "a hash of many batches ends, with each entry that stays once" {
	local out=$BATS_TEST_TMPDIR/out

	make_live 40000 hash
	for form in -j -jp; do
		live_dump "$BPFTOOL" 5000 "$form" >"$out"
		no_error_in "$out"
	done
}
