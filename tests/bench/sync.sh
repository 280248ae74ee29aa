#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What "map sync" costs beside the wait: the wall time of the whole process
# minus the wait that it reports, with each provider that this kernel has.
set -euo pipefail

: "${BPFTOOL:?}" "${BUILD:?}"
runs=20
bar_us=3000

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

echo "map sync: wall time of the process minus the wait that it reports"
"$BUILD/tests/wall" "$runs" "$BPFTOOL" -j map sync | figures
for provider in $("$BPFTOOL" map help 2>&1 |
		  sed -n 's/ *PROVIDER := {\(.*\)}/\1/p' | tr -d '|'); do
	"$BPFTOOL" -j map sync using "$provider" >/dev/null 2>&1 || {
		echo "$provider: not on this kernel"
		continue
	}
	"$BUILD/tests/wall" "$runs" "$BPFTOOL" -j map sync using "$provider" |
		figures
done
