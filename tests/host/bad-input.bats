# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Wrong words and wrong maps: refused with one clear line, nothing touched

load ../lib/slot

setup() {
	setup_slot
	make_slot
	outer=(swap-drain pinned "$PINS/outer")
}

@test "no arguments" {
	refused "needs a MAP" swap-drain
	refused "needs a MAP" swap-drain pinned
	refused "expected 'key' and 4 bytes, or 'all', after the MAP$" "${outer[@]}"
}

@test "unknown keyword" {
	drain_refused "unknown keyword 'bogus'" bogus
	drain_refused "unknown keyword 'bogus'" clear bogus quiet
	drain_refused "unknown keyword 'clearly'" clearly
	drain_refused "unknown keyword ''" ""
	refused "expected 'key'.*got: kay" "${outer[@]}" kay 0 0 0 0
	refused "expected 'id', 'name' or 'pinned'" \
		swap-drain "$PINS/outer" "${SLOT[@]}"
}

@test "a keyword twice, or without its argument" {
	other_map hash "$PINS/other"
	drain_refused "'key' is given twice" key 1 0 0 0
	drain_refused "'value' is given twice" value pinned "$PINS/other" \
		value pinned "$PINS/other"
	drain_refused "'keep' is given twice" keep "$PINS/a" keep "$PINS/b"
	drain_refused "'clear' is given twice" clear clear
	drain_refused "'quiet' is given twice" quiet clear quiet
	drain_refused "'using' is given twice" using membarrier \
		using membarrier
	drain_refused "'value' needs a MAP" value
	drain_refused "'value' needs a MAP" value pinned
	drain_refused "'keep' needs an argument" keep
	drain_refused "'keep' needs an argument" keep ""
	drain_refused "'using' needs an argument" using
}

@test "a timeout that is no number of seconds, or more than there are milliseconds" {
	for word in 0 -1 1.5 x 4294968 18446744073709551616; do
		drain_refused "timeout '$word' is not a number of seconds from 1 to 4294967$" \
			timeout "$word"
	done
}

@test "a missing, short or odd key" {
	refused "expected 4 bytes got 0: write each by itself" "${outer[@]}" key
	refused "expected 4 bytes got 0" "${outer[@]}" key hex
	refused "expected 4 bytes got 3" "${outer[@]}" key 0 0 0
	refused "can't parse 'quiet'" "${outer[@]}" key 0 0 0 quiet
	refused "expected 4 bytes, '7' is one more" "${outer[@]}" key 0 0 0 0 7
	refused "expected 4 bytes, '0x0' is one more" "${outer[@]}" key 0 0 0 0 0x0 0 0 0
	for word in x 0x 256 0x100 -1 -18446744073709551615 +0 " 0" 1.5 \
		99999999999999999999 08 ""; do
		refused "can't parse '.*' as a byte" "${outer[@]}" key "$word" 0 0 0
	done
	for word in 0g 100 xx -1 "" 0x0x0; do
		refused "can't parse '.*' as a byte" "${outer[@]}" key hex 0 0 0 "$word"
	done
}

@test "a slot that is empty, or out of range" {
	refused "slot is empty; 'all' drains" "${outer[@]}" key 1 0 0 0
	refused "there is no slot 4: map .* has 4 of them" "${outer[@]}" key 4 0 0 0
	refused "there is no slot 4294967295: " "${outer[@]}" key hex ff ff ff ff
	make_slot hash_of_maps
	refused "slot is empty" "${outer[@]}" key 1 0 0 0
}

@test "a MAP that is not a map-in-map" {
	# However far a first-time user gets with the words
	for words in "" all "key 0" "key 0 0 0 0" "key 0 0 0 0 quiet"; do
		# shellcheck disable=SC2086 # several words
		refused "\(hash\) is not a map-in-map.*see .selector pattern." \
			swap-drain pinned "$PINS/inner" $words
	done
	for type in array queue ringbuf stack_trace; do
		rm -f "$PINS/plain"
		other_map $type "$PINS/plain"
		refused "\($type\) is not a map-in-map" \
			swap-drain pinned "$PINS/plain" "${SLOT[@]}"
	done
}

@test "a MAP that does not exist, several maps of the name" {
	refused "can't get map 0 by its ID: No such file" swap-drain id 0 "${SLOT[@]}"
	refused "can't get map 4294967295 by its ID: No such file" \
		swap-drain id 4294967295 "${SLOT[@]}"
	refused "no map has the name" swap-drain name "none_${WORLD-}$$" "${SLOT[@]}"
	refused "1 to 15 characters" swap-drain name "" "${SLOT[@]}"
	refused "1 to 15 characters" swap-drain name packet_counters_by_address "${SLOT[@]}"
	refused "name_of_16_chars" swap-drain name name_of_16_chars "${SLOT[@]}"
	refused "$PINS/none" swap-drain pinned "$PINS/none" "${SLOT[@]}"
	refused "parse" swap-drain id x "${SLOT[@]}"
	refused "parse" swap-drain id "" "${SLOT[@]}"
	refused "/dev/null.*bpffs" swap-drain pinned /dev/null "${SLOT[@]}"
	refused "[Nn]o such file" swap-drain pinned "" "${SLOT[@]}"
	drain_refused "no map has the name" value name "none_${WORLD-}$$"
	drain_refused "$PINS/none" value pinned "$PINS/none"
	drain_refused "4294967295" value id 4294967295
	other_map hash "$PINS/other"
	ids="$(map_id "$PINS/inner"),? $(map_id "$PINS/other")"
	refused "several maps have the name.* $ids" swap-drain name "$INNER_NAME" "${SLOT[@]}"
	drain_refused "several maps have the name.* $ids" value name "$INNER_NAME"
}

@test "an inner map that can't be read out" {
	readable=" hash lru_hash percpu_hash lru_percpu_hash array "
	seen=0
	readable+="percpu_array lpm_trie queue stack "
	for type in $(map_make --types); do
		[[ $readable != *" $type "* ]] || continue
		# What this kernel makes, and takes as an inner map
		rm -f "$PINS"/probe*
		btf=()
		other_map "$type" "$PINS/probe" 2>/dev/null || {
			btf=(--btf bytes)
			other_map "${btf[@]}" "$type" "$PINS/probe" 2>/dev/null || continue
		}
		bpftool map create "$PINS/probe_outer" type array_of_maps key 4 value 4 \
			entries 1 name "$OUTER_NAME" inner_map pinned "$PINS/probe" \
			2>/dev/null || continue
		make_slot array_of_maps "${btf[@]}" "$type"
		# A type that this bpftool's libbpf has no name for is a number
		drain_refused "is a ${type/#[0-9]*/unknown type}, which can't be read out"
		seen=$((seen + 1))
	done
	# Every kernel that has bpf(2) has some of them
	((seen > 3))
}

@test "a replacement that is not compatible, or equal to the old map" {
	make_slot array_of_maps --fill 3 --key 8 --value 8 hash
	other_map --key 8 lru_hash "$PINS/type"
	other_map --key 4 hash "$PINS/key_size"
	other_map --key 8 --value 4 hash "$PINS/value_size"
	other_map --key 8 --flag no_prealloc hash "$PINS/flags"

	drain_refused "type differs" value pinned "$PINS/type"
	drain_refused "key size differs" value pinned "$PINS/key_size"
	drain_refused "value size differs" value pinned "$PINS/value_size"
	drain_refused "flags differ" value pinned "$PINS/flags"
	drain_refused "type differs" value pinned "$PINS/outer"

	make_slot array_of_maps --fill 3 --entries 3 array
	other_map --entries 4 array "$PINS/entries"
	drain_refused "max_entries differ" value pinned "$PINS/entries"
	# The kernel compares more than map info tells
	make_slot array_of_maps --fill 3 --btf lock hash
	other_map --value 8 hash "$PINS/no_lock"
	drain_refused "not compatible" value pinned "$PINS/no_lock"
	drain_refused "can't replace itself" value pinned "$PINS/inner"
	drain_refused "can't replace itself" value id "$(map_id "$PINS/inner")"
}

@test "a map of another kind than a map in pinned" {
	refused "can't get the map at $PINS: Permission denied" \
		swap-drain pinned "$PINS" "${SLOT[@]}"
	drain_refused "can't get the map at $PINS: Permission denied" \
		value pinned "$PINS"
}

@test "a path to keep the map at, or of a journal, that can't be" {
	other_map hash "$PINS/exists"
	mkdir "$PINS/folder"
	drain_refused "exists" keep "$PINS/exists"
	drain_refused "exists" keep "$PINS/folder"
	drain_refused "not in a bpffs" keep "$T/kept"
	drain_refused "not in a bpffs" keep kept
	drain_refused "No such file or directory" keep "$PINS/none/kept"
	drain_refused "dots" keep "$PINS/kept.1"
	drain_refused "dots" keep "$PINS/."
	drain_refused "dots" journal "$PINS/vlan.100"
	drain_refused "exists" keep "$PINS/folder/"
	drain_refused "not the name of a file" keep "$PINS/new/"
	drain_refused "not the name of a file" keep "$PINS/new//"
	drain_refused "too long" keep "$PINS/$(printf 'x%.0s' {1..300})"
	drain_refused "Not a directory" keep "$PINS/exists/kept"
	drain_refused "too long" keep "$PINS/$(printf 'x/%.0s' {1..2100})"
	ln -s "$PINS/none" "$PINS/dangling"
	drain_refused "exists" keep "$PINS/dangling"
	ro=$T/ro
	mkdir "$ro"
	mount -t bpf -o ro bpf "$ro"
	drain_refused "Read-only" keep "$ro/kept"
	umount "$ro"
}

@test "a provider that is not known" {
	drain_refused "unknown provider 'bogus', expected one of: .*membarrier" \
		using bogus
	drain_refused "unknown provider 'member'" using member
}

# JSON that a quote in a name breaks is not JSON
@test "quotes, backslashes, control characters, and 3,000 characters in words" {
	for word in $'a"b\\c\nd\te\rf\x01\x1b\x7f\xff\xc3\xa4%s%n' '"'; do
		drain_refused "unknown keyword" "$word"
		drain_refused "unknown provider" using "$word"
		drain_refused "No such file or directory" keep "/$word/x"
		drain_refused "no map has the name|1 to 15 characters" value name "$word"
		drain_refused "can't parse .* as the ID of a map" value id "$word"
		drain_refused "can't get the map at /.*: No such file" \
			value pinned "/$word"
		drain_refused "expected 'id', 'name' or 'pinned'" value "$word" 1
		refused "expected 'id', 'name' or 'pinned'" swap-drain "$word" 1
		refused "expected 'key' and 4 bytes" "${outer[@]}" "$word"
		refused "can't parse .* as a byte of the key" "${outer[@]}" key "$word" 0 0 0
		refused "unknown keyword" sync "$word"
		refused "unknown provider" sync using "$word"
		refused "unknown keyword" sync using membarrier "$word"
	done
	long=$(printf 'x%.0s' {1..3000})
	drain_refused "unknown keyword" "$long"
	drain_refused "unknown provider" using "$long"
	drain_refused "can't get the map at /xxx" value pinned "/$long"
}

@test "map sync: wrong words" {
	refused "unknown keyword 'bogus'" sync bogus
	refused "takes no MAP" sync name "$OUTER_NAME"
	refused "unknown keyword ''" sync ""
	refused "needs the name" sync using
	refused "unknown provider 'bogus', expected one of: .*membarrier" \
		sync using bogus
	refused "unknown provider ''" sync using ""
	refused "'again'" sync using membarrier again
	refused "'using'" sync using membarrier using membarrier
}

@test "an outer map that is frozen" {
	bpftool map freeze pinned "$PINS/outer"
	drain_refused "frozen"
}
