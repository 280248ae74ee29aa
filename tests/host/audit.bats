# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The audit of a map's writers, on programs in the shapes of public tools

bats_require_minimum_version 1.5.0

: "${BUILD:?is not set}" "${TREE:?is not set}"
PROGS=$BATS_TEST_DIRNAME/../progs/audit
CHECK=$BUILD/tests/audit_check

# The corpus is loaded once, for several tests
setup_file() {
	"$CHECK" -v "$BUILD"/tests/audit_*.bpf.o >"$BATS_FILE_TMPDIR/corpus" || true
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
	[[ -z ${restrict-} ]] || echo "$restrict" >/proc/sys/kernel/kptr_restrict
}

# Of the output of audit_check the verdicts, one a line, on programs that load
only_verdicts() {
	grep -v '^ ' | sed 's/\.bpf\.o / /' | grep -v "can't be loaded" | sort
}

verdicts() {
	"$CHECK" "$@" | only_verdicts
}

expected() {
	grep -v '^#' "$PROGS/expected" | sort
}

# compiled CLANG FLAG...: the corpus by another compiler or with other flags
compiled() {
	local file
	for file in "$PROGS"/*.bpf.c; do
		"$1" -g -Wno-unused-function --target=bpf "${@:2}" \
			-I"$PROGS/.." -I"$TREE/../obj/libbpf/include" \
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
	only_verdicts <"$BATS_FILE_TMPDIR/corpus" >found
	diff <(expected) found
	[ "$(wc -l <found)" -ge 60 ]
	[ "$(grep -c ' exact ' found)" -ge 30 ]
	[ "$(grep -vc ' exact ' found)" -ge 30 ]
}

@test "audit: the same verdicts where calls are known by the kernel's symbols only" {
	[ "$(cat /proc/sys/kernel/kptr_restrict)" != 2 ] || skip "they are hidden"
	verdicts -s "$BUILD"/tests/audit_{callbacks,hash,parts,traps}.bpf.o >found
	diff <(expected | grep -v '^audit_global ') found
}

@test "audit: the kernel's symbols are not read for programs of the usual form" {
	command -v strace >/dev/null || skip "no strace"
	strace -f -o calls -e trace=open,openat "$CHECK" "$BUILD/tests/audit_hash.bpf.o" >found || true
	prog=$(grep -c ' exact ' found)
	[ "$prog" -gt 10 ]
	run ! grep -q /proc/kallsyms calls
	strace -f -o calls -e trace=open,openat "$CHECK" -s "$BUILD/tests/audit_hash.bpf.o" >found || true
	grep -q /proc/kallsyms calls
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
	tried=0
	for clang in clang-13 clang-15 clang-16 clang-19 clang-22; do
		command -v "$clang" >/dev/null || continue
		compiled "$clang" -O2 -mcpu=v3 >found
		agrees found 0
		tried=$((tried + 1))
	done
	[ "$tried" -gt 0 ] || skip "there is only one"
}

@test "audit: a finding names file, line and source text" {
	grep -E '^    program [0-9]+ \(flows__plain\): audit_hash.bpf.c:[0-9]+: f->packets \+= 1;: a plain add' "$BATS_FILE_TMPDIR/corpus"
	grep -E '\(flows__named\): audit_hash.bpf.c:[0-9]+: ADD\(f->packets, 1\);: atomic$' "$BATS_FILE_TMPDIR/corpus"
}

@test "audit: without the right to see kernel addresses nothing is exact but what needs none" {
	setpriv --bounding-set -syslog --inh-caps -syslog true 2>/dev/null ||
		skip "setpriv can't"
	[ "$(cat /proc/sys/kernel/kptr_restrict)" != 2 ] || skip "hidden already"
	capsh --drop=cap_syslog -- -c "true" || skip "no capsh"
	restrict=$(cat /proc/sys/kernel/kptr_restrict)
	capsh --drop=cap_syslog -- -c \
		"echo 1 >/proc/sys/kernel/kptr_restrict; '$CHECK' $BUILD/tests/audit_*.bpf.o" >all || true
	echo "$restrict" >/proc/sys/kernel/kptr_restrict
	only_verdicts <all >found
	agrees found 100
	grep ' counts__decrement unknown' found
	grep ' data__exact exact' found
}

# name_counters "FILE..." LIST...: the verdicts with each of these lists go to the file "named"
name_counters() {
	local list options=()

	for list in "${@:2}"; do
		options+=(-c "$list")
	done
	# shellcheck disable=SC2086 # several files
	"$CHECK" "${options[@]}" $1 >named 2>/dev/null || true
}

# with LIST PROGRAM: the verdict where the user names the counters
with() {
	awk -v begin="$1: " -v prog="$2" '
		index($0, begin) == 1 && split(substr($0, length(begin) + 1), word) > 2 &&
		word[2] == prog { sub(".* " prog " ", ""); print }
	' named
}

@test "audit: counters that are named, by members or by bytes" {
	wrong=(nope 3-9 0-99 8-4 "" "packets," ",packets" comm.x 1 -)
	name_counters "$BUILD/tests/audit_hash.bpf.o $BUILD/tests/audit_global.bpf.o" \
		packets packets,bytes bytes,errors 0-7,8-15 flags stats.n "${wrong[@]}"
	[ "$(with packets flows__named)" = "exact 8c 48." ]
	[ "$(with packets,bytes flows__plain)" = "plain 8p 8c 40." ]
	[ "$(with bytes,errors flows__plain)" = "exact 8. 8c 36. 4c" ]
	[ "$(with 0-7,8-15 flows__named)" = "exact 16c 40." ]
	[ "$(with flags flows__named)" = "conflict 48. 4c 4." ]
	[[ "$(with stats.n bss__structs)" == "exact "* ]]
	for list in "${wrong[@]}"; do
		[ "$(with "$list" flows__named)" = "error Invalid argument" ]
	done
}

@test "audit: only all of a counter can be named, and a store at an unknown offset counts" {
	name_counters "$BUILD/tests/audit_hash.bpf.o $BUILD/tests/audit_parts.bpf.o" \
		0-3 n h 8-15 a b
	[ "$(with 0-3 flows__named)" = "conflict 4c 52." ]
	[ "$(with 0-3 flows__plain)" = "plain,conflict 4p 52." ]
	[ "$(with h tails__somewhere_plain)" = "plain 8. 64p" ]
	[ "$(with h tails__somewhere_atomic)" = "exact 8. 64c" ]
	[ "$(with h tails__somewhere_set)" = "conflict 8. 64c" ]
	[ "$(with 8-15 tails__somewhere_plain)" = "plain 8. 8p 56." ]
	[ "$(with n tails__somewhere_plain)" = "exact 8c 64." ]
	[ "$(with n tails__somewhere_set)" = "conflict 8c 64." ]
	[ "$(with a crooked__halves)" = "exact 4c 8." ]
	[ "$(with b crooked__halves)" = "plain,conflict 4. 8p" ]
}

# insn CODE DST,SRC OFF IMM: as bytes, each a number of two hexadecimal digits
insn() {
	printf %b "\\x$1\\x$2\\x$3\\x00\\x$4\\x00\\x00\\x00"
}

# jumps_by CODE DST,SRC OFF: a counter is added to, and maybe set behind the jump
jumps_by() {
	insn 18 26 00 07; insn 00 00 00 08	# r6 = map 7, its value + 8
	insn b7 01 00 01			# r1 = 1
	insn db 16 00 00			# lock *(u64 *)r6 += r1
	insn "$1" "$2" "$3" 00
	insn b7 00 00 00; insn 95 00 00 00	# return 0
	insn 7a 06 00 05			# *(u64 *)r6 = 5
	insn b7 00 00 00; insn 95 00 00 00
}

@test "audit: a jump, or a call, whose target is computed" {
	jumps_by 05 00 00 >past
	jumps_by 05 00 02 >to
	jumps_by 0d 07 00 >computed
	jumps_by 8d 07 00 >called
	"$CHECK" -r past to computed called >found
	diff - found <<-END
		past exact 8. 8c 8.
		to conflict 8. 8c 8.
		computed unknown 24.
		called unknown 24.
	END
}

@test "audit: any bytes for instructions, and a plain store is never missed" {
	out="$BATS_TEST_TMPDIR/out"
	[ -x "$BUILD/fuzz/audit" ] || skip "not built"
	mkdir "$out"
	"$BUILD/fuzz/audit" -seed=1 -runs="${FUZZ_AUDIT:-15000}" -max_len=1024 \
		-timeout=20 -artifact_prefix="$out/" "$out" >log 2>&1
	run ! "$BUILD/fuzz/audit-control" -seed=1 -runs=100000 -max_len=1024 \
		-artifact_prefix="$out/" "$out" >control 2>&1
}
