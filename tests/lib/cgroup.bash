# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A memory cgroup with a limit, of either version of cgroups

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

# What it was charged may go a moment later
remove_memory_cgroup() {
	[[ -z ${CGROUP-} ]] || wait_until rmdir "$CGROUP"
	CGROUP=
	[[ -z ${CGROUP_MOUNT-} ]] || umount "$CGROUP_MOUNT"
	CGROUP_MOUNT=
}

# in_cgroup COMMAND...
in_cgroup() {
	# shellcheck disable=SC2016
	bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$CGROUP" "$@"
}
