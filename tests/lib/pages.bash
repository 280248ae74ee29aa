# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Commands that a page shows, with what they print there; and the program that the
# manual's examples and drain-metrics speak of

# Fills CMD with the commands on stdin, lines that start with "# ", and OUT with
# what each is shown to print, without the blank lines at its end. What stands
# before the first command belongs to none.
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

page_transcript() {
	transcript < <(awk '/^    # / { shown = 1 }
		/^[^ ]/ { if (shown) print ""; shown = 0 }
		shown { sub(/^    /, ""); print }' "$1")
}

setup_recipe() {
	setup_bpffs
	bpftool prog loadall "$BUILD/tests/recipe.bpf.o" "$PINS" \
		pinmaps "$PINS"
}

# What a test that failed left in the journal that all share goes too
cleanup_recipe() {
	local journal=/sys/fs/bpf/swap_drain map outer

	for map in flows kinds; do
		[ -d "$journal" ] || break
		outer=$(bpftool -j map show pinned "$PINS/$map" | jq .id)
		find "$journal" -name "${outer}_*" -printf '%h\n' |
			xargs -r rm -rf
	done
	cleanup_bpffs
}

# packet ADDRESS: one from there, as far as the program reads it
packet() {
	local byte

	for byte in ${1//./ }; do
		# shellcheck disable=SC2059 # an escape made of the byte
		printf "\\x$(printf %x "$byte")"
	done
	head -c 60 /dev/zero
}

# send FILE COUNT: the packet in the file; prints what came of the last one
send() {
	bpftool -j prog run pinned "$PINS/recipe" data_in "$1" repeat "$2"
}
