#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The benchmarks work: each runs once, on a small size. What they measure then is
# not looked at.

load ../lib/common

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	touch "$BATS_FILE_TMPDIR/start"
	BENCH_QUICK=1 tests/bench/run.sh >"$BATS_FILE_TMPDIR/out" || {
		cat "$BATS_FILE_TMPDIR/out"
		return 1
	}
}

@test "bench: every one of them runs" {
	local out=$BATS_FILE_TMPDIR/out

	cat "$out"
	grep -q '^| lpm_trie, 100,000, -j | [0-9.]* |' "$out"
	grep -q '^| slots | swap-drain all | 16 |' "$out"
	grep -qE '^(finding out .*: -?[0-9]+ us more than|bpf_sync_map_access: median)' "$out"
	grep -q '^medians of 3: [0-9]* us beside a wait of ' "$out"
	grep -q '^with [0-9]* maps and [0-9]* programs more: ' "$out"
}

@test "bench: the drawing is SVG, with a line for each series" {
	python3 -c 'import sys, xml.dom.minidom as m
svg = m.parse(sys.argv[1])
lines = [p for p in svg.getElementsByTagName("path") if p.getAttribute("fill")]
sys.exit(len(lines) != 5)' "$BUILD/bench/growth.svg"
	[ "$BUILD/bench/growth.svg" -nt "$BATS_FILE_TMPDIR/start" ]
}

@test "bench: nothing is left behind" {
	[ -z "$(find /sys/fs/bpf -maxdepth 1 -name 'bench-*')" ]
}
