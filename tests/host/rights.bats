# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Without CAP_SYS_ADMIN

load ../lib/slot

setup() {
	setup_slot
	make_slot
	skip_unless "setpriv can't drop rights here" \
		setpriv --bounding-set=-sys_admin true
}

without_sys_admin() {
	setpriv --bounding-set=-sys_admin "$BPFTOOL" "$@"
}

without_bpf_and_sys_admin() {
	setpriv --bounding-set=-sys_admin,-bpf "$BPFTOOL" "$@"
}

as_nobody() {
	program_as_nobody "$BPFTOOL" "$@"
}

# refused_to RUNNER: says what is missing, plain and with -j
refused_to() {
	local before

	before=$(state)
	run --separate-stderr "$1" map swap-drain pinned "$PINS/outer" \
		"${SLOT[@]}"
	{ is_plain_error && [[ $stderr == *"requires CAP_SYS_ADMIN"* ]]; } ||
		show_last_run "$1"
	run --separate-stderr "$1" -j map swap-drain pinned "$PINS/outer" \
		"${SLOT[@]}"
	{ is_error_object "$output" && [[ $output == *"requires CAP_SYS_ADMIN"* ]]; } ||
		show_last_run -j "$1"
	[[ $(state) == "$before" ]]
}

@test "swap-drain with CAP_BPF, but without CAP_SYS_ADMIN" {
	refused_to without_sys_admin
}

@test "swap-drain without CAP_BPF and CAP_SYS_ADMIN" {
	refused_to without_bpf_and_sys_admin
}

@test "swap-drain as nobody" {
	refused_to as_nobody
}

@test "swap-drain in a user namespace" {
	in_user_namespace() {
		unshare -r "$BPFTOOL" "$@"
	}
	skip_unless "no user namespace can be made here" unshare -r true
	refused_to in_user_namespace
}

@test "the missing right is said before the words are looked at" {
	run --separate-stderr without_sys_admin map swap-drain
	[[ $status == 255 && $stderr == *"requires CAP_SYS_ADMIN"* ]]
}

@test "map sync with CAP_BPF needs no CAP_SYS_ADMIN" {
	without_sys_admin -j map sync | jq -e .provider
}

# Unprivileged bpf(2) may be allowed: then map_in_map_update would be an answer
# as good as membarrier, whose wait anybody can ask for
@test "map sync as nobody: a provider that works, or an error" {
	run --separate-stderr as_nobody -j map sync
	if several_cpus_online; then
		[[ $status == 0 ]]
		jq -e .provider <<<"$output"
	else
		[[ $status == 255 ]]
		jq -e .error <<<"$output"
	fi
}
