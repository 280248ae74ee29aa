#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The benchmarks work: each runs once, on a small size. What they measure then is
# not looked at.

load ../lib/common

bench() {
	BENCH_QUICK=1 tests/bench/run.sh "$@"
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
}

@test "bench: every one of them runs" {
	bench >"$BATS_TEST_TMPDIR/out"
	cat "$BATS_TEST_TMPDIR/out"
	grep -q '^| lpm_trie, 100,000, -j | [0-9.]* |' "$BATS_TEST_TMPDIR/out"
	grep -q '^| slots | swap-drain all | 16 |' "$BATS_TEST_TMPDIR/out"
}

@test "bench: the drawing is SVG, with a line for each series" {
	bench growth
	python3 -c 'import sys, xml.dom.minidom as m
svg = m.parse(sys.argv[1])
lines = [p for p in svg.getElementsByTagName("path") if p.getAttribute("fill")]
sys.exit(len(lines) != 5)' "$BUILD/bench/growth.svg"
}

@test "bench: nothing is left behind" {
	bench one
	[ -z "$(find /sys/fs/bpf -maxdepth 1 -name 'bench-*')" ]
}
