#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Says once more what the tests said that failed, each file's with the command that
# runs it alone: what prove shows has gone by in a long run.
#
# usage: failed.sh COMMAND FILE.bats..., with LOGS in the environment
#
#   COMMAND	runs one file, whose name is added to it
set -euo pipefail

command=$1
shift
for file; do
	log=$LOGS/${file//\//_}.tap
	[ -e "$log" ] || continue
	awk -v file="$file" -v command="$command" '
		/^1\.\.[0-9]+/ { planned = substr($0, 4) + 0; skipped = / # skip/i }
		/^(not )?ok / { ended++; show = /^not / }
		show && /^(not ok|#)/ { said = said $0 "\n" }
		END {
			if (ended < planned && !skipped)
				said = said "ended after " ended + 0 " of " planned " tests\n"
			if (!planned && !skipped)
				said = said "ran no test\n"
			if (said)
				printf "\n%s:\n%sAlone: %s%s\n", file, said, command, file
		}' "$log"
done
