#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs a file of tests in namespaces of its own, so that several run beside each
# other: process 1 there has a bpffs of its own at /sys/fs/bpf, so that no one
# meets what another's runs leave behind in the default journal.
#
# usage: world.sh FILE.bats
#
# Maps and programs are everybody's. What a test names after its process is
# named after $WORLD too, a letter that no other world has then: processes
# of two of them may have the same number.
set -euo pipefail

for WORLD in {a..z}; do
	exec 9>"${TMPDIR:-/tmp}/bpftool-tests-$WORLD"
	! flock -n 9 || break
	WORLD=
done
: "${WORLD:?all letters are taken}"
export WORLD

# The lock is not for what the tests leave running. Under nohup a hangup is ignored, also
# by those who are to end by it
exec env --default-signal=HUP unshare --mount --pid --fork --kill-child --mount-proc \
	--propagation private bash -c '
	while umount -l /sys/fs/bpf 2>/dev/null; do :; done
	mount -t bpf bpf /sys/fs/bpf && bats --tap "$@" 9>&-' world "$@"
