# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What docs/distributions.md tells those who ship bpftool, libbpf or a kernel: its
# commands are run as they stand, on sources in the form that packages have.

load ../lib/sources

setup_file() {
	export PRISTINE=$TREE/../pristine BASE_NAME EXPORT=$BATS_FILE_TMPDIR/export
	BASE_NAME=$(basename "$(realpath "$TREE/..")")
	"$ROOT/scripts/export.sh" "$PRISTINE" "$EXPORT"
	"$ROOT/scripts/series.sh" "$PRISTINE" "$BATS_FILE_TMPDIR/series"
	export LIBBPF_SOURCE=$BATS_FILE_TMPDIR/libbpf BPFTOOL_SOURCE=$BATS_FILE_TMPDIR/bpftool
	libbpf_source
	bpftool_source
}

# libbpf as it is packaged. Debian 12 has one that is as old as 6.1: the real one
# there, elsewhere that of the kernel in the layout of libbpf's own repository.
libbpf_source() {
	if [ "$BASE_NAME" = 6.1 ]; then
		"$ROOT/tests/source/debian-source.sh" libbpf "$BUILD/debian-source/libbpf" &&
		cp -a "$BUILD/debian-source/libbpf" "$LIBBPF_SOURCE"
		return
	fi
	mkdir -p "$LIBBPF_SOURCE/debian" "$LIBBPF_SOURCE/include/uapi/linux"
	cp -a "$PRISTINE/tools/lib/bpf" "$LIBBPF_SOURCE/src"
	cp "$PRISTINE/tools/include/uapi/linux/bpf.h" "$LIBBPF_SOURCE/include/uapi/linux/"
	printf 'libbpf (1:1.5.0-1) unstable; urgency=low\n\n  * New.\n\n%s\n' \
		' -- A B <a@example.org>  Thu, 01 Jan 2026 00:00:00 +0000' \
		>"$LIBBPF_SOURCE/debian/changelog"
	printf 'libbpf.so.1 libbpf1 #MINVER#\n' >"$LIBBPF_SOURCE/debian/libbpf1.symbols"
}

# The mirror of bpftool as it is released, with libbpf in it
bpftool_source() {
	local dir=$BPFTOOL_SOURCE

	mkdir -p "$dir"/{,libbpf/}include/uapi/linux
	cp -a "$PRISTINE/tools/bpf/bpftool" "$dir/src"
	mv "$dir/src/Documentation" "$dir/docs"
	mv "$dir/src/bash-completion" "$dir/"
	cp -a "$PRISTINE/tools/lib/bpf" "$dir/libbpf/src"
	cp "$PRISTINE/tools/include/uapi/linux/bpf.h" "$dir/include/uapi/linux/"
	cp "$PRISTINE/tools/include/uapi/linux/bpf.h" "$dir/libbpf/include/uapi/linux/"
	# What differs in its makefiles, by and large
	sed -i -e 's#^include ../../scripts/#include #' -e '/^srctree := .*srctree/d' \
		-e 's#/tools/lib/bpf#/libbpf/src#' -e 's#(srctree)/kernel#(srctree)/src/kernel#' \
		-e 's#/tools/include#/include#' "$dir/src/Makefile"
	sed -i 's#^include .*/scripts/#include ../src/#' "$dir/docs/Makefile"
}

# The folder that the page speaks of: this repository, and sources beside it
setup() {
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
	export GIT_{AUTHOR,COMMITTER}_NAME=tests GIT_{AUTHOR,COMMITTER}_EMAIL=tests@localhost
	mkdir -p "$BATS_TEST_TMPDIR/place/bpftool-map-sync/build"
	cd "$BATS_TEST_TMPDIR/place" || return 1
	cp -a "$PRISTINE" linux
	mkdir -p linux/debian/patches
	touch linux/debian/patches/series
	cp -a "$LIBBPF_SOURCE" libbpf
	cp -a "$BPFTOOL_SOURCE" bpftool
	cp -a "$EXPORT" export
	cp -a "$BATS_FILE_TMPDIR/series" bpftool-map-sync/build/
}

# commands SECTION N: the N-th block of commands in a section of the page
commands() {
	awk -v section="## $1" -v want="$2" '
		/^## / { in_section = $0 == section }
		/^    / { if (!block) n++; block = 1; if (in_section && n == want) print substr($0, 5); next }
		/^## / { n = 0 }
		{ block = 0 }' "$ROOT/docs/distributions.md"
}

# follow SECTION N: does what it says
follow() {
	commands "$1" "$2" >"$BATS_TEST_TMPDIR/commands"
	cat "$BATS_TEST_TMPDIR/commands"
	[ -s "$BATS_TEST_TMPDIR/commands" ]
	bash -euo pipefail "$BATS_TEST_TMPDIR/commands"
}

# linux is what bpftool is built from here
patched() {
	local path

	for path in tools/bpf/bpftool tools/lib/bpf tools/include include kernel; do
		diff -r --no-dereference -x .pc "linux/$path" "$TREE/$path"
	done
	diff -r "$ROOT/patches/selftests/progs" linux/tools/testing/selftests/bpf/progs
}

libbpf_patched() {
	grep -q '^LIBBPF_API int bpf_sync_map_access(void);' libbpf/src/bpf.h
	grep -q 'BPF_SYNC_MAP_ACCESS = 60,' libbpf/include/uapi/linux/bpf.h
	mkdir -p "$BATS_TEST_TMPDIR/obj"
}

bpftool_patched() {
	local tool=$TREE/tools/bpf/bpftool

	diff -r -x .pc -x 'Makefile*' -x Documentation -x bash-completion bpftool/src "$tool"
	diff -r -x Makefile bpftool/docs "$tool/Documentation"
	diff -r bpftool/bash-completion "$tool/bash-completion"
	# The makefiles get what those of the kernel get
	diff <(diff "$BPFTOOL_SOURCE/src/Makefile" bpftool/src/Makefile | grep '^[<>]') \
		<(diff "$PRISTINE/tools/bpf/bpftool/Makefile" "$tool/Makefile" | grep '^[<>]')
	cmp "$BPFTOOL_SOURCE/docs/Makefile" bpftool/docs/Makefile
	diff -r bpftool/libbpf/src "$TREE/tools/lib/bpf"
	cmp bpftool/libbpf/include/uapi/linux/bpf.h "$TREE/tools/include/uapi/linux/bpf.h"
	cmp bpftool/include/uapi/linux/bpf.h "$TREE/tools/include/uapi/linux/bpf.h"
}

@test "every command of the page is run by a test" {
	local section found=0

	while read -r section; do
		found=$((found + $(for n in 1 2 3; do
			[ -z "$(commands "$section" $n)" ] || echo "$n"
		done | wc -l)))
		[ -z "$(commands "$section" 4)" ]
	done < <(sed -n 's/^## //p' "$ROOT/docs/distributions.md")
	# As many blocks as the page has, and as many as are followed below
	[ "$found" -eq "$(awk '/^    / { if (!b) n++; b = 1; next } { b = 0 } END { print n }' \
		"$ROOT/docs/distributions.md")" ]
	[ "$found" -eq "$(grep -oE '(follow|run_make|commands|spec_lines) ("[A-Z][^"]+"|[A-Z][a-z]+) [0-9]' \
		"$BATS_TEST_FILENAME" | sed 's/^[a-z_]* //; s/"//g' | sort -u | wc -l)" ]
}

# The page's make, with the base that is tested
run_make() {
	commands "$1" "$2" | grep '^make' | sed "s/BASE=[0-9.]*/BASE=$BASE_NAME/" \
		>"$BATS_TEST_TMPDIR/commands"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/commands")" -eq 1 ]
	sed -i "s#^make -C bpftool-map-sync#${MAKE:-make} -C $ROOT#" "$BATS_TEST_TMPDIR/commands"
	env -u MAKELEVEL bash -eu "$BATS_TEST_TMPDIR/commands"
}

@test "make export writes the folders" {
	rm -r export
	[ "$BASE_NAME" != ksrc ] || skip "the page is about packaged sources"
	run_make "What to take" 1
	diff -r "$EXPORT" export
}

@test "Debian: the kernel's package" {
	follow Debian 1
	patched
	[ "$(wc -l <linux/debian/patches/series)" -eq "$(wc -l <"$EXPORT/kernel/series")" ]
}

@test "Debian: libbpf's package builds, and its list of symbols is complete" {
	local version lib

	follow Debian 2
	libbpf_patched
	lib=$BATS_TEST_TMPDIR/obj
	version=$(dpkg-parsechangelog -l libbpf/debian/changelog --show-field Version)
	grep -q "^ bpf_sync_map_access@LIBBPF_SYNC_1 $version+mapsync1$" \
		libbpf/debian/libbpf1.symbols
	if [ "$BASE_NAME" != 6.1 ]; then
		# The makefile of libbpf's own repository is not here
		return
	fi
	make -s -j"$(nproc)" -C libbpf/src NO_PKG_CONFIG=1 OBJDIR="$lib" "$lib/libbpf.so"
	nm -D "$lib/libbpf.so" | grep ' bpf_sync_map_access@@LIBBPF_SYNC_1$'
	mkdir -p "$lib/DEBIAN"
	# New symbols are errors (-c4), as well as missing ones
	(cd libbpf && dpkg-gensymbols -c4 -plibbpf1 -v"$version+mapsync1" \
		-e"$(echo "$lib"/libbpf.so.*.*)" -Odebian/out)
}

# spec_lines SECTION N SOURCE: what %autosetup -p1 does with the lines of a spec that
# the page makes
spec_lines() {
	local name

	run -0 follow "$1" "$2"
	grep '^Patch' <<<"$output" >"$BATS_TEST_TMPDIR/spec"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/spec")" -eq "$(wc -l <"$EXPORT/$3/series")" ]
	while read -r _ name; do
		patch -d "$3" -p1 --fuzz=0 --no-backup-if-mismatch <"$name"
	done <"$BATS_TEST_TMPDIR/spec"
}

@test "Fedora: lines of the spec for bpftool" {
	spec_lines Fedora 1 bpftool
	bpftool_patched
}

@test "the mirror of bpftool by quilt" {
	(cd bpftool && QUILT_PATCHES=$EXPORT/bpftool quilt --quiltrc - push -a --fuzz=0)
	bpftool_patched
}

# The releases that the page names this base for. Between 7.5 and what 7.3 has, the
# mirror's btf_dumper.c had other types, macros and one other text.
releases() {
	local file=bpftool/src/btf_dumper.c

	if [ "$BASE_NAME" != 7.3 ]; then
		return
	fi
	sed -i -e 's/^\t__u32 i;/\t__u16 i;/' -e 's/btf_kflag(t)/BTF_INFO_KFLAG(t->info)/' \
		-e 's/vlen = btf_vlen(\([a-z_]*\))/vlen = BTF_INFO_VLEN(\1->info)/' \
		-e 's/btf_kind(t)/BTF_INFO_KIND(t->info)/' "$file"
	run ! cmp "$file" "$BPFTOOL_SOURCE/src/btf_dumper.c"
	cp -a bpftool bpftool-7.7
	sed -i 's/"(unsupported-kind)"/"(unsupported-kind"/' "$file"
	run ! cmp "$file" bpftool-7.7/src/btf_dumper.c
	cp -a bpftool bpftool-7.6
}

@test "the mirror's releases that are nearest to this base" {
	local dir name

	cp -a bpftool "bpftool-as-$BASE_NAME"
	releases
	for dir in bpftool-*; do
		[ -d "$dir/src" ] || continue
		while read -r name; do
			patch -d "$dir" -p1 --fuzz=0 -s <"export/bpftool/$name"
		done <export/bpftool/series
	done
}

@test "Fedora: one file for the kernel" {
	follow Fedora 2
	patched
}

@test "Fedora: lines of the spec for libbpf" {
	spec_lines Fedora 3 libbpf
	libbpf_patched
}

@test "a tree in git: the mails" {
	git -C linux init -q
	git -C linux add -A
	git -C linux commit -q -m pristine
	commands "Any other" 1 | grep -v '^make' >"$BATS_TEST_TMPDIR/git-am"
	bash -eu "$BATS_TEST_TMPDIR/git-am"
	patched
	[ "$BASE_NAME" = ksrc ] || {
		commands "Any other" 1 | grep -q "^make -C bpftool-map-sync series BASE="
	}
}

@test "a tree that was unpacked, and what to look at afterwards" {
	follow "Any other" 2
	patched
	follow "What to look at afterwards" 1
}

@test "the patches have DEP-3 headers, and apply by quilt alone" {
	local file field

	for file in "$EXPORT"/*/*.patch; do
		sed '/^---$/,$d' "$file" >"$BATS_TEST_TMPDIR/header"
		for field in Subject From Origin Forwarded Last-Update; do
			[ "$(grep -c "^$field: ." "$BATS_TEST_TMPDIR/header")" -eq 1 ]
		done
		head -n 1 "$file" | grep -qE '^Subject: (bpf|libbpf|bpftool|selftests/bpf): '
		grep -qE '^Last-Update: 20[0-9]{2}-[01][0-9]-[0-3][0-9]$' "$BATS_TEST_TMPDIR/header"
		# The description goes on after the first empty line
		[ "$(sed '1,/^$/d' "$BATS_TEST_TMPDIR/header" | wc -w)" -gt 15 ]
	done
	for file in kernel libbpf bpftool; do
		diff <(cat "$EXPORT/$file/series") <(cd "$EXPORT/$file" && ls -- *.patch)
	done
}

# refused SCRIPT DIR WHAT: by the name of what is in the way, with nothing changed
refused() {
	find "$2" -type f -exec sha256sum {} + | sort >"$BATS_TEST_TMPDIR/before"
	run -1 --separate-stderr "$ROOT/scripts/$1" "$PRISTINE" "$2"
	[[ $stderr == "Error: $2 holds what was not written by this"*": "$3 ]]
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	find "$2" -type f -exec sha256sum {} + | sort | diff "$BATS_TEST_TMPDIR/before" -
}

@test "export takes no source for a folder of its own" {
	mkdir -p place/libbpf/src place/other
	touch place/libbpf/src/bpf.c place/other/file
	refused export.sh place libbpf/src
	rm -r place/libbpf
	ln -s ../linux place/kernel
	refused export.sh place kernel
	rm place/kernel
	"$ROOT/scripts/export.sh" "$PRISTINE" place
	[ -e place/other/file ]
	rm -r place/other
	diff -r "$EXPORT" place
	# What it wrote, changed or with something beside it
	echo >>place/kernel/series
	refused export.sh place kernel/series
	cp "$EXPORT/kernel/series" place/kernel/
	touch place/libbpf/mine
	refused export.sh place libbpf/mine
	rm place/libbpf/mine place/kernel/0001-*
	"$ROOT/scripts/export.sh" "$PRISTINE" place
	diff -r "$EXPORT" place
}

@test "series overwrites nothing but a series" {
	local letter=1-command/0000-cover-letter.txt

	refused series.sh linux "./*"
	cp -a "$BATS_FILE_TMPDIR/series" mails
	echo edited >>"mails/$letter"
	refused series.sh mails "./$letter"
	rm "mails/$letter"
	"$ROOT/scripts/series.sh" "$PRISTINE" mails
	diff -r "$BATS_FILE_TMPDIR/series" mails
}
