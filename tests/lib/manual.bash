# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Reading the examples of the manual, and replaying them. Needs transcript.bash.

MANUAL_PAGES=("${TREE:?}"/tools/bpf/bpftool/Documentation/map-{drain,swap-drain,sync}-{description,examples}.rst)

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
	    -e 's#(swap_drain|journal)/[0-9_]+/[0-9]+_[0-9]+#\1/RUN/OUTER_INNER#' \
	    -e 's/"provider":"[a-z_]+","wait_us":[0-9]+/"provider":P,"wait_us":U/'
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
