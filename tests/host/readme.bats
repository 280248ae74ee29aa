# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every command that the README shows, and what it prints there

load ../lib/slot
load ../lib/pages

README=$BATS_TEST_DIRNAME/../../README.md
ROOT=$BATS_TEST_DIRNAME/../..

setup() {
	setup_slot
	# Others may have a map called flows
	OUTER_NAME=fl_${WORLD-}$$
	PLAIN_NAME=pk_${WORLD-}$$
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s "$BPFTOOL" "$BATS_TEST_TMPDIR/bin/bpftool"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	cd "$BATS_TEST_TMPDIR" || return 1
}

# entries PIN [KEY VALUE]...: with values of two bytes at most
entries() {
	local pin=$1

	shift
	while (($#)); do
		bpftool map update pinned "$pin" \
			key hex 0a 00 00 "$1" value hex "${2% *}" "${2#* }" 00 00 00 00 00 00
		shift 2
	done
}

# inner SLOT [KEY VALUE]...: a map in the slot
inner() {
	rm -f "$PINS/inner"
	other_map --entries 16 hash "$PINS/inner"
	entries "$PINS/inner" "${@:2}"
	[ -e "$PINS/outer" ] || bpftool map create "$PINS/outer" \
		type array_of_maps key 4 value 4 entries 4 \
		name "$OUTER_NAME" inner_map pinned "$PINS/inner"
	bpftool map update pinned "$PINS/outer" key "$1" 0 0 0 \
		value pinned "$PINS/inner"
	rm "$PINS/inner"
}

# plain KEY VALUE...: entries of the plain map
plain() {
	[ -e "$PINS/packets" ] ||
		map_make --name "$PLAIN_NAME" --entries 16 hash "$PINS/packets"
	entries "$PINS/packets" "$@"
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
	awk '/^key: / { print | "sort"; next }
		{ close("sort"); print; fflush() }'
}

# The README's maps, pins and journal become those of the test
here() {
	sed -E -e "s#name flows_in#name $INNER_NAME#" \
	    -e "s#name flows#name $OUTER_NAME#" \
	    -e "s#/sys/fs/bpf/(mine|packets)#$PINS/\1#" \
	    -e "s#(bpftool map swap-drain recover)\$#\1 journal $PINS/journal#" \
	    -e "s#/sys/fs/bpf/swap_drain#$PINS/journal#"
}

@test "what the README types does what the README shows" {
	page_transcript "$README"
	[ "${#CMD[@]}" -eq 9 ]
	for i in "${!CMD[@]}"; do
		# What has to be there before
		case $i in
		0) plain 01 '2c 01' 02 '07 00' ;;
		3) plain 01 '05 00' ;;
		4) inner 0 01 '2c 01' ;;
		5) inner 2 01 '05 00' ;;
		esac
		# A journal of its own is what makes "recover" find only ours
		typed=$(sed -E "s#(swap-drain .*) >#\1 journal $PINS/journal >#" \
			<<<"${CMD[i]}" | here)
		got=$({ bash -c "$typed" 2>&1 || true; } | page_stable)
		want=$(here <<<"${OUT[i]}" | page_stable)
		as_shown "$i" "$want" "$got"
	done
}

@test "the comparison sees another count, another slot and another text" {
	while read -r line; do
		[ "$(page_stable <<<"${line//_/1}")" != \
			"$(page_stable <<<"${line//_/2}")" ]
	done <<-END
		key: 01  value: 0_
		        slot 0_ 00 00 00
		Found _ elements
		6: hash  name in  flags 0x_
		Error: map _a may still be written to
		Error: can't write; old map is pinned at /sys/fs/bpf_/4711/17_42
	END
}

@test "what is read of a page: no line is left out, and a difference is seen" {
	transcript <<<$'before\n# one\na\n\n b\n\n# two\n'
	[ "${CMD[*]}" = 'one two' ]
	[ "${OUT[0]}" = $'a\n\n b' ]
	[ -z "${OUT[1]}" ]
	as_shown 0 a a
	run -1 as_shown 0 a ''
	run -1 transcript <<<'no command'
}

@test "every page that shows commands is typed by a test" {
	local tests=("$ROOT"/tests/*/*.bats)

	for page in "$ROOT"/docs/*.md; do
		grep -q '^    # ' "$page" || continue
		echo "${page##*/}"
		grep -q "^[A-Z]*=.*/docs/${page##*/}\$" "${tests[@]}"
	done
}

# rows BASE: the lines of the matrix, as rows of the page
rows() {
	local line

	export BASE=$1
	for line in "$ROOT"/tests/vm/lines/*.line; do
		(
			# shellcheck source=/dev/null
			. "$line"
			[ "$EXPECT_MEMBARRIER" = used ] ||
				EXPECT_MEMBARRIER="refused: $EXPECT_MEMBARRIER"
			echo "$TITLE|$EXPECT_PROVIDER|$EXPECT_MEMBARRIER"
		)
	done
}

@test "the table of kernels that were tested is that of the matrix's lines" {
	local page=$BATS_TEST_TMPDIR/page

	sed -n '/^| kernel | provider chosen | membarrier |$/,/^$/p' \
		"$ROOT/docs/testing.md" | sed -e '1,2d' -e '/^$/d' -e 's/[`]//g' \
		-e 's/^| //; s/ |$//; s/ | /|/g' -e 's/ with our patch/, patched/' |
		sort >"$page"
	{ rows 6.12; { rows 6.1; rows 7.3; } | grep patched; } | sort | diff - "$page"
}

@test "every make that a page shows is one that the Makefile knows" {
	local seen=0

	# All rules and variables; nothing is made
	env -u MAKELEVEL -u MAKEFLAGS make -C "$ROOT" -prRq : \
		>"$BATS_TEST_TMPDIR/rules" 2>/dev/null || true
	for page in "$ROOT"/README.md "$ROOT"/CONTRIBUTING.md \
		"$ROOT"/docs/*.md; do
		[ -e "$page" ] || continue
		while IFS= read -r line; do
			seen=$((seen + 1))
			for word in ${line#make}; do
				echo "${page##*/}: $line: $word"
				grep -qE "^(${word%%=*}|${word%=*} [:?]?=.*)(:.*)?\$" \
					"$BATS_TEST_TMPDIR/rules"
			done
		done < <(sed -n 's/^    make\b/make/p' "$page" |
			sed -e 's/  .*//' -e 's/ -C bpftool-map-sync//' -e '/ -C /d')
	done
	((seen >= 9))
}

@test "the files that README and CONTRIBUTING name are there" {
	{
		grep -oh '`[a-z-]\+/[A-Za-z0-9/._-]*`' "$README" \
			"$ROOT/CONTRIBUTING.md" | tr -d '`'
		grep -o '](docs/[^)]*)' "$README" | tr -d ']()'
	} | grep -v -e '^build/' -e '^tools/' -e COMPONENT -e /NAME | sort -u >"$BATS_TEST_TMPDIR/names"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/names")" -gt 10 ]
	while IFS= read -r name; do
		echo "$name"
		[ -e "$ROOT/$name" ]
	done <"$BATS_TEST_TMPDIR/names"
}

@test "the README's end of the demo is how the demo ends" {
	# "$drains drains" in the script
	for text in 'counted by the program, before it looked a map up' \
		'drained, in 6 drains' 'lost' \
		'read and cleared the usual way, beside it' \
		'never seen that way'; do
		grep -qE "^ +[0-9,]+  $text\$" "$README"
		grep -qE "^	row .*[ '\"]${text/6/.drains}['\"]?\$" \
			"$ROOT/tests/demo/demo.sh"
	done
}

@test "the README has at most 120 lines" {
	[ "$(wc -l <"$README")" -le 120 ]
}
