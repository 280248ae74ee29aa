#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What "map sync" costs beside the wait: the wall time of the whole process
# minus the wait that it reports, with each provider that this kernel has. And what
# it costs to find out that the kernel does not have the command.
set -euo pipefail

# shellcheck source=tests/bench/lib.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
rounds=$((runs * 3))
bar_us=3000
find_bar_us=2000

# median OF MIN MAX: of lines "WALL JSON"
figures() {
	jq -nR --argjson bar "$bar_us" '
		[inputs | capture("^(?<wall>[0-9]+) (?<json>.*)$") |
		 (.wall | tonumber) as $wall | (.json | fromjson) |
		 {provider, wait: .wait_us, rest: ($wall - .wait_us)}] |
		def median(f): (map(f) | sort) as $s | ($s | length) as $n |
			($s[($n - 1) / 2 | floor] + $s[$n / 2 | floor]) / 2;
		"\(.[0].provider): median of \(length): \(median(.rest)) us " +
		"beside a wait of \(median(.wait)) us " +
		"(\(map(.rest) | min) to \(map(.rest) | max)); " +
		"bar \($bar) us: " +
		(if median(.rest) < $bar then "met" else "NOT MET" end)' -r
}

# started WORD...: microseconds until bpftool has ended, which may be with an error
started() {
	# shellcheck disable=SC2016 # the other shell's
	"$BUILD/tests/wall" 1 /bin/sh -c '"$0" "$@" >/dev/null 2>&1 || :' \
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

echo "map sync: wall time of the process minus the wait that it reports"
"$BUILD/tests/wall" "$rounds" "$BPFTOOL" -j map sync | figures
for provider in $("$BPFTOOL" map help 2>&1 |
		  sed -n 's/ *PROVIDER := {\(.*\)}/\1/p' | tr -d '|'); do
	"$BPFTOOL" -j map sync using "$provider" >/dev/null 2>&1 || {
		echo "$provider: not on this kernel"
		continue
	}
	"$BUILD/tests/wall" "$rounds" "$BPFTOOL" -j map sync using "$provider" |
		figures
done
said=$("$BPFTOOL" map sync using bpf_sync_map_access 2>&1) || true
[[ $said != *'does not have the command'* ]] || finding_out
