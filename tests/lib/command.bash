# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Whether this kernel has BPF_SYNC_MAP_ACCESS. Where one is expected to
# (EXPECT_PROVIDER), its absence is a failure and not a reason to skip.

# 0 if the kernel has the command, 1 if not; nothing else will do
has_command() {
	local status=0

	"${BUILD:?}/tests/sync_cmd" || status=$?
	case $status in
	0) return 0 ;;
	3) [ "${EXPECT_PROVIDER:-}" = bpf_sync_map_access ] || return 1 ;;
	esac
	echo "sync_cmd says $status"
	exit 1
}

needs_command() {
	has_command || skip "the kernel has no BPF_SYNC_MAP_ACCESS"
}
