# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Commands that a page shows, with what they print there; and the program that the
# manual's examples and drain-metrics speak of

# Fills CMD with the commands on stdin, lines that start with "# ", and OUT with
# what each is shown to print, without the blank lines at its end. What stands
# before the first command belongs to none.
transcript() {
	local line i

	CMD=()
	OUT=()
	while IFS= read -r line; do
		if [[ $line == '# '* ]]; then
			CMD+=("${line#\# }")
			OUT+=('')
		elif ((${#CMD[@]})); then
			OUT[-1]+=$line$'\n'
		fi
	done
	for i in "${!OUT[@]}"; do
		while [[ ${OUT[i]} == *$'\n' ]]; do
			OUT[i]=${OUT[i]%$'\n'}
		done
	done
	((${#CMD[@]}))
}

# as_shown INDEX SHOWN PRINTED: are they the same? What differs from run to run
# is gone from both by now.
as_shown() {
	[[ $2 != "$3" ]] || return 0
	echo "command: ${CMD[$1]}"
	echo "shown:   $2"
	echo "printed: $3"
	return 1
}

page_transcript() {
	transcript < <(awk '/^    # / { shown = 1 }
		/^[^ ]/ { if (shown) print ""; shown = 0 }
		shown { sub(/^    /, ""); print }' "$1")
}

# Mask what differs from run to run: ids, process ids, times, the way to wait. The
# entries of a hash have no order.
page_stable() {
	sed -E -e '/^Warning: /d' \
	    -e 's/^[0-9]+: /ID: /' -e 's/outer_id [0-9]+/outer_id ID/' \
	    -e 's/map [0-9]+ (may|fl)/map ID \1/g' \
	    -e 's/"provider":"[a-z_]+","wait_us":[0-9]+/"provider":P,"wait_us":U/g' \
	    -e 's/waited [0-9]+ us/waited U us/' \
	    -e 's#/[0-9_]+/[0-9]+_[0-9]+($|;)#/RUN/OUTER_INNER\1#' |
	    expand | sed -e ':a' -e '$!{N;ba' -e '}' -e 's/\n*$//' | sort_entries
}

# Each run of lines "key: ..." is sorted
sort_entries() {
	awk 'function flush(  i, j, t) {
			for (i = 2; i <= n; i++)
				for (j = i; j > 1 && e[j - 1] > e[j]; j--) {
					t = e[j]; e[j] = e[j - 1]; e[j - 1] = t
				}
			for (i = 1; i <= n; i++)
				print e[i]
			n = 0
		}
		/^key: / { e[++n] = $0; next }
		{ flush(); print }
		END { flush() }'
}

MANUAL_PAGES=("${TREE:?}"/tools/bpf/bpftool/Documentation/map-{drain,swap-drain,sync}-{description,examples}.rst
	"${TREE:?}"/tools/bpf/bpftool/Documentation/map-sync-sleepable-description.rst)

# Titles of the sections that have a command, a line each
manual_titles() {
	awk '/^-+$/ { title = last }
		/^  #[ !]/ && title { print title; title = "" }
		{ last = $0 }' "${MANUAL_PAGES[@]}"
}

# The literal blocks of a section, without their indentation
manual_blocks() {
	awk -v title="$1" '
		/^[-=]+$/ { ours = last == title }
		ours && /^[^ ]/ { block = 0 }
		ours && block { sub(/^  /, ""); print }
		ours && /::$/ { block = 1 }
		{ last = $0 }' "${MANUAL_PAGES[@]}"
}

# The commands of a section
manual_transcript() {
	transcript < <(manual_blocks "$1")
}

# The manual's folders become those of the test
manual_here() {
	sed -E -e "s#/sys/fs/bpf/app#${PINS:?}#g" \
	    -e "s#/var/spool/(flows|packets)#${BATS_TEST_TMPDIR:?}/spool#g" \
	    -e "s#/var/log#$BATS_TEST_TMPDIR/log#g"
}

# Mask ids, process ids and times, and drop the warning of what other runs left
# behind
manual_stable() {
	sed -E -e '/^Warning: /d' \
	    -e 's/map [0-9]+ swapped for map [0-9]+, waited [0-9]+ us/map N swapped for map M, waited U us/' \
	    -e 's/\([a-z_]+\)$/(PROVIDER)/' \
	    -e 's#(swap_drain|journal)/[0-9_]+/[0-9]+_[0-9]+(_moved)?#\1/RUN/OUTER_INNER\2#' \
	    -e 's/"provider":"[a-z_]+","wait_us":[0-9]+/"provider":P,"wait_us":U/g'
}

# Runs a section's commands one by one, as typed, and compares what each prints
# with what the manual shows
manual_replay() {
	local i got want

	manual_transcript "$1"
	for i in "${!CMD[@]}"; do
		got=$(manual_here <<<"${CMD[i]}" | bash -e 2>&1 |
			manual_stable)
		want=$(manual_here <<<"${OUT[i]}" | manual_stable)
		as_shown "$i" "$want" "$got" || return 1
	done
}

setup_recipe() {
	setup_bpffs
	bpftool prog loadall "$BUILD/tests/recipe.bpf.o" "$PINS" \
		pinmaps "$PINS"
}

# What a test that failed left in the journal that all share goes too
cleanup_recipe() {
	local journal=/sys/fs/bpf/swap_drain map outer

	for map in flows kinds; do
		[ -d "$journal" ] || break
		outer=$(bpftool -j map show pinned "$PINS/$map" | jq .id)
		find "$journal" -name "${outer}_*" -printf '%h\n' |
			xargs -r rm -rf
	done
	cleanup_bpffs
}

# packet ADDRESS: one from there, as far as the program reads it
packet() {
	local byte

	for byte in ${1//./ }; do
		# shellcheck disable=SC2059 # an escape made of the byte
		printf "\\x$(printf %x "$byte")"
	done
	head -c 60 /dev/zero
}

# send FILE COUNT: the packet in the file; prints what came of the last one
send() {
	bpftool -j prog run pinned "$PINS/recipe" data_in "$1" repeat "$2"
}
