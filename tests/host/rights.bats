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

as_nobody() {
	program_as_nobody "$BPFTOOL" "$@"
}

# says_missing COMMAND...: in the place of bpftool, which right; plain and with -j
says_missing() {
	local words=(map swap-drain pinned "$PINS/outer" "${SLOT[@]}")

	run --separate-stderr "$@" "${words[@]}"
	{ is_plain_error && [[ $stderr == *"requires CAP_SYS_ADMIN"* ]]; } ||
		show_last_run "$@" || return
	run --separate-stderr "$@" -j "${words[@]}"
	{ is_error_object "$output" && [[ $output == *"requires CAP_SYS_ADMIN"* ]]; } ||
		show_last_run "$@" -j
}

@test "swap-drain with CAP_BPF but without CAP_SYS_ADMIN, without both, and as nobody" {
	touches_nothing says_missing without_sys_admin
	touches_nothing says_missing setpriv --bounding-set=-sys_admin,-bpf "$BPFTOOL"
	touches_nothing says_missing as_nobody
}

@test "swap-drain in a user namespace" {
	skip_unless "no user namespace can be made here" unshare -r true
	touches_nothing says_missing unshare -r "$BPFTOOL"
}

@test "the missing right is said before the words are looked at" {
	run -255 --separate-stderr without_sys_admin map swap-drain
	[[ $stderr == *"requires CAP_SYS_ADMIN"* ]]
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
