#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Memory does not grow with the map: peak of 10,000,000 entries against 10,000, in
# turns. A run that does not print all of them, as there was no memory for the new map,
# is none.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
declare -A nr=([few]=$(entries 10000) [many]=$(entries 10000000))

# peak few|many [OPTION_OF_BPFTOOL]: KiB
peak() {
	fill_slot "$1"
	settle
	rm -f "$work/peak"
	expect_entries "${nr[$1]}" "$BUILD/tests/peak" "$work/peak" "$BPFTOOL" "${@:2}" \
		"${swap_drain[@]}"
	cat "$work/peak"
}

for name in few many; do
	make_map --fill "${nr[$name]}" --key 8 --value 16 hash "$name"
done
make_outer 1 few
for ((run = 0; run < runs; run++)); do
	for form in plain -j; do
		option=()
		[ "$form" = plain ] || option=("$form")
		few=$(peak few "${option[@]}")
		many=$(peak many "${option[@]}")
		echo "$few $many $((many - few))" >>"$work/peaks.$form"
	done
done
for form in plain -j; do
	more=$(median "$work/peaks.$form" 3)
	echo "$form, medians of $runs: $(median "$work/peaks.$form" 1) KiB with" \
		"${nr[few]} entries, $(median "$work/peaks.$form" 2) KiB with" \
		"${nr[many]}: $more KiB more; bar 4096: $(verdict "$more" at-most 4096)"
done
