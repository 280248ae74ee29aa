#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Builds the kernel's own runner of BPF selftests, test_progs, by its own
# Makefile, with no test in it but ours: there are hundreds more.
#
# usage: build-selftests.sh SOURCE TREE DEST
#
# SOURCE is a linux-source tarball or a kernel tree, TREE our patched one. From
# the environment: BPFTOOL, which makes the skeletons. The runner is
# DEST/tools/testing/selftests/bpf/test_progs.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
source=$(realpath "$1")
tree=$(realpath "$2")
dest=$3
parts=(tools/testing/selftests/bpf tools/testing/selftests/lib.mk
       tools/testing/selftests/kselftest.h tools/bpf/resolve_btfids
       kernel/bpf/disasm.c kernel/bpf/disasm.h include/uapi/linux)
skip=(--exclude='*/prog_tests/*.c' --exclude='*/progs/*.c')

rm -rf "$dest"
mkdir -p "$dest"
dest=$(cd "$dest" && pwd)
log=$dest/build.log
if [ -d "$source" ]; then
	tar cf - -C "$source" "${skip[@]}" "${parts[@]}" | tar xf - -C "$dest"
else
	tar xf "$source" -C "$dest" --strip-components=1 "${skip[@]}" --wildcards \
		--no-wildcards-match-slash "${parts[@]/#/*/}"
fi
cp -a "$tree/." "$dest/"
cp -a "$root/patches/selftests/." "$dest/tools/testing/selftests/bpf/"

# Lists in the Makefile name tests and helpers that are not here
if ! env -u MAKEFLAGS -u MAKEOVERRIDES -u MAKELEVEL -u LLVM make -C "$dest/tools/testing/selftests/bpf" \
	-j"$(nproc)" BPFTOOL="$BPFTOOL" TRUNNER_BPFTOOL="$BPFTOOL" LSKELS= \
	LSKELS_EXTRA= LSKELS_SIGNED= LINKED_SKELS= LIBARENA_SKEL= LIBARENA_ASAN_SKEL= \
	TRUNNER_EXTRA_FILES= feature-llvm=0 \
	test_progs >"$log" 2>&1; then
	tail -n 25 "$log" >&2
	echo "Error: the kernel's selftests do not build, see $log" >&2
	exit 1
fi
