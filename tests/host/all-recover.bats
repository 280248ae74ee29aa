# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What a failed run of many slots left behind: said once, and each map looked at
# once

load ../lib/slot

# leave_behind SLOTS: as many maps, whose map-in-map goes on to be used
leave_behind() {
	fresh_name
	make_outer array_of_maps "$1" "$1" --fill 1 hash
	! drain_all journal "$PINS/journal" >/dev/full 2>"$T/err" || return
	[[ $(find "$PINS/journal" -type f | wc -l) == "$1" ]]
	rm -f "$PINS/used"
	mv "$PINS/outer" "$PINS/used"
}

# calls CALL COMMAND...: how many of these the command makes
calls() {
	strace -f -qq --seccomp-bpf -e trace=bpf -o "$T/trace" "$BPFTOOL" -j map swap-drain \
		"${@:2}" journal "$PINS/journal" >"$T/got" 2>"$T/err"
	grep -c "$1" "$T/trace"
}

@test "many maps that were left are reported in a line, and one map by its pin" {
	for nr in 1 12; do
		leave_behind "$nr"
		outer=$(map_id "$PINS/used")
		make_outer array_of_maps 1 1
		drain_all journal "$PINS/journal" >"$T/got" 2>"$T/err"
		[[ $(grep -c "^Warning: " "$T/err") == 1 ]]
		if ((nr == 1)); then
			grep "left map [0-9]* of map $outer at $PINS/journal/[0-9_]*/${outer}_[0-9]*;" \
				"$T/err"
		else
			grep "left $nr maps in $PINS/journal; .* recover journal $PINS/journal$" \
				"$T/err"
		fi
		recover_all | jq -e --argjson nr "$nr" 'length == $nr'
	done
}

@test "two runs that left maps are reported in one line" {
	leave_behind 3
	mv "$PINS/used" "$PINS/first"
	make_outer array_of_maps 2 2 --fill 1 hash
	! drain_all journal "$PINS/journal" >/dev/full 2>"$T/err" || return
	rm "$PINS/outer"
	make_outer array_of_maps 1 1
	drain_all journal "$PINS/journal" >"$T/got" 2>"$T/err"
	[[ $(grep -c "^Warning: " "$T/err") == 1 ]]
	grep "left 5 maps" "$T/err"
	recover_all | jq -e 'length == 5'
}

# On some kernels each look into a slot waits
@test "the slots are read once, and who uses the maps is asked once" {
	local -A looks asked

	for nr in 20 200; do
		leave_behind "$nr"
		make_outer array_of_maps 1 1
		looks[$nr]=$(calls 'BPF_MAP_LOOKUP_\(BATCH\|ELEM\)' \
			pinned "$PINS/outer" all)
		asked[$nr]=$(calls BPF_MAP_GET_NEXT_ID recover)
		jq -e --argjson nr "$nr" 'length == $nr' "$T/got"
	done
	echo "${looks[20]} and ${looks[200]} looks, asked ${asked[20]} and ${asked[200]} times"
	((looks[200] < looks[20] + 90))
	# All old and new maps of the larger run are on the machine too
	((asked[200] < asked[20] + 20 * 180))
}
