# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The kernel gives up on a bucket's lock now and then, as when the host of a virtual
# machine has stopped the CPU that holds it: such a call is tried again. Reading
# entries is tested in reader.bats.

load ../lib/slot

setup() {
	setup_slot
	in_mode -j
}

# locked ERROR CALL NTH SETUP COMMAND...: the call that failed is made again, by the
# first thread, and all is well
locked() {
	inject "$@"
	((status == 0))
	awk -v like="bpf[(]$2" '
		NR == 1 { first = $1 }
		/\(INJECTED\)/ { failed = 1; next }
		failed { exit !($1 == first && $0 ~ like) }' "$BATS_TEST_TMPDIR/trace"
}

one_slot() {
	rm -rf "$PINS/journal"
	make_slot hash_of_maps --fill 3 "$INNER"
}

@test "locked: the slots are read, and swapped" {
	for FAULT_TYPE in array_of_maps hash_of_maps; do
		for error in ETIMEDOUT EBUSY EDEADLK; do
			for call in LOOKUP UPDATE; do
				locked $error BPF_MAP_${call}_BATCH 1 six_slots "${SWAP_ALL[@]}"
				jq -e 'length == 5 and all(.[]; .elements | length == 2)' "$OUT"
			done
			[[ $(slots_and_ids | sed 's/.* //' | grep -cxF "$BEFORE") == 0 ]]
			nothing_left
		done
	done
}

@test "locked: a slot is swapped, and its map is cleared" {
	run_of
	for INNER in hash lru_hash percpu_hash; do
		locked ETIMEDOUT BPF_MAP_UPDATE_ELEM 1 one_slot "${RUN[@]}"
		jq -e 'length == 3' "$OUT"
		[[ $(slot_id) != "$(map_id "$PINS/inner")" ]]
	done
	run_of clear
	for INNER in hash lru_hash lpm_trie; do
		locked EBUSY BPF_MAP_DELETE_ELEM 2 one_slot "${RUN[@]}"
		jq -e 'length == 3' "$OUT"
		[[ $(bpftool -j map dump pinned "$PINS/inner") == "[]" ]]
	done
	nothing_left
}

@test "locked: elements are popped, and once" {
	run_of
	for INNER in queue stack; do
		locked EBUSY BPF_MAP_LOOKUP_AND_DELETE_ELEM 2 one_slot "${RUN[@]}"
		jq -e 'length == 3 and (unique | length) == 3' "$OUT"
	done
	nothing_left
}
