# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# libbpf's bpf_sync_map_access(), on a kernel with the command and without.

load ../lib/common

@test "libbpf: bpf_sync_map_access() is 0 where the command is, -errno where not" {
	run -0 "$BUILD/tests/sync_wrapper"
	if has_command; then
		[ "$output" = "returned 0 errno 0" ]
	else
		# EINVAL: no kernel of the matrix has another command there
		[ "$output" = "returned -22 errno 22" ]
	fi
}

@test "libbpf: bpf_sync_map_access() without privileges is -EPERM or -EINVAL" {
	run -0 program_as_nobody "$BUILD/tests/sync_wrapper"
	if has_command; then
		[ "$output" = "returned -1 errno 1" ]
	else
		# Which of both comes first is the kernel's affair
		[[ $output =~ ^returned\ -(1\ errno\ 1|22\ errno\ 22)$ ]]
	fi
}
