#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# First process of the guest, on the machine's root: makes a usual system of it,
# runs the command and reports its exit status on the second serial line.
# No -e: whatever fails, the guest has to be turned off.

# shellcheck source=/dev/null
. /run/job

mounts() {
	mkdir -p /dev/pts /dev/shm
	mount -t devpts devpts /dev/pts
	mount -t tmpfs tmpfs /dev/shm
	# The project may itself be below /tmp
	[[ $GUEST_DIR/ == /tmp/* ]] || mount -t tmpfs -o mode=1777 tmpfs /tmp
	mount -t bpf bpf /sys/fs/bpf
	mount -t debugfs debugfs /sys/kernel/debug
	mount -t tracefs tracefs /sys/kernel/tracing
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	if [ -d /sys/kernel/security ]; then
		mount -t securityfs securityfs /sys/kernel/security
	fi
	ln -sf /proc/self/fd /dev/fd
}

# Before /tmp is covered: they may be there
modules() {
	local dir

	dir=/lib/modules/$(uname -r)
	[ -n "$GUEST_MODULES" ] || return 0
	mkdir -p "$dir"
	mount --bind "$GUEST_MODULES/lib/modules/$(uname -r)" "$dir"
}

run() {
	cd "$GUEST_DIR" || return 1
	if [ -n "$GUEST_OFFLINE" ]; then
		echo 0 >"/sys/devices/system/cpu/cpu$GUEST_OFFLINE/online" || return 1
	fi
	setsid bash -c "$GUEST_COMMAND" </dev/null
}

modules
mounts
ip link set lo up
ulimit -c 0
stty -F /dev/ttyS1 raw -echo 115200
run >/dev/ttyS1 2>&1
printf '\n@guest-status %d\n' $? >/dev/ttyS1
# Wait until the line has taken all of it
stty -F /dev/ttyS1 >/dev/null
sync
# Not every kernel can turn the machine off, and qemu ends at a reboot too
echo b >/proc/sysrq-trigger
sleep 20
