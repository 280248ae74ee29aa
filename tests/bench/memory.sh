#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Memory does not grow with the map: peak of 10,000,000 entries against 10,000
set -euo pipefail

# shellcheck source=tests/bench/lib.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

# peak ENTRIES [OPTION_OF_BPFTOOL]: KiB
peak() {
	local nr=$1

	shift
	rm -rf "${pins:?}"/*
	make_map --fill "$nr" --key 8 --value 16 hash inner
	make_outer 1 inner
	fill_slot inner
	rm -f "$pins/inner"
	"$BUILD/tests/peak" "$work/peak" "$BPFTOOL" "$@" map swap-drain \
		pinned "$pins/outer" key 0 0 0 0 journal "$pins/journal" >/dev/null
	cat "$work/peak"
}

for form in plain -j; do
	option=()
	[ "$form" = plain ] || option=("$form")
	few=$(peak "$(entries 10000)" "${option[@]}")
	many=$(peak "$(entries 10000000)" "${option[@]}")
	more=$((many - few))
	echo "$form: $few KiB with $(entries 10000) entries, $many KiB with" \
		"$(entries 10000000): $more KiB more; bar 4096:" \
		"$(verdict "$more" at-most 4096)"
done
