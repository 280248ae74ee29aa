# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# "map dump" goes another way than the base's bpftool and prints the same, to the byte,
# with the same exit status; and swap-drain prints what "map dump" does

load ../lib/slot

# dumped_by COMMAND FILE WORD...: stdout, stderr and the exit status to FILE*
dumped_by() {
	local status=0

	"$1" "${MODE[@]}" map dump "${@:3}" >"$2" 2>"$2.err" || status=$?
	echo "$status" >"$2.status"
}

# A map that can't be dumped: the base prints an empty one, and exits with a part of
# the error's number. json.bats has what ours does.
has_no_keys() {
	[[ $(<"$want.status") != @(0|255) && $(<"$got.status") == 255 ]] &&
		grep -q "can.t dump map" "$got" "$got.err"
}

# same_dump WORD...: "map dump WORD..." by the base and by ours, in each form
same_dump() {
	local form file want=$T/want got=$T/got

	for form in "" -j -jp -p; do
		in_mode ${form:+"$form"}
		dumped_by plain_bpftool "$want" "$@"
		dumped_by bpftool "$got" "$@"
		! has_no_keys || continue
		for file in "" .err .status; do
			cmp "$want$file" "$got$file" || {
				echo "form '$form' of: $*" >&2
				return 1
			}
		done
	done
	in_mode
}

# dumped_alike OPTION_OF_MAP_MAKE... TYPE
dumped_alike() {
	rm -f "$PINS/inner"
	other_map "$@" "$PINS/inner"
	same_dump pinned "$PINS/inner" || {
		echo "of: $*" >&2
		return 1
	}
}

# identical OPTION_OF_MAP_MAKE... TYPE: dumped, and drained from a slot
identical() {
	dumped_alike "$@"
	as_dumped array_of_maps "$@"
}

# Without BTF, with bytes and with a struct of every kind of member as the value; with no
# entry, with one and with many
@test "every type that batches are read of: the same, and read so" {
	for type in hash lru_hash percpu_hash lru_percpu_hash array percpu_array lpm_trie; do
		for fill in 0 1 100; do
			identical --fill $fill $type
			identical --fill $fill --btf bytes $type
			identical --fill $fill --btf struct $type
		done
		# Our way was gone, not the base's
		calls_of bpf map dump pinned "$PINS/inner" >"$T/bpf"
		grep -q BPF_MAP_LOOKUP_BATCH "$T/bpf"
		run ! grep BPF_MAP_LOOKUP_ELEM "$T/bpf"
	done
}

@test "hash_of_maps prints its inner map as array_of_maps does" {
	as_dumped hash_of_maps --fill 5 --btf struct hash
}

# So that two empty outputs can't pass for the same
@test "a map with BTF is printed with its members' names, in every form" {
	as_dumped array_of_maps --fill 4 --btf struct hash
	[[ $(grep -c '"packets": ' "$T/want") == 4 ]]
	grep -F '"state": "BUSY"' "$T/want"
	jq -e 'length == 4 and all(.[]; .formatted.value.where.y | length == 2) and
		all(.[]; .value | length == 80) and
		any(.[]; .formatted.value.state == "BUSY")' "$T/want-j"
}

@test "-p and -d say the same as map dump does with them" {
	make_slot array_of_maps --fill 3 --btf struct hash

	in_mode -p
	dump "$PINS/inner" >"$T/want"
	drain | tee "$T/got" | cmp "$T/want"
	jq -e 'length == 3' "$T/got"
	fill_slot

	in_mode -d
	drain 2>/dev/null | cmp - <(bpftool map dump pinned "$PINS/inner")
}

@test "counters" {
	while read -ra options; do
		identical --btf counters "${options[@]}"
		# The dump itself has them: else there is nothing to compare
		for text in '"packets": 18446744073709551615' '"flags": "0x7"' \
			'"drift": -9223372036854775808' '"delta": -2147483648' \
			'"rank": -32768' '"packets": 0' '"open": true' \
			'"open": false' '"age": "0x1fff"'; do
			grep -qF "$text" "$T/want" || {
				echo "no $text"
				return 1
			}
		done
	done <<-END
		--fill 100 --key 12 hash
		--fill 100 --key 12 lru_hash
		--fill 50 --key 12 percpu_hash
		--fill 50 --key 12 lru_percpu_hash
		--fill 50 array
		--fill 50 percpu_array
		--fill 16 lpm_trie
	END
}

@test "odd key and value sizes, with BTF and without" {
	for size in 1 3 7 17 24 33; do
		identical --fill 3 --key 4 --value "$size" hash
		identical --fill 3 --value "$size" array
		for type in hash percpu_hash; do
			identical --fill 3 --key "$size" --value "$size" "$type"
			identical --fill 3 --btf bytes --key "$size" --value "$size" "$type"
		done
	done
}

# A short key and value share a line up to 24 bytes, or up to 16 each
@test "sizes around the line breaks of the plain form" {
	for sizes in 8:16 8:17 9:15 9:16 16:8 16:9 17:1 1:17 12:12 12:13; do
		identical --fill 2 --key "${sizes%:*}" --value "${sizes#*:}" hash
	done
}

@test "tries, large values, locks, and full maps" {
	for size in 5 7 8 12 20; do
		identical --fill 3 --key "$size" lpm_trie
	done
	identical --fill 3 --entries 4 --value 70001 hash
	identical --fill 3 --entries 4 --value 131072 array
	identical --fill 3 --entries 4 --value 70001 --btf bytes hash
	identical --fill 2 --entries 2 --value 32768 percpu_array
	identical --fill 3 --btf lock hash
	identical --fill 3 --btf lock array
	identical --fill 1000 --entries 1000 hash
	identical --fill 1000 --entries 1000 --flag no_prealloc --btf struct hash
}

@test "more entries than a batch has" {
	identical --fill 10000 --btf counters --key 12 hash
	identical --fill 9000 hash
	identical --fill 4096 array
	identical --fill 4097 array
	identical --fill 5000 lpm_trie
	identical --fill 5000 --flag no_prealloc percpu_hash
}

@test "buckets that a batch has no room for" {
	dumped_alike --fill 8 --entries 8 --value 600000 --flag zero_seed hash
}

# Queues have no keys, storages no map-wide list, and so on: each in its own way
@test "every type of map that this kernel makes" {
	count=0
	while read -r type; do
		rm -f "$PINS/inner"
		other_map "$type" "$PINS/inner" 2>/dev/null || continue
		same_dump pinned "$PINS/inner"
		count=$((count + 1))
	done < <(map_make --types)
	((count > 15))
}

@test "a queue with elements" {
	dumped_alike --fill 5 queue
	dumped_alike --fill 5 stack
}

@test "maps-in-map and program arrays are dumped by the base's code" {
	for type in array_of_maps hash_of_maps; do
		make_slot $type
		same_dump pinned "$PINS/outer"
		calls_of bpf map dump pinned "$PINS/outer" >"$T/bpf"
		run ! grep LOOKUP_BATCH "$T/bpf"
		[ -n "$(slot_id)" ]
	done
	bpftool map create "$PINS/progs" type prog_array key 4 value 4 \
		entries 4 name "$INNER_NAME"
	same_dump pinned "$PINS/progs"
}

@test "several maps of one name, all with BTF" {
	for nr in 1 2 3; do
		other_map --fill $((nr * 2)) --btf struct hash "$PINS/typed$nr"
	done
	other_map --fill 3 --btf counters percpu_array "$PINS/percpu"
	same_dump name "$INNER_NAME"
	jq -e 'length == 4 and all(.[]; .elements | length > 1)' \
		< <(bpftool -j map dump name "$INNER_NAME")
}

# One without is enough for all to be printed as bytes. The base prints some with
# the types of the map before.
@test "several maps of one name, some with BTF" {
	other_map --value 4 queue "$PINS/queue"
	other_map --fill 2 hash "$PINS/bytes"
	other_map --fill 3 --btf counters percpu_array "$PINS/percpu"
	other_map --fill 3 --btf counters hash "$PINS/typed"
	run -255 bpftool -j map dump name "$INNER_NAME"
	rm "$PINS/queue"
	three_maps() { (($(our_maps | wc -l) == 3)); }
	wait_until three_maps
	bpftool -j map dump name "$INNER_NAME" | jq -c '.[].elements' | sort >"$T/got"
	for pin in bytes percpu typed; do
		plain_bpftool -j map dump pinned "$PINS/$pin" | jq -c .
	done | sort | cmp - "$T/got"
	[[ $(bpftool map dump name "$INNER_NAME" | grep -c '^Found') == 3 ]]
}

@test "what is no map, and words that are wrong" {
	same_dump pinned "$PINS/none"
	same_dump name none_such
	same_dump id 4294967295
}

@test "where no batch can be read: the same, one by one" {
	needs_seccomp
	for type in hash percpu_hash array lpm_trie; do
		dumped_alike --fill 16 --btf counters $type
		refuse MAP_LOOKUP_BATCH EINVAL "$BPFTOOL" -j map dump pinned "$PINS/inner" |
			cmp - <(plain_bpftool -j map dump pinned "$PINS/inner")
	done
}

@test "a later batch that can't be read: an error, and valid JSON" {
	map_make --name "$INNER_NAME" --fill 20000 hash "$PINS/inner"
	inject ENOMEM 'BPF_MAP_LOOKUP_BATCH,.* count=4096, ' 3 true \
		"$BPFTOOL" -j map dump pinned "$PINS/inner"
	((status == 255))
	jq -e 'length > 1000 and length < 20000 and
		(.[-1].error | test("^can.t read map [0-9]+: Cannot allocate"))' \
		"$OUT"
	inject ENOMEM 'BPF_MAP_LOOKUP_BATCH,.* count=4096, ' 3 true \
		"$BPFTOOL" map dump pinned "$PINS/inner"
	((status == 255))
	grep -q "^Error: can't read map [0-9]*: Cannot allocate memory$" "$OUT.err"
}

@test "in a batch file" {
	dumped_alike --fill 3 --btf struct hash
	printf 'map dump pinned %s\n' "$PINS/inner" "$PINS/inner" >"$T/file"
	cmp <(plain_bpftool -j batch file "$T/file") <(bpftool -j batch file "$T/file")
	cmp <(plain_bpftool batch file "$T/file") <(bpftool batch file "$T/file")
}

@test "who may read the pin may dump the map, and no one else" {
	make_slot
	chmod 0755 "$PINS"
	for rights in 0444 0666; do
		chmod $rights "$PINS/inner"
		program_as_nobody "$BPFTOOL" -j map dump pinned "$PINS/inner" |
			jq -e 'length == 3'
	done
	chmod 0444 "$PINS/inner"
	run -255 program_as_nobody "$BPFTOOL" map update pinned "$PINS/inner" \
		key 1 0 0 0 value 1 0 0 0 0 0 0 0
	chmod 0600 "$PINS/inner"
	cmp <(program_as_nobody "$BUILD/plain/bpftool" -j map dump \
		pinned "$PINS/inner" 2>&1; echo $?) \
		<(program_as_nobody "$BPFTOOL" -j map dump \
			pinned "$PINS/inner" 2>&1; echo $?)
}

@test "maps that only programs may read, or write" {
	for flag in rdonly wronly rdonly_prog wronly_prog; do
		dumped_alike --flag $flag array
		dumped_alike --flag $flag hash
	done
}
