# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain MAP all: many slots, and how many files may be open

load ../lib/slot

# As a login shell has it by default: more may be open once the limit is raised
@test "1,024 slots" {
	got=$T/got
	in_mode -j -d
	for type in array_of_maps hash_of_maps; do
		make_outer $type 1024 1024 --fill 2 hash
		slots_and_ids >"$T/want"
		(ulimit -Sn 1024; drain_all >"$got" 2>"$got.err")
		grep "waited [0-9]* us" "$got.err"
		jq -e 'all(.[]; .elements | length == 2)' "$got"
		slots_in_turn "$got" | sort | cmp - "$T/want"
		[[ $(wc -l <"$T/want") == 1024 ]]
		all_new "$T/want" 1024
		nothing_left
	done
}

# refused_with_limit LIMIT [COMMAND...]: the error says what is needed, and nothing was touched
refused_with_limit() {
	slots_and_ids >"$T/before"
	run --separate-stderr "${UNPRIVILEGED_LIMIT[@]}" "$@" "$BPFTOOL" map \
		swap-drain pinned "$PINS/outer" all
	[[ $status == 255 && -z $output ]]
	[[ $stderr =~ "ulimit -n "([0-9]+) ]]
	NEED=${BASH_REMATCH[1]}
	[[ $stderr != *force* ]]
	slots_and_ids | diff "$T/before" -
}

@test "1,024 slots where fewer maps may be open: refused with the number needed" {
	make_outer array_of_maps 1024 1024 --fill 1 hash
	for limit in 2000 1024 256; do
		refused_with_limit $limit
		((NEED > 2 * 1024 && NEED < 2 * 1024 + 64))
	done
	"${UNPRIVILEGED_LIMIT[@]}" "$NEED" "$BPFTOOL" -j map \
		swap-drain pinned "$PINS/outer" all | jq -e 'length == 1024'
	nothing_left
}

@test "what the caller has left open counts, too" {
	make_outer array_of_maps 20 20 --fill 1 hash
	refused_with_limit 150 bash -c 'for fd in {20..119}; do
		eval "exec $fd</dev/null"; done; exec "$@"' -
	((NEED > 2 * 20 + 100))
}

@test "a map that fills slots far from each other" {
	make_outer array_of_maps 400 400 --fill 1 hash
	other_map --fill 3 hash "$PINS/shared"
	for slot in "0 0" "100 0" "44 1" "143 1"; do
		# shellcheck disable=SC2086 # two words
		bpftool map update pinned "$PINS/outer" key $slot 0 0 \
			value pinned "$PINS/shared"
	done
	in_mode -j
	drain_all |
		jq -e 'length == 397 and ([.[] | select(.slots) | .slots | length] == [4])'
	[[ $(slots_and_ids | sed 's/.* //' | sort -u | wc -l) == 397 ]]
	nothing_left
}

@test "many maps in two slots each" {
	make_outer array_of_maps 400 400 --fill 1 hash
	# The key of a slot, and the map in the one before it
	slots_of "$PINS/outer" | awk -v pin="$PINS/outer" 'NR % 2 { id = $NF; next }
		{ $NF = ""; print "map update pinned", pin, "key hex", $0, "value id", id }' |
		bpftool batch file - >/dev/null
	in_mode -j
	drain_all | jq -e 'length == 200 and all(.[]; .slots | length == 2)'
	[[ $(slots_and_ids | sed 's/.* //' | sort | uniq -c |
		awk '$1 == 2' | wc -l) == 200 ]]
	nothing_left
}
