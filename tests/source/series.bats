# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The series of "make series": that they apply, that each patch builds, and what the
# kernel's own checks say of them. In $MAILS, and in $LISTMAILS the form for the
# mailing list, if this tree is current; $GIT is a pristine tree in git, whose branches
# have all of them applied.

load ../lib/sources

bats_require_minimum_version 1.5.0

setup_file() {
	export MAILS=$BATS_FILE_TMPDIR/series LISTMAILS=$BATS_FILE_TMPDIR/upstream
	export GIT=$BATS_FILE_TMPDIR/git OBJ=$BATS_FILE_TMPDIR/obj
	export PRISTINE=${TREE:?}/../pristine NAME
	NAME=$(basename "$(realpath "$TREE/..")")

	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
	export GIT_{AUTHOR,COMMITTER}_NAME=tests GIT_{AUTHOR,COMMITTER}_EMAIL=tests@localhost
	"$ROOT/scripts/series.sh" "$PRISTINE" "$MAILS"
	mkdir "$OBJ"
	cp -a "$PRISTINE" "$GIT"
	cd "$GIT" || return 1
	git init -q -b pristine
	git add -A
	git commit -q -m pristine
	git checkout -q -b default
	git am -q "$MAILS"/*/*.patch
	git checkout -q pristine
	is_current || return 0
	"$ROOT/scripts/series.sh" -u -b "$(git rev-parse HEAD)" "$PRISTINE" "$LISTMAILS"
	git checkout -q -b upstream
	git am -q "$LISTMAILS"/*/*.patch
	git checkout -q pristine
}

# The form for the mailing list is for a tree of today only
is_current() {
	[[ $NAME != 6.* ]]
}

needs_current() {
	is_current || skip "this tree is not current"
}

# on BRANCH: in the tree as it is there
on() {
	cd "$GIT" && git checkout -q "$1"
}

# needs SERIES: those that it is applied after
needs() {
	sed -n 's/^needs //p' "$ROOT/patches/series/$1/order"
}

# bpftool's own build; settings and targets may follow
build() {
	(cd "$ROOT" && $SUBMAKE -s -j"$(nproc)" -C "$GIT/tools/bpf/bpftool" \
		OUTPUT="$OBJ/" "$@")
}

libbpf_check() {
	mkdir -p "$BATS_TEST_TMPDIR/libbpf"
	env -u MAKEFLAGS -u MAKEOVERRIDES make -s -j"$(nproc)" -C "$GIT/tools/lib/bpf" \
		OUTPUT="$BATS_TEST_TMPDIR/libbpf/" EXTRA_CFLAGS=-O0 check \
		2>"$BATS_TEST_TMPDIR/said" || { cat "$BATS_TEST_TMPDIR/said"; return 1; }
	! grep 'warning:' "$BATS_TEST_TMPDIR/said"
}

setup() {
	# What builds said
	LOG=$BATS_TEST_TMPDIR/log
}

# no_new_warning: none that a pristine tree does not bring
no_new_warning() {
	! grep -A 5 'warning:' "$LOG" || {
		git -C "$GIT" checkout -q -f pristine
		rm -rf "$OBJ"
		mkdir "$OBJ"
		build EXTRA_CFLAGS=-O0 >"$BATS_TEST_TMPDIR/before" 2>&1
		[ -z "$(comm -13 <(grep 'warning:' "$BATS_TEST_TMPDIR/before" | sort -u) \
			<(grep 'warning:' "$LOG" | sort -u))" ]
	}
}

# headers_differ: how the two copies of the header do. On 6.1 they are not quite the same.
headers_differ() {
	diff "$GIT/include/uapi/linux/bpf.h" "$GIT/tools/include/uapi/linux/bpf.h" |
		grep '^[<>]' || true
}

@test "both copies of the header get the same" {
	local branch

	for branch in pristine default $(is_current && echo upstream); do
		git -C "$GIT" checkout -q "$branch"
		headers_differ >"$BATS_TEST_TMPDIR/$branch"
		cmp "$BATS_TEST_TMPDIR/pristine" "$BATS_TEST_TMPDIR/$branch"
	done
	sed -i '/SYNC_MAP_ACCESS/d' "$GIT/tools/include/uapi/linux/bpf.h"
	headers_differ >"$BATS_TEST_TMPDIR/without"
	git -C "$GIT" reset -q --hard
	run -1 cmp -s "$BATS_TEST_TMPDIR/pristine" "$BATS_TEST_TMPDIR/without"
}

# number COMMAND [TREE]: its number in the tree's header
number() {
	printf '#include <linux/bpf.h>\nint n = %s;\n' "$1" |
		gcc -I"${2:-$GIT}/tools/include/uapi" -S -o - -x c - |
		awk '$1 == ".long" { print $2 } $1 == ".zero" { print 0 }'
}

# exported VERSION: libbpf exports the function from that node, and only once
exported() {
	nm -D "$BATS_TEST_TMPDIR/libbpf/libbpf.so" | grep sync_map_access |
		tee "$BATS_TEST_TMPDIR/exported"
	[[ $(cut -d ' ' -f 2- "$BATS_TEST_TMPDIR/exported") == "T bpf_sync_map_access@@$1" ]]
}

@test "every series applies to the pristine tree after what it needs, each patch builds" {
	local series before patch

	cd "$GIT"
	for series in "$MAILS"/*/; do
		git checkout -q -f --detach pristine
		for before in $(needs "$(basename "$series")"); do
			git am -q "$MAILS/$before"/*.patch
		done
		for patch in "$series"*.patch; do
			run -0 --separate-stderr git am "$patch"
			# No complaint about white space either
			[ -z "$stderr" ]
			# Not optimized: it is the same code, and there are many builds
			build EXTRA_CFLAGS=-O0 >>"$LOG" 2>&1 || { cat "$LOG"; return 1; }
		done
	done
	"$OBJ/bpftool" map help 2>&1 | grep -q swap-drain
	no_new_warning
}

# changed_lines SERIES
changed_lines() {
	git apply --numstat "$MAILS/$1"/*.patch | awk '{ n += $1 + $2 } END { print n }'
}

@test "the series have the sizes that their readers were promised" {
	local name most lines total=0

	while read -r name most lines; do
		[ -d "$MAILS/$name" ] || continue
		echo "$name: $(changed_lines "$name")"
		[ "$(find "$MAILS/$name" -name '*.patch' | wc -l)" -le "$most" ]
		[ -z "$lines" ] || [ "$(changed_lines "$name")" -le "$lines" ]
		[ "$name" = 4-drain ] || total=$((total + $(changed_lines "$name")))
	done <<-'SIZES'
		1-command 3 550
		2-map-dump 6 749
		3-map-sync 4 700
		4-drain 15
	SIZES
	[ "$total" -gt 0 ]
	[ "$total" -le 1990 ]
}

# mail_of FILE: without the subject's prefix, and how that makes it be folded
mail_of() {
	sed '/^Subject: /{:a; N; s/\n / /; ta; s/\[PATCH[^]]*\] //}' "$1"
}

@test "upstream: the mails of bpftool are the same, and the first patch builds" {
	local mail name

	needs_current
	for mail in "$MAILS"/*/*.patch; do
		name=${mail#"$MAILS/"}
		[[ $name != 1-command/000[12]-* ]] || continue
		diff <(mail_of "$mail") <(mail_of "$LISTMAILS/$name")
	done
	cd "$GIT"
	git checkout -q --detach pristine
	git am -q "$LISTMAILS"/1-command/0001-*.patch
	libbpf_check
}

@test "upstream: each cover letter names the base" {
	local file

	needs_current
	for file in "$LISTMAILS"/*/0000-cover-letter.txt; do
		grep -qx "base-commit: $(git -C "$GIT" rev-parse pristine)" "$file"
		run ! grep -q base-commit "$MAILS/${file#"$LISTMAILS/"}"
	done
}

@test "upstream: a tree that is not current is refused" {
	local old=$BATS_TEST_TMPDIR/old file

	if ! is_current; then
		run ! "$ROOT/scripts/series.sh" -u "$PRISTINE" "$BATS_TEST_TMPDIR/out"
		[[ $output == *'not current'*BPF_PROG_ASSOC_STRUCT_OPS*KSRC=* ]]
		[ ! -e "$BATS_TEST_TMPDIR/out" ]
		return
	fi
	cp -a "$PRISTINE" "$old"
	file=$old/tools/lib/bpf/libbpf_version.h
	sed -i 's/\(LIBBPF_MINOR_VERSION\) .*/\1 7/' "$file"
	run "$ROOT/scripts/series.sh" -u "$old" "$BATS_TEST_TMPDIR/out"
	[[ $output == *'not current'*'libbpf 1.7 after'* ]]
	[ ! -e "$BATS_TEST_TMPDIR/out" ]
}

@test "make series UPSTREAM=1 wants a clean git tree" {
	local tree=$BATS_TEST_TMPDIR/tree

	cd "$ROOT"
	run ! env -u MAKELEVEL "${MAKE:-make}" -s UPSTREAM=1 upstream-tree
	[[ $output == *'KSRC=DIR'* ]]
	cp -a "$GIT" "$tree"
	git -C "$tree" checkout -q -f pristine
	env -u MAKELEVEL "${MAKE:-make}" -s UPSTREAM=1 KSRC="$tree" upstream-tree
	echo >>"$tree/Makefile"
	run ! env -u MAKELEVEL "${MAKE:-make}" -s UPSTREAM=1 KSRC="$tree" upstream-tree
	[[ $output == *'without changes'* ]]
}

@test "a patch that does not build would be noticed" {
	on default
	git rm -q tools/bpf/bpftool/map_msg.c
	touch tools/bpf/bpftool/main.c
	run build EXTRA_CFLAGS=-O0
	git reset -q --hard
	[ "$status" -ne 0 ]
}

@test "the series makes the tree that bpftool is built from" {
	on default
	diff -r -x .git -x .pc -x .patches -x testing "$GIT" "$TREE"
	diff -r "$ROOT/patches/selftests/progs" tools/testing/selftests/bpf/progs
	diff -r "$ROOT/patches/selftests/prog_tests" tools/testing/selftests/bpf/prog_tests
}

@test "libbpf's own check passes, a node of our own exports the function" {
	on default
	libbpf_check
	exported LIBBPF_SYNC_1
	[ "$(number BPF_SYNC_MAP_ACCESS)" -eq 60 ]
}

@test "upstream: libbpf's own check passes, the version in development exports it" {
	local version

	needs_current
	on upstream
	version=$(awk '/define LIBBPF_(MAJOR|MINOR)/ { v = v $3 "." } END { print v "0" }' \
		tools/lib/bpf/libbpf_version.h)
	libbpf_check
	exported "LIBBPF_$version"
}

@test "upstream: the number is the next one that is free" {
	local last new

	needs_current
	on pristine
	# What the last command is called is the tree's business
	last=$(awk '/^enum bpf_cmd {/ { on = 1; next } on && /^}|__MAX_BPF_CMD/ { exit }
		on && /^\tBPF_/ { sub(/[ ,].*/, ""); last = $1 } END { print last }' \
		tools/include/uapi/linux/bpf.h)
	last=$(number "$last")
	git checkout -q upstream
	new=$(number BPF_SYNC_MAP_ACCESS)
	echo "$last, then $new"
	[ "$new" -eq $((last + 1)) ]
}

@test "upstream: bpftool builds without a warning that was not there before" {
	needs_current
	on upstream
	rm -rf "$OBJ"
	mkdir "$OBJ"
	build >"$LOG" 2>&1
	"$OBJ/bpftool" map sync using membarrier
	no_new_warning
}

@test "a warning that is new would be noticed" {
	on default
	echo 'static void unused_one(void) { }' >>tools/bpf/bpftool/map.c
	build EXTRA_CFLAGS=-O0 >"$LOG" 2>&1
	run -1 no_new_warning
	[[ $output == *unused_one* ]]
}

# Paths that are nowhere but in this repository
OURS='(^|[^/[:alnum:]_.-])(tests|docs|patches|packaging)/|[.](bats|msg)\b|CONTRIBUTING'

@test "no mail names a file of this repository" {
	! grep -rnE "$OURS" "$MAILS"/*/ || return 1
	# It would be found
	grep -qE "$OURS" <<<'see tests/host/grammar.bats'
	grep -qE "$OURS" <<<' * in "docs/man" it says'
}

@test "upstream: nothing speaks of the fixed number or of a node of our own" {
	needs_current
	# The number 60, and not the end of another or of an index
	run ! grep -nE 'SYNC_MAP_ACCESS = |LIBBPF_SYNC|number is fixed|mainline does not' \
		"$LISTMAILS"/*/*.patch
	run ! grep -n 'LIBBPF_SYNC\|fixed at' "$LISTMAILS"/*/0000-cover-letter.txt
	grep -q LIBBPF_SYNC "$MAILS"/1-command/0000-cover-letter.txt
	grep -q '^Subject: \[PATCH bpf-next 1/3' "$LISTMAILS"/1-command/0001-*
}

# later_tree: a copy whose libbpf is a later one, $later, and its $map
later_tree() {
	later=$BATS_TEST_TMPDIR/later map=$BATS_TEST_TMPDIR/later/tools/lib/bpf/libbpf.map
	cp -a "$PRISTINE" "$later"
	sed -i 's/\(LIBBPF_MINOR_VERSION\) .*/\1 99/' "$later/tools/lib/bpf/libbpf_version.h"
}

# upstream_onto_later: makes the series for it, and applies the first patches
upstream_onto_later() {
	"$ROOT/scripts/series.sh" -u "$later" "$BATS_TEST_TMPDIR/out"
	git -C "$later" init -q
	git -C "$later" apply "$BATS_TEST_TMPDIR"/out/1-command/000[12]-*.patch
	tail -n 5 "$map"
}

@test "upstream: a tree with later numbers, and an empty node for the version" {
	needs_current
	later_tree
	printf '\nLIBBPF_1.99.0 {\n} LIBBPF_1.0.0;\n' >>"$map"
	sed -i 's/^\tBPF_MAP_FREEZE,/\tBPF_MAP_FREEZE = 40,/' \
		"$later"/include/uapi/linux/bpf.h "$later"/tools/include/uapi/linux/bpf.h
	upstream_onto_later
	diff <(tail -n 4 "$map") <(printf '%s\n' 'LIBBPF_1.99.0 {' $'\tglobal:' \
		$'\t\tbpf_sync_map_access;' '} LIBBPF_1.0.0;')
	git -C "$GIT" checkout -q upstream
	[ "$(number BPF_SYNC_MAP_ACCESS "$later")" -eq \
		$(($(number BPF_SYNC_MAP_ACCESS) - $(number BPF_MAP_FREEZE) + 40)) ]
}

@test "upstream: a version that has no node yet gets one" {
	needs_current
	later_tree
	upstream_onto_later
	[[ $(tail -n 4 "$map") == 'LIBBPF_1.99.0 {'*'bpf_sync_map_access;'*'} LIBBPF_1.'*';' ]]
}

@test "checkpatch --strict finds nothing that the cover letter does not explain" {
	local dir patch type found=$BATS_TEST_TMPDIR/found

	for dir in "$MAILS"/*/ "$LISTMAILS"/1-command/; do
		[ -d "$dir" ] || continue
		for patch in "$dir"*.patch; do
			perl "$GIT/scripts/checkpatch.pl" --no-tree --strict --terse --show-types \
				- <"$patch" || true
		done | sed '/^total:/d; /^$/d' >"$found"
		cat "$found"
		while read -r type; do
			grep -q "^ - $type: " "$dir/0000-cover-letter.txt"
		done < <(sed 's/^[^ ]* [A-Z]*:\([A-Z_]*\):.*/\1/' "$found" | sort -u)
	done
}

@test "a cover letter that git am does not stumble over, and subjects in form" {
	local patch dir

	for dir in "$MAILS"/*/; do
		grep -q '^Subject: \[PATCH 0\+/' "$dir/0000-cover-letter.txt"
		run ! grep -n '\*\*\*' "$dir/0000-cover-letter.txt"
	done
	for patch in "$MAILS"/*/*.patch; do
		grep -qE '^Subject: \[PATCH[0-9/ ]*\] (bpf|libbpf|bpftool|selftests/bpf): [A-Z]' "$patch"
		grep -q '^Signed-off-by: ' "$patch"
	done
}

# Each opens with who has the problem, and the first with what was tried before
@test "the first cover letter says who needs it, and what came before" {
	local word letter=$MAILS/1-command/0000-cover-letter.txt

	for word in Android pping scx_arena ebpf-for-windows 'July 2018' 'December 2023' \
		'2025:' '^Link: https://lore.kernel.org/'; do
		grep -q -- "$word" "$letter"
	done
}

# The decimal ones, and how many times: sizes and rounds are no results
@test "the cover letter's figures are those of the page" {
	local letter figure figures=$BATS_TEST_TMPDIR/figures

	for letter in "$ROOT"/patches/series/*/cover-letter; do
		sed -n '/^Measured/,/^$/p' "$letter" |
			tr '\n' ' ' | grep -oE '[0-9]+\.[0-9]+ ms|[0-9]+ times' |
			sed 's/ ms//' >"$figures" || true
		while read -r figure; do
			grep -qwF "$figure" "$ROOT/docs/performance.md" || {
				echo "not there: $figure"
				return 1
			}
			echo "$figure" >>"$figures.all"
		done <"$figures"
	done
	[ "$(wc -l <"$figures.all")" -ge 4 ]
}

@test "upstream's test of types and options passes on the patched tree" {
	local test=tools/testing/selftests/bpf/test_bpftool_synctypes.py

	on default
	python3 "$test"
	# It does look: an option that no page has
	sed -i 's/{ "debug",/{ "debuggy",/' tools/bpf/bpftool/main.c
	sed -i 's/{-d|--debug}/{-d|--debuggy}/' tools/bpf/bpftool/main.h
	run python3 "$test"
	git reset -q --hard
	[ "$status" -ne 0 ]
}

@test "bpf_doc.py makes a page of the header, without a warning" {
	on default
	python3 scripts/bpf_doc.py --filename include/uapi/linux/bpf.h syscall \
		>"$BATS_TEST_TMPDIR/syscall.rst"
	rst2man --exit-status=1 "$BATS_TEST_TMPDIR/syscall.rst" \
		>"$BATS_TEST_TMPDIR/syscall.2" 2>"$BATS_TEST_TMPDIR/said"
	[ ! -s "$BATS_TEST_TMPDIR/said" ]
	# With its example and its errors
	sed -n '/BPF_SYNC_MAP_ACCESS/,/^\.B BPF_/p' "$BATS_TEST_TMPDIR/syscall.2" \
		>"$BATS_TEST_TMPDIR/command"
	grep -q 'bpf(BPF_SYNC_MAP_ACCESS, NULL, 0)' "$BATS_TEST_TMPDIR/command"
	grep -q EPERM "$BATS_TEST_TMPDIR/command"
}

@test "a file of ours that no patch brings is an error" {
	copy_sources "$BATS_TEST_TMPDIR/copy"
	mkdir "$BATS_TEST_TMPDIR/copy/patches/selftests/other"
	touch "$BATS_TEST_TMPDIR/copy/patches/selftests/other/later.c"
	run ! "$BATS_TEST_TMPDIR/copy/scripts/series.sh" "$PRISTINE" \
		"$BATS_TEST_TMPDIR/out"
	[[ $output == *'no order names a patch for patches/selftests/other/later.c'* ]]
	[ ! -e "$BATS_TEST_TMPDIR/out" ]
}

@test "make series writes the same, to build/series" {
	local base=(BASE="$NAME") a=$BATS_TEST_TMPDIR/a dir

	[ "$NAME" != ksrc ] || base=()
	cd "$ROOT"
	# And says how to go on
	env -u MAKELEVEL "${MAKE:-make}" -s "${base[@]}" SERIES="$a" series \
		>"$BATS_TEST_TMPDIR/said" 2>/dev/null
	for dir in "$a"/*; do
		echo "git am $dir/*.patch"
	done | diff "$BATS_TEST_TMPDIR/said" -
	diff -r "$MAILS" "$a"
	env -u MAKELEVEL "${MAKE:-make}" -n "${base[@]}" series | grep -q ' build/series$'
}

# The cover letter is sent, too
@test "make series UPSTREAM=1 says how to send them" {
	local out=$BATS_TEST_TMPDIR/out tree=$BATS_TEST_TMPDIR/tree copy=$BATS_TEST_TMPDIR/copy dir

	needs_current
	cp -a "$GIT" "$tree"
	git -C "$tree" checkout -q -f pristine
	copy_sources "$copy"
	cd "$copy"
	env -u MAKELEVEL "${MAKE:-make}" -s KSRC="$tree" UPSTREAM=1 SERIES="$out" series \
		>"$BATS_TEST_TMPDIR/said" 2>/dev/null
	for dir in "$out"/*; do
		echo "git send-email --to=bpf@vger.kernel.org $dir/0000-cover-letter.txt $dir/*.patch"
	done | diff "$BATS_TEST_TMPDIR/said" -
	diff -r "$LISTMAILS" "$out"
}
