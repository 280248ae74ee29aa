#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What "make check" ends with: the situations in which bpftool was tried on this machine,
# which are the titles of the tests that passed; the figures that the tests have noted, as
# they stand in README.md; and how the suite fared on each kernel. Fails where a figure is
# missing, and where one that must be 0 is not.
#
# usage: summary.sh [FIGURE]..., with BUILD in the environment; FIGUREs are not
# expected this time
set -euo pipefail

: "${BUILD:?}"
results=${RESULTS:-$BUILD/results}

# The tests' own names for them; these must be 0
figures=('faults injected' 'kills at a system call' 'kills at random moments'
	'killed between the last byte and the release' 'inputs fuzzed'
	'events counted meanwhile')
zeros=('lost' 'printed twice outside that window'
	'ended in another state than allowed')

# The sum of what several tests have noted under one name; nothing if none has
sum() {
	cat "$results"/* 2>/dev/null | awk -v name="$1" '
		{ n = $NF; sub(/ [0-9]+$/, "") }
		$0 == name { sum += n; found = 1 }
		END { if (found) printf "%d", sum }'
}

thousands() {
	sed -e :a -e 's/\([0-9]\)\([0-9]\{3\}\)\($\|,\)/\1,\2\3/;ta' <<<"$1"
}

for log in "${LOGS:-$BUILD/logs}"/*.tap; do
	[[ -e $log ]] || continue
	name=${log##*/}
	printf '\n%s:\n' "$(sed -e 's/\.tap$//' -e 's/_/\//' -e 's/_/\//' <<<"$name")"
	sed -n '/ # skip/d; s/^ok [0-9]* /  /p' "$log"
done

echo
echo "on $(date +%F), kernel $(uname -r), $(nproc) CPUs:"
echo
bad=0
for name in "${figures[@]}" "${zeros[@]}"; do
	n=$(sum "$name")
	[[ -n $n || " $* " != *" $name "* ]] || continue
	printf '| %-44s | %13s |\n' "$name" "$(thousands "${n:-missing}")"
	[[ -n $n ]] || bad=1
	[[ ${n:-0} == 0 || " ${figures[*]} " == *" $name "* ]] || bad=1
done
if [[ -f $BUILD/vm/matrix.txt ]]; then
	echo
	cat "$BUILD/vm/matrix.txt"
fi
exit $bad
