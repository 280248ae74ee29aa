# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The benchmarks work: each runs once, on a small size, prints all its figures, and
# fails where it measured something else. How large the figures are is not looked at.

load ../lib/common

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	touch "$BATS_FILE_TMPDIR/start"
	export BENCH_QUICK=1
	tests/bench/run.sh >"$BATS_FILE_TMPDIR/out" || {
		cat "$BATS_FILE_TMPDIR/out"
		return 1
	}
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	out=$BATS_FILE_TMPDIR/out
}

# has PATTERN...: each is a whole line of what the benchmarks printed
has() {
	local pattern

	for pattern in "$@"; do
		grep -qxE -e "$pattern" "$out" || {
			echo "no line: $pattern"
			cat "$out"
			return 1
		}
	done
}

# shim NAME LINE...: a program by that name, in a folder that is all its own
shim() {
	mkdir -p "$T/shim"
	printf '%s\n' '#!/bin/sh' "${@:2}" >"$T/shim/$1"
	chmod +x "$T/shim/$1"
}

@test "bench: drain has a row for each map and form" {
	ms='[0-9]+\.[0-9]' ratio='[0-9]+\.[0-9]{2}'
	for map in 'hash, 1,000,000' 'hash, typed, 1,000,000' \
		'hash, typed with text and enum, 100,000' 'percpu_hash, 100,000' \
		'array, 1,000,000' 'lpm_trie, 100,000'; do
		for form in plain -j; do
			grep -E "^\| $map, $form (\| ($ms|-) ){6,7}\| $ratio " "$out" ||
				{ cat "$out"; false; }
		done
	done
	# The ratios to the raw read, and a bar for both
	has "\| hash, 1,000,000, -j .*(\| $ratio \($ratio\) ){2}\| 7 times: .*; 1\.35 of raw: .*, with value: .* \|"
}

@test "bench: growth has a row for each size" {
	for nr in 2 11 101 1001 10001; do
		has "\| entries \| swap-drain \| $nr \| [0-9.]+ \|" \
			"\| entries \| raw read \| $nr \| [0-9.]+ \|"
	done
	for nr in 1 4 16; do
		has "\| slots \| swap-drain all \| $nr \| [0-9.]+ \|" \
			"\| slots \| map update, one by one \| $nr \| [0-9.]+ \|"
	done
}

@test "bench: the others print their lines" {
	us='-?[0-9]+ us' ms='[0-9]+\.[0-9] ms'
	kib='[0-9]+ KiB with 11 entries, [0-9]+ KiB with 10001: -?[0-9]+ KiB more'
	events='[0-9.]+ million events a second alone, [0-9.]+ with [0-9]+ drains a second: -?[0-9.]+ % fewer'
	wait="median of 3: $us beside a wait of $us \(-?[0-9]+ to -?[0-9]+\); bar 3000 us: .*"
	has "plain, medians of 1: $kib; bar 4096: .*" "-j, medians of 1: $kib; bar 4096: .*"
	has "medians of 3: $us beside a wait of $us; bar 5000 us: .*"
	has "with 2 maps and 1 programs more: $us added \(medians of 3: $us, then $us\), $us of CPU; bar 10000 us: .*"
	has "16 slots of 16 entries, medians of 1: all $ms, one grace period $ms, updates one by one $ms" \
		"bar 3 grace periods and 50 ms, $ms: .*" \
		'[0-9.]+ times as fast as the updates; bar 100: .*'
	has "default, [a-z_]+: $wait" "membarrier: ($wait|not on this kernel)" \
		"map_in_map_update: ($wait|not on this kernel)"
	has "(median of 3: $us with a sleepable program; bar 400000 us: .*|not measured: .*)"
	has "map drain: $events" "swap-drain: $events"
	has "(finding out .*: medians of 30: $us more than the $us of .*|bpf_sync_map_access: $wait)"
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

@test "bench: the raw read finds every entry" {
	setup_bpffs
	for type in hash percpu_hash array lpm_trie; do
		map_make --name bench --fill 10000 "$type" "$PINS/$type"
		run "$BUILD/tests/raw_read" "$PINS/$type"
		if [ "$type" != lpm_trie ] || [ "$status" -ne 3 ]; then
			[ "$status" -eq 0 ]
			[ "$output" = 10000 ]
		fi
	done
}

@test "bench: where a type has no batches the row has no raw read" {
	map=lpm_trie
	setup_bpffs
	map_make --name bench queue "$PINS/queue"
	run -3 "$BUILD/tests/raw_read" "$PINS/queue"

	# No kernel at hand lacks them for a type of the benchmark
	mkdir -p "$T/build/tests"
	ln -s "$BUILD/plain" "$T/build/"
	ln -s "$BUILD"/tests/* "$T/build/tests/"
	shim raw_read 'exit 3'
	ln -sf "$T/shim/raw_read" "$T/build/tests/"
	BUILD=$T/build run -0 tests/bench/drain.sh
	grep -qE "^\| $map, 100,000, -j .* \| - \| [0-9.]+ \| [0-9.]+ \| - \| - \| 1 times: " \
		<<<"$output"
}

@test "bench: what prints too few entries is not measured" {
	# The base's output, as if the map were an empty one
	shim bpftool 'case " $* " in' \
		'*" swap-drain "*) echo "Found 0 elements"; exit 0 ;;' \
		"esac" "exec '$BPFTOOL' \"\$@\""
	for bench in drain memory one slots; do
		BPFTOOL=$T/shim/bpftool run "tests/bench/$bench.sh"
		echo "$bench: $output"
		[ "$status" -ne 0 ]
		[[ $output =~ ' entries instead of '|' other bytes than ' ]]
	done
}

@test "bench: one that fails is named, and so is a bar that is not met" {
	dir=$T/shim
	shim a.sh 'echo "this: 1; bar 2: NOT MET"'
	shim b.sh 'echo "half of it"; exit 1'
	shim c.sh 'echo "that: 3; bar 2: met"'
	cp tests/bench/run.sh "$dir/"
	run -1 "$dir/run.sh"
	[[ $output == *'that: 3; bar 2: met'* ]]
	[[ $output == *$'bars not met:\na: this: 1; bar 2: NOT MET\nfailed: b' ]]
	run -0 "$dir/run.sh" a c
}

@test "bench: the distribution's bpftool is that of its package, and not ours" {
	lib='. tests/bench/lib.bash; echo "<$distro_bpftool>"'
	shim dpkg-query "echo '$T/sbin/bpftool'"
	mkdir "$T/sbin"
	ln -s "$BUILD/plain/bpftool" "$T/sbin/bpftool"
	export PATH=$T/shim:$PATH
	run bash -c "$lib"
	[ "$output" = "<$T/sbin/bpftool>" ]

	ln -sf "$BPFTOOL" "$T/sbin/bpftool"
	run bash -c "$lib"
	[ "$output" = '<>' ]

	# One that is in the path, of no package
	shim dpkg-query 'exit 1'
	shim rpm 'echo "package bpftool is not installed"; exit 1'
	shim bpftool 'exit 0'
	run bash -c "$lib"
	[ "$output" = '<>' ]
}
