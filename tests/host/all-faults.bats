# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain MAP all fails, or is killed, between two of the maps: each of them is
# in its slot, or printed, or pinned, and recover prints what is pinned

load ../lib/slot

setup() {
	setup_slot
	needs_at_call
	WORDS=()
	FAULT_TYPE=array_of_maps
	SET_UP=six_slots
}

# Each of the three maps is more than a buffer of output
large_slots() {
	release_pins
	rm -rf "$PINS/journal"
	make_outer array_of_maps 4 3 --fill 1500 --entries 1500 hash
	BEFORE=$(slots_and_ids | sed 's/.* //' | sort -u)
}

# "ID ELEMENTS" for each map in a list that was printed as a whole, a line each
contents() {
	jq -r '.[] | select(.elements and (has("error") | not)) |
		"\(.id) \(.elements | sort_by(.key) | tojson)"' "$1" \
		2>/dev/null | sort
}

# The pinned maps' ids, of those that were to be printed or of the others
pinned() {
	find "$PINS/journal" -type f "$@" -name "$(map_id "$PINS/outer")_*" |
		sed -E 's/.*\/[0-9]+_([0-9]+).*/\1/' | sort
}

# Is each map somewhere, once; and is what was said so?
judge() {
	local in_slots id

	in_slots=$(slots_and_ids | sed 's/.* //')
	contents "$OUT" >"$OUT.printed"
	: >"$OUT.all"
	for id in $BEFORE; do
		if grep -qx "$id" <<<"$in_slots"; then
			! grep "^$id " "$OUT.printed" || return
			grep "^$id " "$T/want" >>"$OUT.all"
		elif ! pinned ! -name "*_printed" | finds -x "$id"; then
			# It was released, or is left to be cleared
			grep "^$id " "$OUT.printed" >>"$OUT.all"
		fi
	done
	if ((status == 255)) && pinned | finds .; then
		grep -qF "$PINS/journal/" "$OUT" "$OUT.err" || return
	fi
	((status != 0)) || ! pinned | grep . || return
	recover_all >"$OUT.recovered"
	contents "$OUT.recovered" >>"$OUT.all"
	sort "$OUT.all" | diff -u "$T/want" - || return
	[[ -z $(find "$PINS/journal" -mindepth 1) ]] || return
	[[ " ${WORDS[*]} " == *" clear "* ]] || return 0
	# Each map that is in no slot any more is empty
	for id in $BEFORE; do
		grep -qx "$id" <<<"$in_slots" ||
			[[ $(bpftool -j map dump pinned "$PINS/old-$id" |
				jq '[.[] | select(.error | not)] | length') == 0 ]] ||
			return
	done
}

# between_maps CALL NTH: nothing, an error, and a kill, at the N-th call that is like
# that, a regular expression
between_maps() {
	local fault id under
	local -A ends=([none]=0 [error=EPERM]=255 [signal=KILL]=137)

	OUT=$T/out
	for fault in none error=EPERM signal=KILL; do
		under=(at_call -n "$2" "$fault" "$1")
		[[ $fault != none ]] || under=()
		# Maps, their contents, and in "old-ID" the maps themselves
		"$SET_UP"
		for id in $BEFORE; do
			bpftool map pin id "$id" "$PINS/old-$id"
			echo "$id $(bpftool -j map dump id "$id" |
				jq -c '[.[] | select(.error | not)] | sort_by(.key)')"
		done | sort >"$T/want"
		status=0
		"${under[@]}" "${SWAP_ALL[@]}" "${WORDS[@]}" >"$OUT" 2>"$OUT.err" || status=$?
		[[ $status == "${ends[$fault]}" ]]
		judge || {
			echo "$fault at call $2 of $1, status $status" >&2
			cat "$OUT" "$OUT.err" | head -c 2000 >&2
			return 1
		}
		rm "$PINS"/old-*
	done
}

@test "in the midst of printing" {
	SET_UP=large_slots
	between_maps 'write\(1,' 4
}

@test "some of the maps are pinned" {
	between_maps 'bpf\(BPF_OBJ_PIN,' 3
}

@test "some of the maps are released" {
	between_maps 'unlink\("[^"]*/journal/' 3
	FAULT_TYPE=hash_of_maps
	between_maps 'unlink\("[^"]*/journal/' 5
}

@test "some of the maps are said to be printed" {
	WORDS=(clear)
	between_maps 'rename\(' 2
}

@test "some of the maps are cleared" {
	WORDS=(clear)
	between_maps 'bpf\(BPF_MAP_DELETE_ELEM,' 4
}

# Nothing but what stands before and after the maps: it is there that it fails
@test "all: a full disk is the error, also between two maps" {
	make_outer array_of_maps 1024 1024 --fill 0 hash
	for form in "" -j -jp; do
		status=0
		"$BPFTOOL" ${form:+"$form"} map swap-drain pinned "$PINS/outer" all \
			journal "$PINS/journal" >/dev/full 2>"$T/err" ||
			status=$?
		((status == 255))
		grep "can't write the drained map: No space left on device" "$T/err"
		recover_all | jq -e 'length == 1024'
	done
}
