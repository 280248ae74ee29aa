#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What "map sync" costs beside the wait: the wall time of the whole process
# minus the wait that it reports, with each provider that this kernel has. And what
# it costs to find out that the kernel does not have the command.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
rounds=$((runs * 3))
bar_us=3000
find_bar_us=2000

# run NAME [WORD...]: adds a wait and what the process took beside it to those of NAME
run() {
	"$BUILD/tests/wall" "$BPFTOOL" -j map sync "${@:2}" |
		jq -rR 'capture("^(?<wall>[0-9]+) [0-9]+ (?<json>.*)$") |
			(.json | fromjson) as $said | "\($said.wait_us) \(
			(.wall | tonumber) - $said.wait_us) \($said.provider)"' \
			>>"$work/sync.$1"
}

# figures NAME: a provider's, or "default": those of the one that is taken
figures() {
	local file=$work/sync.$1 name=$1 rest

	[ "$(wc -l <"$file")" -eq "$rounds" ]
	[ "$name" != default ] || name+=", $(cut -d' ' -f3 "$file" | sort -u)"
	rest=$(median "$file" 2)
	cut -d' ' -f2 "$file" | sort -n >"$work/sorted"
	echo "$name: median of $rounds: $rest us beside a wait of $(median "$file") us" \
		"($(head -n 1 "$work/sorted") to $(tail -n 1 "$work/sorted"));" \
		"bar $bar_us us: $(verdict "$rest" at-most "$bar_us")"
}

# started WORD...: microseconds until bpftool has ended, which may be with an error
started() {
	"$BUILD/tests/wall" /bin/sh -c '"$0" "$@" >/dev/null 2>&1 || :' \
		"$BPFTOOL" "$@"
}

# What a bpftool costs that does nothing is in both figures, and is more than the
# difference: hence so many rounds
finding_out() {
	local rounds=$((10 * rounds)) run find none

	for ((run = 0; run < rounds; run++)); do
		started map sync using bpf_sync_map_access >>"$work/find"
		started version >>"$work/none"
	done
	find=$(median "$work/find")
	none=$(median "$work/none")
	echo "finding out that the kernel has no bpf_sync_map_access:" \
		"medians of $rounds: $((find - none)) us more than the $none us of" \
		"'bpftool version'; bar $find_bar_us us:" \
		"$(verdict "$((find - none))" at-most "$find_bar_us")"
}

echo "map sync: wall time of the process minus the wait that it reports, in turns"
names=$("$BPFTOOL" map help 2>&1 | sed -n 's/ *PROVIDER := {\(.*\)}/\1/p' | tr -d '|')
: "${names:?the help names no providers}"
providers=()
for provider in $names; do
	if "$BPFTOOL" -j map sync using "$provider" >/dev/null 2>&1; then
		providers+=("$provider")
	else
		echo "$provider: not on this kernel"
	fi
done
for ((round = 0; round < rounds; round++)); do
	run default
	for provider in "${providers[@]}"; do
		run "$provider" using "$provider"
	done
done
for name in default "${providers[@]}"; do
	figures "$name"
done
said=$("$BPFTOOL" map sync using bpf_sync_map_access 2>&1) || true
[[ $said != *'does not have the command'* ]] || finding_out
