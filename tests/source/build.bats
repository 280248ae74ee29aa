# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The build: without warnings, up to date, installable. What changes something
# works on a copy.

load ../lib/sources

setup_file() {
	export COPY=$BATS_FILE_TMPDIR/copy
	copy_build "$COPY"
}

# Settings of the outer make, as KSRC, go on; its jobs don't. Not optimized: it is
# the same code, and is built many times.
build() {
	EXTRA_CFLAGS=-O0 env -u MAKELEVEL "${MAKE:-make}" --no-print-directory -C "$COPY" "$@"
}

# Prints the time of a built file of the copy
built() {
	stat -c %y "$COPY/build/$1"
}

# warnings COMPILER: compiles our files with bpftool's own flags
warnings() {
	local obj=$BATS_TEST_TMPDIR/obj file ours=()

	cp -a "$TREE/../obj" "$obj"
	for file in "$ROOT"/bpftool/*.c; do
		file=$obj/$(basename "$file" .c).o
		rm "$file"
		ours+=("$file")
	done
	[ "${#ours[@]}" -gt 5 ]
	$SUBMAKE OUTPUT="$obj/" CC="$1" "${ours[@]}" \
		>"$BATS_TEST_TMPDIR/log" 2>&1 || {
		cat "$BATS_TEST_TMPDIR/log"
		return 1
	}
	ls "${ours[@]}"
	! grep -B2 -A5 'warning:' "$BATS_TEST_TMPDIR/log"
}

@test "our files compile without a warning: gcc" {
	warnings gcc
}

@test "our files compile without a warning: clang" {
	warnings clang
}

@test "a second make does nothing" {
	local before
	# The build may be that of another base: take this one first
	build
	before=$(built bpftool)
	run -0 build
	[ -z "$output" ]
	[ "$before" = "$(built bpftool)" ]
}

@test "a changed file of the verbs is in the next bpftool" {
	sed -i 's/needs the name of a provider/WANTS A PROVIDER/' \
		"$COPY/bpftool/map_sync.c"
	build
	run "$COPY/build/bpftool" map sync using
	[[ $output == *'WANTS A PROVIDER'* ]]
}

@test "a changed header is in the next bpftool" {
	sed -i 's/MAP_WAIT_WAYS\t/&"none | " /' "$COPY/bpftool/map_wait.h"
	build
	run "$COPY/build/bpftool" map help
	[[ $output == *'PROVIDER := { none | '* ]]
}

@test "a changed text is in the next manual page" {
	sed -i 's/^selector pattern$/selector PATTERN/' \
		"$COPY/docs/man/map-sync-examples.rst"
	build
	grep -q 'selector PATTERN' "$COPY/build/man/bpftool-map.8"
}

@test "a patch that does not apply stops the build" {
	local patch
	patch=$(echo "$COPY"/patches/bpftool/*-Add-map-sync-*.patch)
	cp -p "$patch" "$BATS_TEST_TMPDIR/good"
	sed -i 's/do_freeze/do_frieze/' "$patch"
	run build
	cp -p "$BATS_TEST_TMPDIR/good" "$patch"
	[ "$status" -ne 0 ]
	[[ $output == *'Error: the patches to '*' do not apply'* ]]
	build
}

@test "install: binary, manual page and completion, below DESTDIR" {
	local dest=$BATS_TEST_TMPDIR/dest
	build install DESTDIR="$dest" prefix=/usr

	cmp "$COPY/build/bpftool" "$dest/usr/sbin/bpftool"
	[ -x "$dest/usr/sbin/bpftool" ]
	"$dest/usr/sbin/bpftool" map help 2>&1 | grep -q swap-drain
	grep -q 'swap\\-drain' "$dest/usr/share/man/man8/bpftool-map.8"
	bash -n "$dest/usr/share/bash-completion/completions/bpftool"
	grep -q _bpftool_map_sync \
		"$dest/usr/share/bash-completion/completions/bpftool"
}

@test "install: /usr/local by default" {
	build install DESTDIR="$BATS_TEST_TMPDIR/dest"
	[ -x "$BATS_TEST_TMPDIR/dest/usr/local/sbin/bpftool" ]
	[ -s "$BATS_TEST_TMPDIR/dest/usr/local/share/man/man8/bpftool-map.8" ]
}

@test "the default bpftool starts without LLVM" {
	ldd "$BPFTOOL"
	run ldd "$BPFTOOL"
	[[ $output != *LLVM* ]] || [ -n "${LLVM:-}" ]
}

@test "a kernel tree instead of the package: the same tree comes out" {
	local ksrc=$TREE/../pristine
	build KSRC="$ksrc" build/ksrc/.overlay
	diff -r -x '*.pc' "$COPY/build/ksrc/tree/tools/bpf/bpftool/Documentation" \
		"$COPY/build/$(basename "$(dirname "$TREE")")/tree/tools/bpf/bpftool/Documentation"
	cmp "$COPY/build/ksrc/tree/tools/bpf/bpftool/map.c" \
		"$TREE/tools/bpf/bpftool/map.c"
}

# taken WORD NAME SETTING...: whether a word is in the source that the build has
# then; a second make does nothing
taken() {
	local word=$1 out=$2 time

	shift 2
	build "$@" "build/$out/.pristine"
	grep -q "$word" "$COPY/build/$out/pristine/tools/bpf/bpftool/map.c"
	time=$(built "$out/.pristine")
	build "$@" "build/$out/.pristine"
	[ "$time" = "$(built "$out/.pristine")" ]
}

@test "a kernel tree that has changed is taken anew" {
	local ksrc=$BATS_TEST_TMPDIR/ksrc

	cp -a "$TREE/../pristine" "$ksrc"
	taken do_dump ksrc KSRC="$ksrc"
	# What is built from it looks newer than what comes now
	mkdir "$COPY/build/ksrc/obj"
	touch "$COPY/build/ksrc/obj/map.o"
	echo '/* pulled */' >>"$ksrc/tools/bpf/bpftool/map.c"
	taken pulled ksrc KSRC="$ksrc"
	[ ! -e "$COPY/build/ksrc/obj/map.o" ]
}

@test "a package of the source that was upgraded is taken anew" {
	local src=$BATS_TEST_TMPDIR/linux-source-up.tar.xz ksrc=$BATS_TEST_TMPDIR/ksrc
	local make=(BASE=up SRC="$src" BUILD_PKGS=make)

	cp -a "$TREE/../pristine" "$ksrc"
	# Not compressed: tar looks at what is in it
	tar cf "$src" -C "$ksrc" --transform 's,^\.,linux-source-up,' .
	taken do_dump up "${make[@]}"
	echo '/* upgraded */' >>"$ksrc/tools/bpf/bpftool/map.c"
	tar cf "$src" -C "$ksrc" --transform 's,^\.,linux-source-up,' .
	taken upgraded up "${make[@]}"
}

# Newer ones sign programs. packages.sh of another copy says what it is asked for.
@test "a tree whose bpftool is linked with libcrypto gets its package" {
	local ksrc=$BATS_TEST_TMPDIR/ksrc makefile COPY=$BATS_TEST_TMPDIR/copy

	copy_sources "$COPY"
	printf '#!/bin/sh\necho "packages: $*"\n' >"$COPY/scripts/packages.sh"
	cp -a "$TREE/../pristine" "$ksrc"
	makefile=$ksrc/tools/bpf/bpftool/Makefile
	sed -i 's/-lcrypto//' "$makefile"
	run -0 build KSRC="$ksrc" build/ksrc/.tree-packages
	[[ $output == *'packages: '* && $output != *libssl-dev* ]]
	echo 'LIBS += -lcrypto' >>"$makefile"
	run -0 build KSRC="$ksrc" build/ksrc/.tree-packages
	[[ $output == *'packages: libssl-dev' ]]
}

@test "a source that is not there is named" {
	run ! build KSRC="$BATS_TEST_TMPDIR/none"
	[[ $output == *"Error: there is no $BATS_TEST_TMPDIR/none"* ]]
}

@test "no manual page of another base stays" {
	echo old >"$COPY/build/man/bpftool-prog.8"
	echo old >"$COPY/build/man/bpftool-gone.8"
	build KSRC="$TREE/../pristine" doc
	grep -q '^\.TH' "$COPY/build/man/bpftool-prog.8"
	[ ! -e "$COPY/build/man/bpftool-gone.8" ]
}

@test "what is no kernel tree is refused by name" {
	mkdir "$BATS_TEST_TMPDIR/empty"
	run ! build KSRC="$BATS_TEST_TMPDIR/empty"
	[[ $output == *"Error: $BATS_TEST_TMPDIR/empty is not a kernel source tree"* ]]
}

@test "help names the targets" {
	local target
	run build help
	for target in demo quick check bench install clean; do
		[[ $output == *"make $target "* ]]
	done
}

# After those that build without: all is compiled anew for it
@test "LLVM=1: a bpftool with LLVM's disassembler" {
	build LLVM=1 build/bpftool
	ldd "$COPY/build/bpftool" | grep libLLVM
	"$COPY/build/bpftool" version | grep '^features:.* llvm'
}

@test "clean leaves the sources and nothing else" {
	copy_sources "$BATS_TEST_TMPDIR/copy"
	COPY=$BATS_TEST_TMPDIR/copy
	mkdir "$COPY/build"
	touch "$COPY/build/file"
	build clean
	[ ! -e "$COPY/build" ]
	diff -r -x build -x .git "$ROOT" "$COPY"
}
