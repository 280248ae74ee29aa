#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The audit of a map's writers, on programs in the shapes of public tools

bats_require_minimum_version 1.5.0

: "${BUILD:?is not set}" "${TREE:?is not set}"
PROGS=$BATS_TEST_DIRNAME/../progs/audit
CHECK=$BUILD/tests/audit_check

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# The verdicts on objects, one a line, of those that load
verdicts() {
	"$CHECK" "$@" | sed 's/\.bpf\.o / /' | grep -v "can't be loaded" | sort
}

expected() {
	grep -v '^#' "$PROGS/expected" | sort
}

# compiled CLANG FLAG...: the corpus by another compiler or with other flags
compiled() {
	local clang=$1 file
	shift
	for file in "$PROGS"/*.bpf.c; do
		"$clang" -g -Wno-unused-function --target=bpf "$@" \
			-I"$TREE/../obj/libbpf/include" \
			-I"$TREE/tools/include/uapi" -c "$file" \
			-o "$(basename "$file" .c).o"
	done
	verdicts ./*.bpf.o 2>/dev/null
}

# Every program that has a finding in "expected" has one, and of the exact ones
# at most a few are refused
agrees() {
	local found=$1 few=$2
	awk -v few="$few" '
		FNR == NR { verdict[$1 " " $2] = $3; next }
		{ n++ }
		verdict[$1 " " $2] != "exact" && $3 == "exact" { print "missed: " $0; bad = 1 }
		verdict[$1 " " $2] == "exact" && $3 != "exact" { print "refused: " $0; refused++ }
		END { exit bad || refused > few || n < 40 }
	' <(expected) "$found"
}

@test "audit: the verdict on each program of the corpus" {
	verdicts "$BUILD"/tests/audit_*.bpf.o >found
	diff <(expected) found
	[ "$(wc -l <found)" -ge 60 ]
	[ "$(grep -c ' exact ' found)" -ge 30 ]
	[ "$(grep -vc ' exact ' found)" -ge 30 ]
}

@test "audit: no plain store is missed without optimization, or with an old instruction set" {
	compiled clang -O0 -mcpu=v3 >found
	agrees found 1
	compiled clang -O1 -mcpu=v1 >found
	agrees found 1
	compiled clang -O2 -mcpu=v2 >found
	agrees found 1
}

@test "audit: nor by an older or a newer clang, where there is one" {
	local clang tried=0
	for clang in clang-13 clang-15 clang-16 clang-19 clang-22; do
		command -v "$clang" >/dev/null || continue
		compiled "$clang" -O2 -mcpu=v3 >found
		agrees found 0
		tried=$((tried + 1))
	done
	[ "$tried" -gt 0 ] || skip "there is only one"
}

@test "audit: a finding names file, line and source text" {
	"$CHECK" -v "$BUILD/tests/audit_hash.bpf.o" >found
	grep -E '^    program [0-9]+ \(flows__plain\): audit_hash.bpf.c:[0-9]+: f->packets \+= 1;: a plain add' found
	grep -E '\(flows__named\): audit_hash.bpf.c:[0-9]+: ADD\(f->packets, 1\);: atomic$' found
}

@test "audit: without the right to see kernel addresses nothing is exact but what needs none" {
	setpriv --bounding-set -syslog --inh-caps -syslog true 2>/dev/null ||
		skip "setpriv can't"
	[ "$(cat /proc/sys/kernel/kptr_restrict)" != 2 ] || skip "hidden already"
	capsh --drop=cap_syslog -- -c "true" || skip "no capsh"
	capsh --drop=cap_syslog -- -c \
		"echo 1 >/proc/sys/kernel/kptr_restrict; '$CHECK' $BUILD/tests/audit_*.bpf.o" >all || true
	echo 0 >/proc/sys/kernel/kptr_restrict
	sed 's/\.bpf\.o / /' all | grep -v "can't be loaded" >found
	agrees found 100
	grep ' counts__decrement unknown' found
	grep ' data__exact exact' found
}

@test "audit: any bytes for instructions, and a plain store is never missed" {
	local out="$BATS_TEST_TMPDIR/out"
	[ -x "$BUILD/fuzz/audit" ] || skip "not built"
	mkdir "$out"
	"$BUILD/fuzz/audit" -seed=1 -runs="${FUZZ_AUDIT:-100000}" -max_len=1024 \
		-timeout=20 -artifact_prefix="$out/" "$out" >log 2>&1
	run ! "$BUILD/fuzz/audit-control" -seed=1 -runs=100000 -max_len=1024 \
		-artifact_prefix="$out/" "$out" >control 2>&1
}
