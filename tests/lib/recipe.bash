# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The program that the manual's examples and drain-metrics speak of, with its maps,
# in $PINS, and packets for it. Sourced after common.bash.

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
