# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# A world for docs/examples/drain-metrics: the program that the manual's examples
# speak of, and packets for it. Sourced after common.bash.

SCRIPT=${BATS_TEST_DIRNAME:?}/../../docs/examples/drain-metrics

setup_metrics() {
	setup_bpffs
	bpftool prog loadall "$BUILD/tests/recipe.bpf.o" "$PINS" \
		pinmaps "$PINS"
	T=$BATS_TEST_TMPDIR
	mkdir "$T"/{bin,text}
	ln -s "$BPFTOOL" "$T/bin/bpftool"
	export MAP=$PINS/flows JOURNAL=$PINS/journal
	export STATE=$T/state TEXTFILE=$T/text/flows.prom
	PATH=$T/bin:$PATH
	SENT=0
	packet 10 0 0 1 >"$T/packet.1"
	packet 10 0 0 2 >"$T/packet.2"
}

# What a test that failed left in the journal that all share goes too
cleanup_metrics() {
	local outer

	outer=$(bpftool -j map show pinned "$PINS/kinds" | jq .id)
	find /sys/fs/bpf/swap_drain -name "${outer}_*" -printf '%h\n' |
		xargs -r rm -r
	cleanup_bpffs
}

# packet BYTE BYTE BYTE BYTE: one from that address
packet() {
	# shellcheck disable=SC2059 # an escape made of each byte
	printf "$(printf '\\x%02x' "$@")"
	head -c 60 /dev/zero
}

# packets HOST COUNT: from 10.0.0.HOST
packets() {
	bpftool prog run pinned "$PINS/recipe" data_in "$T/packet.$1" \
		repeat "$2" >/dev/null
	SENT=$((SENT + $2))
}

# drain_metrics [WORD...]: the script, in the words' hands
# shellcheck disable=SC2120 # a test passes them
drain_metrics() {
	"$@" "$SCRIPT" 3>&-
}

# What the collector would read: all samples of the counter
total() {
	awk '/^flows_packets_total/ { sum += $2 } END { printf "%d\n", sum }' \
		"$TEXTFILE"
}

# shellcheck disable=SC2119 # no words here
exact() {
	drain_metrics || return 1
	[ "$(total)" = "$SENT" ] || {
		echo "sent $SENT, added up $(total)"
		jq -c . "$STATE/state.json"
		return 1
	}
}
