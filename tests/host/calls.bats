# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Which system calls are made: the command only where the kernel has it, and one
# wait, not two. Runs in the guests too.

load ../lib/holders

# traced ARG...: bpftool, its bpf(2) and membarrier(2) calls in $T/trace
traced() {
	skip_unless "there is no strace" command -v strace
	# The other calls do not stop it then, which takes seconds in a guest
	strace -f -qq --seccomp-bpf -e trace=bpf,membarrier -o "$T/trace" "$BPFTOOL" "$@"
}

# calls PATTERN: how many there were
calls() {
	grep -cE -- "$1" "$T/trace" || true
}

# strace does not know the command: it shows the number, 60. Nor is any other
# number shown like that one a command that this kernel is known to have.
command_calls() {
	calls 'bpf\(0x3c[ ,]'
}

unknown_calls() {
	calls 'bpf\(0x[0-9a-f]+ '
}

# The command is called, where the kernel has it, and no other number
called_once() {
	local once=0

	! has_command || once=1
	[[ $(command_calls) == "$once" && $(unknown_calls) == "$once" ]]
}

@test "map sync: the command's number is called if, and only if, the kernel has it" {
	traced map sync
	called_once
}

@test "map sync using each of the others: no number is tried" {
	for provider in $(providers); do
		if [[ $provider != bpf_sync_map_access ]]; then
			# Some are not there: that costs no number either
			run traced map sync using "$provider"
			[[ -s $T/trace && $(unknown_calls) == 0 ]]
		fi
	done
}

@test "map sync using the command: called once, or refused without trying" {
	run traced map sync using bpf_sync_map_access
	called_once
	[[ $(command_calls) == 1 && $status == 0 || $(command_calls) == 0 && $status == 255 ]]
}

# one_wait: by the command, where there is one, after the slot's update, which is the
# last one: a scratch map's would come after it
one_wait() {
	[[ $(calls membarrier) == 0 ]]
	called_once
	! has_command || grep -q 'bpf(0x3c[ ,]' \
		< <(sed -En '/BPF_MAP_UPDATE_(ELEM|BATCH)/,$p' "$T/trace")
}

@test "swap-drain: the command after the swap, or no second wait" {
	make_slot
	traced map swap-drain pinned "$PINS/outer" key 0 0 0 0 quiet
	[[ $(calls BPF_MAP_UPDATE_ELEM) == 1 ]]
	one_wait
}

@test "swap-drain all: the same, once for all slots" {
	make_slot
	other_map --fill 1 hash "$PINS/second"
	bpftool map update pinned "$PINS/outer" key 1 0 0 0 \
		value pinned "$PINS/second"
	traced map swap-drain pinned "$PINS/outer" all quiet
	one_wait
}

since_6_8() {
	printf '%s\n' 6.8 "$(uname -r)" | sort -VC
}

@test "swap-drain all: one update of all slots, or from threads that wait together" {
	make_outer array_of_maps 16 12 --fill 1 hash
	before=$(slots_and_ids)
	traced map swap-drain pinned "$PINS/outer" all quiet
	batches=$(calls 'bpf\(BPF_MAP_UPDATE_BATCH')
	updates=$(calls 'bpf\(BPF_MAP_UPDATE_ELEM')
	echo "$batches batches, $updates updates"
	if since_6_8; then
		((batches == 1 && updates == 0))
	else
		((batches == 0 && updates == 12))
		[[ $(updating_threads "$T/trace") -gt 1 ]]
	fi
	[[ $(slots_and_ids | wc -l) == 12 ]]
	! slots_and_ids | grep -xF "$before" || return
}

# Before 6.8 each look-up of a slot waits for a grace period, also of an empty one.
# The slots are read before the swap and after it.
@test "swap-drain of one slot of 2,048, with a program: look-ups that wait together" {
	last_slot
	load_prog users_maps raw_tp_plain
	start=${EPOCHREALTIME/./}
	bpftool map swap-drain pinned "$PINS/outer" "${SLOT[@]}" quiet
	echo "# it took $(((${EPOCHREALTIME/./} - start) / 1000)) ms" >&3
	traced map swap-drain pinned "$PINS/outer" "${SLOT[@]}" quiet
	all=$(calls 'bpf\(BPF_MAP_LOOKUP_ELEM')
	most=$(awk '/bpf\(BPF_MAP_LOOKUP_ELEM/ { n[$1]++ }
		END { for (i in n) if (n[i] > most) most = n[i]; print most + 0 }' "$T/trace")
	echo "# $all look-ups, $most of them by one thread" >&3
	((all > 0 && all <= 2 * 2048 + 16))
	since_6_8 || ((most * 16 <= all))
}

@test "swap-drain using membarrier: waits after the swap, even where that waited" {
	skip_unless "membarrier is not there: $(bpftool map sync using membarrier 2>&1)" \
		bpftool map sync using membarrier
	make_slot
	traced map swap-drain pinned "$PINS/outer" key 0 0 0 0 quiet \
		using membarrier
	sed -n '/BPF_MAP_UPDATE_ELEM/,$p' "$T/trace" |
		finds 'membarrier(MEMBARRIER_CMD_GLOBAL'
	[[ $(unknown_calls) == 0 ]]
}
