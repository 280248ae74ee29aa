# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Reading in batches, and printing fast: the same bytes as ever, and nothing is
# lost where a read fails

load ../lib/slot

BATCH='BPF_MAP_LOOKUP_BATCH,.* count=4096, '

# identical OPTION_OF_MAP_MAKE... TYPE
identical() {
	as_dumped array_of_maps "$@"
}

# wanted TEXT...: the dump itself has them: else there is nothing to compare
wanted() {
	local text

	for text; do
		echo "$text"
		grep -qF "$text" "$BATS_TEST_TMPDIR/want"
	done
}

@test "counters in a hash: all numbers as map dump prints them" {
	identical --fill 100 --btf counters --key 12 --flag no_prealloc hash
	identical --fill 100 --btf counters --key 4 hash
	identical --fill 1 --btf counters --key 12 hash
	identical --fill 0 --btf counters --key 12 hash
}

@test "texts, enums, pointers and bytes: as map dump prints them" {
	for type in hash percpu_hash array; do
		identical --fill 100 --entries 100 --btf struct $type
		wanted '"name": ""' "\"name\": \"\\" '"name": "a\""' '"name": [' \
			'"name": "'"'"'`~ {}[],:/"' '"state": "GONE"' \
			'"state": "BUSY"' '"state": 5' '"state": -1' \
			'"state": -2147483648' '"level_name": "LOW"' \
			'"level_name": "HIGH"' '"level_name": 0' '"mask": "FAR"' \
			'"mask": "ALL"' '"mask": 1' '(nil)' '"owner": '
	done
}

# With values that large a batch begins with room for one; the entries of a
# bucket only come together
@test "buckets that a batch has no room for" {
	local trace=$BATS_TEST_TMPDIR/trace

	identical --fill 8 --entries 8 --value 600000 --flag zero_seed hash
	run_of
	strace -qq -e trace=bpf -o "$trace" "${RUN[@]}" | cmp "$BATS_TEST_TMPDIR/want"
	grep -q 'BPF_MAP_LOOKUP_BATCH,.* count=1, .*ENOSPC' "$trace"
	grep -q 'BPF_MAP_LOOKUP_BATCH,.* count=2, ' "$trace"
}

@test "where no batch can be read: the same bytes, and -d says why" {
	local got=$BATS_TEST_TMPDIR/got

	needs_seccomp
	for type in hash percpu_hash array lpm_trie; do
		identical --fill 16 --btf counters $type
		for form in "" -j -jp; do
			in_mode -d ${form:+"$form"}
			run_of
			refuse MAP_LOOKUP_BATCH EINVAL "${RUN[@]}" >"$got" 2>"$got.err"
			cmp "$BATS_TEST_TMPDIR/want$form" "$got"
			grep "^map [0-9]*: read entry by entry, no batch of a $type can be read: Invalid argument$" \
				"$got.err"
			fill_slot
		done
	done
}

# 524 is what a kernel says whose type of map has none; strerror() has no words for it
@test "where no batch can be read, or lacks a lock for good: the error has words" {
	local got=$BATS_TEST_TMPDIR/got

	needs_seccomp
	identical --fill 16 hash
	in_mode -d
	run_of
	while read -r errno why; do
		refuse MAP_LOOKUP_BATCH "$errno" "${RUN[@]}" >"$got" 2>"$got.err"
		cmp "$BATS_TEST_TMPDIR/want" "$got"
		grep "no batch of a hash can be read: $why$" "$got.err"
		fill_slot
	done <<-END
		524 not supported
		ETIMEDOUT Connection timed out
	END
}

# A bucket whose lock the kernel did not get, as when a virtual machine's other CPU
# was stopped just then
@test "a batch that only lacks a lock is read again" {
	for error in ETIMEDOUT EBUSY EDEADLK; do
		for words in "dump pinned $PINS/inner" \
			"swap-drain pinned $PINS/outer ${SLOT[*]} journal $PINS/journal"; do
			# shellcheck disable=SC2086 # words
			inject $error "$BATCH" 2 many_entries "$BPFTOOL" -j map $words
			((status == 0))
			jq -e 'length == 20000 and
				(map(.key) | unique | length) == 20000' "$OUT"
		done
	done
}

many_entries() {
	recover_all >/dev/null
	make_slot array_of_maps --fill 20000 hash
}

# read_fails ERROR_OF_CALL NTH
read_fails() {
	local pin

	in_mode -j
	run_of
	inject "$1" "$BATCH" "$2" many_entries "${RUN[@]}"
	((status == 255))
	jq -e 'type == "array" and length > 1 and length < 20000 and
		all(.[:-1][]; .value) and .[-1].swapped == true' "$OUT"
	jq -e '.[-1].error | contains("can'"'"'t read the drained map")' "$OUT"
	pin=$(jq -r '.[-1].pinned' "$OUT")
	[[ $(map_id "$pin") == "$(map_id "$PINS/inner")" ]]
	[[ $(slot_id) != "$(map_id "$PINS/inner")" ]]
	recover_all | jq -e 'length == 1 and (.[0].elements | length == 20000)'
	[[ ! -e $pin ]]
}

@test "a batch that can't be read: valid JSON with the error, and the map is pinned" {
	read_fails ENOMEM 2
	read_fails EINVAL 3
	read_fails EPERM 5
}

@test "a batch that can't be read, in plain output" {
	run_of
	inject ENOMEM "$BATCH" 2 many_entries "${RUN[@]}"
	((status == 255))
	[[ $(wc -l <"$OUT.err") == 1 ]]
	grep "^Error: can't read the drained map: Cannot allocate memory; slot was swapped, old map is pinned at $PINS/journal/" \
		"$OUT.err"
	run ! grep '^Found' "$OUT"
	recover_all | jq -e '.[0].elements | length == 20000'
}

# peak_of ENTRIES OPTION_OF_MAP_MAKE...: KiB, in each form
peak_of() {
	local form

	for form in "" -j; do
		make_slot array_of_maps --fill "$@" hash
		in_mode ${form:+"$form"}
		run_of
		"$BUILD/tests/peak" "$BATS_TEST_TMPDIR/peak" "${RUN[@]}" >/dev/null
		echo "$(<"$BATS_TEST_TMPDIR/peak") "
	done | tr -d '\n'
}

@test "memory does not grow with the map" {
	for options in "--key 8" "--key 12 --btf counters"; do
		# shellcheck disable=SC2086 # words
		read -ra few <<<"$(peak_of 10000 $options)"
		# shellcheck disable=SC2086 # words
		read -ra many <<<"$(peak_of 1000000 $options)"
		echo "# $options: KiB for 10,000 entries: ${few[*]}, for 1,000,000: ${many[*]}" >&3
		for i in 0 1; do
			((few[i] > 1000 && many[i] < few[i] + 4096))
		done
	done
}
