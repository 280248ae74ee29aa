# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Commands that a text shows, with what they print there

# Fills CMD with the commands on stdin, lines that start with "# ", and OUT with
# what each is shown to print, without the blank lines at its end. What stands
# before the first command is nobody's.
transcript() {
	local line i

	CMD=()
	OUT=()
	while IFS= read -r line; do
		if [[ $line == '# '* ]]; then
			CMD+=("${line#\# }")
			OUT+=('')
		elif ((${#CMD[@]})); then
			OUT[-1]+=$line$'\n'
		fi
	done
	for i in "${!OUT[@]}"; do
		while [[ ${OUT[i]} == *$'\n' ]]; do
			OUT[i]=${OUT[i]%$'\n'}
		done
	done
	((${#CMD[@]}))
}

# as_shown INDEX SHOWN PRINTED: are they the same? What differs from run to run
# is gone from both by now.
as_shown() {
	[[ $2 != "$3" ]] || return 0
	echo "command: ${CMD[$1]}"
	echo "shown:   $2"
	echo "printed: $3"
	return 1
}
