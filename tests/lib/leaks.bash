# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Is every map and program of a test gone after it? Sourced after common.bash
# and slot.bash; setup_bpffs in setup(), cleanup_leak_free in teardown(). A
# pinned program's name ends with _prog.

# Ids of what is pinned below $PINS, and of the maps in slots of those: the
# machine's other maps and programs are none of our business
our_progs() {
	find "$PINS" -type f -name '*_prog' | while read -r path; do
		bpftool -j prog show pinned "$path" | jq '.id // empty'
	done
}

our_maps_in_pins() {
	find "$PINS" -type f -not -name '*_prog' | while read -r path; do
		map_id "$path"
		if map_make --info "$path" | grep -qxE 'type 1[23]'; then
			slots_of "$path" | sed 's/.* //'
		fi
	done | sort -un
}

# In a teardown, which a trap runs, a plain "return" would return how the test ended
none_left() {
	local kind=$1 ids=$2 id

	for id in $ids; do
		# "bpftool map show" would look at every process for each
		if [[ $kind == map ]]; then
			! map_make --list | grep -q "^$id " || return 1
		elif bpftool prog show id "$id" >/dev/null 2>&1; then
			return 1
		fi
	done
}

# Pins of our outer maps in the usual journal
journal_of() {
	local id

	for id in $1; do
		find /sys/fs/bpf/swap_drain -name "${id}_*" 2>/dev/null
	done
}

# The kernel frees maps and programs a moment later
cleanup_leak_free() {
	local maps progs pins

	[[ -n ${PINS-} && -d $PINS ]] || return 0
	maps=$(our_maps_in_pins)
	progs=$(our_progs)
	pins=$(journal_of "$maps")
	cleanup_bpffs
	if [[ -n $pins ]]; then
		echo "left in the journal: $pins" >&2
		return 1
	fi
	wait_until none_left prog "$progs" &&
		wait_until none_left map "$maps"
}
