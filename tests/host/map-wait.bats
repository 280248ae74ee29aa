# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# map_wait as C programs use it: linked with libbpf, without bpftool

load ../lib/holders

WAIT_USE=$BUILD/tests/wait_use
LIB=$(dirname "$TREE")/obj/libmap_wait.a
DRAIN=$BUILD/tests/drain-selector

@test "the library needs nothing of bpftool" {
	nm -u "$LIB" |
		awk '$1 == "U" { print $2 }' | sort -u >"$BATS_TEST_TMPDIR/needs"
	grep -qx bpf_map_create "$BATS_TEST_TMPDIR/needs"
	run -1 grep -xE 'p_err|p_info|json_output|json_wtr|jsonw_.*|usage|is_prefix|map_err.*|map_debug.*|verifier_logs|set_max_rlimit' \
		"$BATS_TEST_TMPDIR/needs"
}

@test "the library has no global state" {
	nm "$LIB" >"$BATS_TEST_TMPDIR/symbols"
	grep -q ' T map_wait$' "$BATS_TEST_TMPDIR/symbols"
	# The constant tables are data, as they hold pointers
	run grep -E ' [BbCDd] ' "$BATS_TEST_TMPDIR/symbols"
	run -1 grep -vE ' ways$' \
		<<<"$output"
}

@test "every public function links, and is in the manual" {
	local page=$BATS_TEST_DIRNAME/../../docs/man/map_wait.rst
	local headers=("$BATS_TEST_DIRNAME"/../../bpftool/map_wait{,_sleepable}.h)

	for name in $(grep -ohE '\bmap_wait[a-z_]*\(' "${headers[@]}" | tr -d '(' | sort -u); do
		nm "$LIB" | grep " T $name$"
		grep -qE "\b$name(\(|\\\\ \()" "$page"
	done
	sed -n '/^struct map_wait_.*opts {/,/^}/p' "${headers[@]}" |
		sed -nE 's/^\t[a-z_].*[ *(]([a-z_]+)(\)\(.*)?;$/\1/p' \
		>"$BATS_TEST_TMPDIR/members"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/members") == 9 ]]
	while read -r name; do
		grep -qw "$name" "$page"
	done <"$BATS_TEST_TMPDIR/members"
}

@test "defaults, and options that are not valid" {
	"$WAIT_USE" defaults
	"$WAIT_USE" options
}

@test "two inner maps take turns in the scratch slot" {
	need_strace
	strace -qq -e trace=bpf -X verbose -v -o "$BATS_TEST_TMPDIR/trace" \
		"$WAIT_USE" turns
	[[ $(grep -c 'BPF_MAP_UPDATE_ELEM.* = 0' "$BATS_TEST_TMPDIR/trace") == 4 ]]
	[[ $(grep -c 'BPF_MAP_CREATE.*sync_inner' "$BATS_TEST_TMPDIR/trace") == 2 ]]
	# Each update has another value than the one before
	grep -o 'BPF_MAP_UPDATE_ELEM.*value=0x[0-9a-f]*' "$BATS_TEST_TMPDIR/trace" |
		sed 's/.*value=//' >"$BATS_TEST_TMPDIR/values"
	[[ $(uniq "$BATS_TEST_TMPDIR/values" | wc -l) == 4 ]]
	[[ $(sort -u "$BATS_TEST_TMPDIR/values" | wc -l) == 2 ]]
}

# callers: no child is left, whatever the caller does with SIGCHLD or memory
@test "with sleepable: many threads leave no descriptor, and an update can be the wait" {
	needs_sleepable_way
	for what in threads callers after_update; do
		echo "$what"
		"$WAIT_USE" $what
	done
}

# A selector and two maps, pinned as in the manual, and an entry in the first
make_maps() {
	local i

	bpftool map create "$PINS/selector" type array key 4 value 4 entries 1 \
		name selector
	for i in 0 1; do
		bpftool map create "$PINS/counts_$i" type hash key 4 value 8 \
			entries 16 name counts_$i
	done
	bpftool map update pinned "$PINS/counts_0" key 1 0 0 0 value 7 0 0 0 0 0 0 0
}

drain_selector() {
	"$DRAIN" "$PINS/selector" "$PINS/counts_0" "$PINS/counts_1" "$@"
}

@test "example: two maps and a selector, drained without bpftool" {
	make_maps
	bpftool map update pinned "$PINS/counts_0" key 2 0 0 0 value 8 0 0 0 0 0 0 0
	bpftool map update pinned "$PINS/counts_1" key 3 0 0 0 value 9 0 0 0 0 0 0 0
	[[ $(drain_selector | sort) == $'1 7\n2 8' ]]
	[[ $(bpftool -j map dump pinned "$PINS/counts_0") == "[]" ]]
	[[ $(drain_selector) == "3 9" ]]
	[[ -z $(drain_selector) ]]
}

@test "example: with a wait for sleepable programs" {
	needs_sleepable_way
	make_maps
	[[ $(drain_selector sleepable) == "1 7" ]]
}

@test "example: no wait, nothing printed, nothing changed" {
	need_strace
	need_unshare
	make_maps
	printf '' >"$BATS_TEST_TMPDIR/no_btf"
	run --separate-stderr over "$BATS_TEST_TMPDIR/no_btf" "$KERNEL_BTF" \
		strace -f -qq -o /dev/null -e trace=bpf,membarrier \
		-e inject=membarrier:error=ENOSYS -e inject=bpf:error=EPERM:when=5+ \
		"$DRAIN" "$PINS/selector" "$PINS/counts_0" "$PINS/counts_1"
	[[ $status == 1 && -z $output ]]
	[[ $stderr == "can't wait for running programs, no provider works: "* ]]
	[[ $(bpftool -j map lookup pinned "$PINS/selector" key 0 0 0 0 |
		jq -c .value) == '["0x00","0x00","0x00","0x00"]' ]]
}
