# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# bpftool map sync: what it says, and that it never takes no wait for one

load ../lib/common

setup() {
	set -o pipefail
	TRACE=$BATS_TEST_TMPDIR/trace
}

# The provider that "map sync" takes here
default_provider() {
	bpftool -j map sync | jq -r .provider
}

@test "plain: no output; -j: one object with the provider and the time" {
	run -0 --separate-stderr bpftool map sync
	[[ -z $output && -z $stderr ]]
	bpftool -j map sync >"$BATS_TEST_TMPDIR/out"
	jq -es 'length == 1 and (.[0] | keys == ["provider", "wait_us"] and
		(.provider | type == "string") and
		(.wait_us | type == "number" and . >= 0))' "$BATS_TEST_TMPDIR/out"
	providers | grep -Fx "$(jq -r .provider "$BATS_TEST_TMPDIR/out")"
	bpftool -p map sync | jq -e .provider
	bpftool -jp map sync | jq -e .provider
}

@test "the help lists the providers, the command of its own first" {
	run providers
	[[ ${lines[0]} == bpf_sync_map_access ]]
	[[ ${lines[*]} == *map_in_map_update* ]]
	[[ ${lines[*]} == *membarrier* ]]
}

@test "using: each provider works, or is an error that tells why" {
	local works=0

	for name in $(providers); do
		run --separate-stderr bpftool -j map sync using "$name"
		if [[ $status == 0 ]]; then
			jq -e --arg name "$name" '.provider == $name' \
				<<<"$output"
			works=$((works + 1))
		else
			[[ $status == 255 ]]
			jq -e --arg name "$name" \
				'.error | contains($name + " (")' <<<"$output"
			echo "# $name: $(jq -r .error <<<"$output")" >&3
		fi
	done
	((works > 0))
}

@test "-d tells which provider was taken, and why others were not" {
	taken=$(default_provider)
	run --separate-stderr bpftool -d map sync
	[[ $status == 0 && -z $output ]]
	grep -Fx "provider $taken: used" <<<"$stderr"
	grep -E "^provider $taken: waited [0-9]+ us$" <<<"$stderr"
	for name in $(providers); do
		[[ $name != "$taken" ]] || break
		grep "^provider $name: passed over, ." <<<"$stderr"
	done

	run -0 --separate-stderr bpftool -dj map sync
	jq -es 'length == 1' <<<"$output"
	grep -Fx "provider $taken: used" <<<"$stderr"
}

@test "bpf_sync_map_access: not taken where the kernel's BTF can't be read" {
	need_unshare
	fails_like "bpf_sync_map_access \(.+\)" \
		with_file "" "$KERNEL_BTF" map sync using bpf_sync_map_access
}

@test "membarrier: refused while one CPU is online" {
	need_unshare
	for cpus in 0 3 ""; do
		fails_like "membarrier \(.*one CPU" \
			with_file "$cpus" "$CPUS_ONLINE" map sync using membarrier
	done
}

@test "membarrier: taken while several CPUs are online" {
	several_cpus_online || skip "one CPU is online here"
	need_unshare
	for cpus in 0-1 0,2 0-3,5; do
		with_file "$cpus" "$CPUS_ONLINE" -j map sync using membarrier |
			jq -e '.provider == "membarrier"'
	done
}

@test "membarrier: refused where the kernel does not list the command, or has none" {
	need_strace
	# 0xfffe is every command but the global one
	while read -r fault why; do
		fails_like "membarrier \(.*$why" with_fault "membarrier:$fault" -- \
			map sync using membarrier
	done <<-END
		retval=0 global command
		retval=0xfffe global command
		error=ENOSYS [Ff]unction not implemented
	END
}

@test "membarrier: a wait that fails is an error" {
	need_strace
	several_cpus_online || skip "one CPU is online here"
	fails_like "can't wait with membarrier: Invalid argument" \
		with_fault membarrier:error=EINVAL:when=2 -- map sync using membarrier
	run -255 --separate-stderr with_fault membarrier:error=EINVAL:when=2 -- \
		-j map sync using membarrier
	jq -es 'length == 1 and (.[0].error | contains("membarrier"))' \
		<<<"$output"
}

@test "membarrier: a CPU that goes offline during the call: no wait" {
	needs_at_call
	several_cpus_online || skip "one CPU is online here"
	export ONE=$BATS_TEST_TMPDIR/one
	echo 0 >"$ONE"
	# shellcheck disable=SC2016 # a shell of its own expands it
	fails_like "can't wait with membarrier: .*one CPU is online" \
		unshare -m "$BUILD/tests/at_call" \
		after='mount --bind "$ONE" /sys/devices/system/cpu/online' \
		'membarrier\(MEMBARRIER_CMD_GLOBAL' "$BPFTOOL" map sync using membarrier
}

# last_call PATTERN: its number among the bpf(2) calls of map_in_map_update
last_call() {
	calls_of bpf map sync using map_in_map_update | grep -n "$1" | tail -n 1 | cut -d: -f1
}

@test "map_in_map_update: a wait that fails is an error" {
	need_strace
	nr=$(last_call BPF_MAP_UPDATE_ELEM)
	((nr > 2))
	fails_like "can't wait with map_in_map_update: .*Invalid argument" \
		with_fault bpf:error=EINVAL:when="$nr" -- map sync using map_in_map_update
}

@test "map_in_map_update: no scratch map, no wait" {
	need_strace
	for call in sync_inner sync_outer; do
		nr=$(last_call $call)
		fails_like "map_in_map_update \(.*[Oo]peration not permitted" \
			with_fault bpf:error=EPERM:when="$nr" -- \
			map sync using map_in_map_update
	done
}

# Whatever call fails: an error, or another provider's wait
@test "no failing call of bpf(2) makes a success without a wait" {
	need_strace
	need_unshare
	last=$(last_call .)
	update=$(last_call BPF_MAP_UPDATE_ELEM)
	for ((nr = 1; nr <= last; nr++)); do
		run --separate-stderr with_fault bpf:error=EPERM:when="$nr" -- \
			-j map sync using map_in_map_update
		if [[ $status == 0 ]]; then
			((nr != update))
			grep -q 'BPF_MAP_UPDATE_ELEM.* = 0' "$BATS_TEST_TMPDIR/strace"
		else
			[[ $status == 255 ]]
			jq -e .error <<<"$output"
		fi
	done
}

# failing [OPTION_OF_STRACE...] COMMAND...: where all calls of bpf(2) fail, and no BTF is
failing() {
	printf '' >"$BATS_TEST_TMPDIR/no_btf"
	over "$BATS_TEST_TMPDIR/no_btf" "$KERNEL_BTF" strace -f -qq -o /dev/null \
		-e trace=bpf,membarrier -e inject=bpf:error=EPERM "$@"
}

@test "with the better ones failing the next provider is taken" {
	need_strace
	need_unshare
	several_cpus_online || skip "one CPU is online here"
	run -0 --separate-stderr failing "$BPFTOOL" -d -j map sync
	jq -e '.provider == "membarrier"' <<<"$output"
	grep "^provider bpf_sync_map_access: passed over" <<<"$stderr"
	grep "^provider map_in_map_update: passed over" <<<"$stderr"
}

@test "with every provider failing: one error names each with its reason" {
	need_strace
	need_unshare
	fails_like "no provider works" \
		failing -e inject=membarrier:error=ENOSYS "$BPFTOOL" map sync
	for name in $(providers); do
		grep -E "$name \([^)]+\)" <<<"$stderr"
	done

	run -255 --separate-stderr \
		failing -e inject=membarrier:error=ENOSYS "$BPFTOOL" -j map sync
	for name in $(providers); do
		jq -es --arg name "$name (" \
			'length == 1 and (.[0].error | contains($name))' \
			<<<"$output"
	done
}

@test "map s is map show, sy is sync, sw is swap-drain; u, us and usi mean using" {
	fails_like "get map by id \(0\)" bpftool map s id 0
	bpftool -j map sy | jq -e .provider
	bpftool -j map syn | jq -e .provider
	name=$(default_provider)
	for word in u us usi; do
		bpftool -j map sync "$word" "$name" |
			jq -e --arg name "$name" '.provider == $name'
	done
	run --separate-stderr bpftool map sw
	[[ $status == 255 && $stderr == *"swap-drain"* ]]
}

# enumerator ENUM NAME VALUE: bpftool will be run where these are the kernel's types
enumerator() {
	types=$BATS_TEST_TMPDIR/types
	"$BUILD/tests/btf_make" "$types" "$@"
}

# on_types COMMAND...: runs it there; bpf(2) calls are in the file "trace"
on_types() {
	run --separate-stderr over "$types" "$KERNEL_BTF" strace -f -qq \
		-e trace=bpf -o "$TRACE" "$@"
}

# without_command [NEED...]: on a kernel that lacks it, with what a test needs
without_command() {
	! grep -qw BPF_SYNC_MAP_ACCESS "$KERNEL_BTF" ||
		skip "this kernel has the command"
	for need; do
		"need_$need"
	done
}

@test "bpf_sync_map_access: not taken where the name stands for something else" {
	need_unshare
	need_strace
	for enumerator in "bpf_cmd BPF_SYNC_MAP_ACCESS 37" \
		"bpf_command BPF_SYNC_MAP_ACCESS 60" \
		"bpf_cmd BPF_SYNC_MAP_ACCESSES 60"; do
		# shellcheck disable=SC2086 # three words
		enumerator $enumerator
		on_types "$BPFTOOL" map sync using bpf_sync_map_access
		if [[ $enumerator == *37 ]]; then
			fails_with "bpf_sync_map_access \(.*has another number"
		else
			fails_with "bpf_sync_map_access \(.*does not have the command"
		fi
		on_types "$BPFTOOL" -j map sync
		[[ $status == 0 ]]
		jq -e '.provider != "bpf_sync_map_access"' <<<"$output"
		run -1 grep -E 'bpf\(0x[0-9a-f]+ ' "$TRACE"
	done
}

# Types that promise what the kernel then does not do
@test "bpf_sync_map_access: a call that fails is an error, and no wait" {
	without_command unshare strace
	enumerator bpf_cmd BPF_SYNC_MAP_ACCESS 60
	on_types "$BPFTOOL" map sync using bpf_sync_map_access
	fails_with "bpf_sync_map_access"
	# It was believed: otherwise nothing would be tested above
	grep -E 'bpf\(0x3c ' "$TRACE"
}

@test "bpf_sync_map_access: who may not use it gets the next way" {
	without_command unshare
	needs_at_call
	enumerator bpf_cmd BPF_SYNC_MAP_ACCESS 60
	denied=(over "$types" "$KERNEL_BTF" "$BUILD/tests/at_call" -o "$TRACE" error=EPERM
		'bpf\(60' "$BPFTOOL")
	run -0 --separate-stderr "${denied[@]}" -j map sync
	jq -e '.provider == "map_in_map_update"' <<<"$output"
	fails_like "can't wait with bpf_sync_map_access: Operation not permitted" \
		"${denied[@]}" map sync using bpf_sync_map_access
}

@test "bpf_sync_map_access: only the strings are read of types that can't be mapped" {
	local types=$KERNEL_BTF strings at

	without_command strace
	# struct btf_header: hdr_len, at 4, and str_off, at 16
	strings=$(od -An -tu4 -j4 -N16 "$types" | awk '{ print $1 + $4 }')
	fails_like "does not have the command" \
		strace -f -qq -P "$types" -e trace=mmap,pread64 -e inject=mmap:error=ENODEV \
		-o "$TRACE" "$BPFTOOL" map sync using bpf_sync_map_access
	grep -q "mmap.*INJECTED" "$TRACE"
	run -0 sed -n 's/.*pread64(.*, \([0-9]*\)) *= [0-9]*$/\1/p' "$TRACE"
	((${#lines[@]} > 1))
	for at in "${lines[@]}"; do
		((at == 0 || at >= strings))
	done
}

@test "bpf_sync_map_access: found in types that can't be mapped" {
	without_command unshare strace
	enumerator bpf_cmd BPF_SYNC_MAP_ACCESS 60
	fails_like "can't wait with bpf_sync_map_access: " \
		over "$types" "$KERNEL_BTF" strace -f -qq -P "$KERNEL_BTF" \
		-e trace=mmap,pread64 -e inject=mmap:error=ENODEV \
		-o "$TRACE" "$BPFTOOL" map sync using bpf_sync_map_access
	grep -q "mmap.*INJECTED" "$TRACE"
}

# Since Linux 6.16
@test "bpf_sync_map_access: of types that can be mapped only the header is read" {
	local types=$KERNEL_BTF

	without_command strace
	fails_like "does not have the command" \
		strace -f -qq -P "$types" -e trace=mmap,pread64 -o "$TRACE" \
		"$BPFTOOL" map sync using bpf_sync_map_access
	! grep -q 'mmap.*ENODEV' "$TRACE" ||
		skip "this kernel's types can't be mapped"
	[[ $(grep -c 'mmap(.* = 0x' "$TRACE") == 1 ]]
	[[ $(grep -c 'pread64(' "$TRACE") == 1 ]]
}

@test "feature probe: says in JSON too whether the kernel's types have the command" {
	without_command unshare
	have='[.. | .have_sync_map_access_command? | select(. != null)]'
	bpftool -j feature probe kernel | jq -e "$have == [false]"
	enumerator bpf_cmd BPF_SYNC_MAP_ACCESS 60
	over "$types" "$KERNEL_BTF" "$BPFTOOL" -j feature probe kernel |
		jq -e "$have == [true]"
	over "$types" "$KERNEL_BTF" "$BPFTOOL" feature probe kernel |
		grep "SYNC_MAP_ACCESS command is available"
}

# In no guest: it tries thousands of programs
@test "feature probe: asks the kernel's types for the command, tries no number" {
	need_strace
	strace -f -qq -e trace=bpf -o "$TRACE" \
		"$BPFTOOL" feature probe kernel >/dev/null
	grep -q BPF_PROG_LOAD "$TRACE"
	run -1 grep -E 'bpf\(0x[0-9a-f]+ ' "$TRACE"
}

@test "sleepable: bad input, one line" {
	for word in 0 "" +1 1.5 x 4294968 99999999999999999999 " 1"; do
		fails_like "timeout '${word/+/.}' is not a number of seconds" \
			bpftool map sync sleepable timeout "$word"
	done
	fails_like "unknown keyword 'timeout'" bpftool map sync timeout 3
	fails_like "'timeout' needs" bpftool map sync sleepable timeout
	fails_like "'using' needs" bpftool map sync sleepable using
	for word in "sleepable sleepable" "sleepable timeout 1 timeout 2" \
		"sleepable id 3"; do
		# shellcheck disable=SC2086 # words
		fails_like "what is '" bpftool map sync $word
	done
	fails_like "unknown keyword 'using'" bpftool map sync using membarrier using membarrier
}

@test "sleepable: the kfunc is found in the kernel's BTF, and not used" {
	need_unshare
	if ! grep -qaw bpf_call_rcu_tasks_trace "$KERNEL_BTF"; then
		fails_like "does not have the kfunc" \
			bpftool map sync sleepable using bpf_call_rcu_tasks_trace
	fi
	"$BUILD/tests/btf_make" "$BATS_TEST_TMPDIR/types" e bpf_call_rcu_tasks_trace 1
	fails_like "the kernel has it, but" \
		over "$BATS_TEST_TMPDIR/types" "$KERNEL_BTF" "$BPFTOOL" \
		map sync sleepable using bpf_call_rcu_tasks_trace
}

@test "sleepable: no uprobe events, no way" {
	need_unshare
	mkdir "$BATS_TEST_TMPDIR/empty"
	fails_like "can't wait for sleepable programs, no provider works: bpf_call_rcu_tasks_trace \(.*\), uprobe \(the kernel has no uprobe events" \
		over "$BATS_TEST_TMPDIR/empty" /sys/bus/event_source/devices "$BPFTOOL" \
		map sync sleepable
}

@test "without sleepable none of its calls is made" {
	need_strace
	strace -f -qq -o "$TRACE" "$BPFTOOL" map sync \
		using map_in_map_update
	run -1 grep -E '(clone|fork|clone3|userfaultfd|perf_event_open|memfd_create|socketpair)\(|PROG_TYPE_(SYSCALL|KPROBE)|devices/uprobe' \
		"$TRACE"
}
