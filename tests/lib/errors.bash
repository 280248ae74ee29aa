# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Refusals that touch nothing at all. Sourced after slot.bash.

# shellcheck source=tests/lib/refusal.bash
. "${BASH_SOURCE[0]%/*}/refusal.bash"

# The whole outer map, the content of the map that belongs into its slot, and
# our pins. What is left in the journal shows up in cleanup_slot.
state() {
	printf 'map dump pinned %s\n' "$PINS/outer" "$PINS/inner" |
		bpftool batch file - 2>&1
	ls -R "$PINS"
}

# refused PATTERN WORD...: "bpftool map WORD..." says so, and touches nothing
refused() {
	local before

	before=$(state)
	refuses "$@" || return
	[[ $(state) == "$before" ]] || {
		echo "no longer as before: $(state)" "before: $before" >&2
		return 1
	}
}

# drain_refused PATTERN WORD...: the same for "swap-drain MAP key DATA WORD..."
drain_refused() {
	local pattern=$1

	shift
	refused "$pattern" swap-drain pinned "$PINS/outer" "${SLOT[@]}" "$@"
}
