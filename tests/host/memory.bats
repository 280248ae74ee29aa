# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain where there is no memory for the replacement, and drain where there is
# none for some values
# shellcheck disable=SC2016,SC2153 # shells of their own, variables of others

load ../lib/holders

MB=1048576
# A map of 96 MB, which this process pays for. A run has half of that.
LARGE=(--value 1024 --entries $((96 * 1024)) hash)

# The hierarchy of the memory controller, in $CGROUPS; mounts one where there
# is none, $CGROUP_MOUNT
find_memory_cgroups() {
	CGROUPS=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' \
		/proc/mounts)
	LIMIT_FILE=memory.limit_in_bytes
	[[ -z $CGROUPS ]] || return 0

	LIMIT_FILE=memory.max
	CGROUPS=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	if [[ -z $CGROUPS ]]; then
		CGROUP_MOUNT=$BATS_TEST_TMPDIR/cgroup
		mkdir -p "$CGROUP_MOUNT"
		mount -t cgroup2 none "$CGROUP_MOUNT" || return
		CGROUPS=$CGROUP_MOUNT
	fi
	grep -qw memory "$CGROUPS/cgroup.controllers" || return
	echo +memory >"$CGROUPS/cgroup.subtree_control"
}

# make_memory_cgroup LIMIT: $CGROUP
make_memory_cgroup() {
	find_memory_cgroups 2>/dev/null ||
		skip "the kernel has no memory cgroups"
	CGROUP=$CGROUPS/swap-drain-${WORLD-}$$
	mkdir "$CGROUP"
	echo "$1" >"$CGROUP/$LIMIT_FILE"
}

# in_cgroup COMMAND...
in_cgroup() {
	bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$CGROUP" "$@"
}

setup() {
	setup_slot
	make_slot array_of_maps --fill 1 "${LARGE[@]}"
	INNER=$(map_id "$PINS/inner")
}

teardown() {
	# What it was charged may go a moment later
	[[ -z ${CGROUP-} ]] || wait_until rmdir "$CGROUP"
	[[ -z ${CGROUP_MOUNT-} ]] || umount "$CGROUP_MOUNT"
	cleanup_leak_free
}

@test "no room for the replacement: an error before the swap, in either form" {
	make_memory_cgroup $((48 * MB))
	for form in "" -j; do
		in_mode ${form:+"$form"}
		run_of
		run -255 --separate-stderr in_cgroup "${RUN[@]}"
		if [[ $form ]]; then
			[[ -z $stderr ]]
			jq -e --arg id "$INNER" 'keys == ["error"] and (.error |
				test("a map like map " + $id + ": Cannot allocate memory"))' \
				<<<"$output"
		else
			[[ -z $output ]]
			[[ $stderr == "Error: can't create a map like map $INNER: Cannot allocate memory" ]]
		fi
		in_mode
		[[ $(slot_id) == "$INNER" ]]
		dump "$PINS/inner" | finds "Found 1 element"
		journal_is_empty
	done
}

@test "with room for it, in the same cgroup, it is drained" {
	make_memory_cgroup $((48 * MB))
	echo $((256 * MB)) >"$CGROUP/$LIMIT_FILE"
	run_of
	run -0 --separate-stderr in_cgroup "${RUN[@]}"
	[[ $output == *"Found 1 element" ]]
	[[ $(slot_id) != "$INNER" ]]
	bpftool map delete pinned "$PINS/outer" key 0 0 0 0
}

@test "no room, but a given replacement needs none" {
	other_map "${LARGE[@]}" "$PINS/spare"
	make_memory_cgroup $((48 * MB))
	run_of value pinned "$PINS/spare"
	run -0 --separate-stderr in_cgroup "${RUN[@]}"
	[[ $output == *"Found 1 element" ]]
	[[ $(slot_id) == "$(map_id "$PINS/spare")" ]]
}

# The cgroup pays for the map that they are moved to, and for nothing after that
@test "map drain: no room for some of the values: they stay, and that is an error" {
	needs_at_call
	map_make --name "$INNER_NAME" --fill 20000 --entries 20000 --value 2048 \
		--flag no_prealloc hash "$PINS/values"
	make_memory_cgroup $((16 * MB))
	export CGROUPS
	run -255 --separate-stderr in_cgroup "$BUILD/tests/at_call" \
		after='for pid in $TRACED $PPID; do
			echo $pid >"$CGROUPS/cgroup.procs"; done' \
		'bpf\(BPF_MAP_CREATE, type=[0-9]+, name=stage' "$BPFTOOL" -j map drain \
		pinned "$PINS/values" counters 0-2047 journal "$PINS/journal" quiet
	jq -e '.left > 0 and .moved > 0 and .left + .moved == 20000' <<<"$output"
	[[ $stderr == *"no memory to move "*" values: they are still in map"* ]]
}
