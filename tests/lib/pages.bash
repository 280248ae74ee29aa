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
		OUT[i]=$(printf %s "${OUT[i]}")
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

# A world for docs/examples/drain-metrics, and what it published there.

SCRIPT=${BATS_TEST_DIRNAME:?}/../../docs/examples/drain-metrics

setup_metrics() {
	setup_recipe
	mkdir "$T"/{bin,text}
	ln -s "$BPFTOOL" "$T/bin/bpftool"
	export MAP=$PINS/flows JOURNAL=$PINS/journal
	export STATE=$T/state TEXTFILE=$T/text/flows.prom
	PATH=$T/bin:$PATH
	SENT=0
	packet 10.0.0.1 >"$T/packet.1"
	packet 10.0.0.2 >"$T/packet.2"
}

# packets HOST COUNT: from 10.0.0.HOST. "sent" says how many were sent by when.
packets() {
	local now

	send "$T/packet.$1" "$2" >/dev/null
	SENT=$((SENT + $2))
	now=${EPOCHREALTIME/,/.}
	echo "${now%???} $SENT" >>"$T/sent"
}

# drain_metrics [WORD...]: the script, in the words' hands
drain_metrics() {
	"$@" "$SCRIPT" 3>&-
}

# What the collector would read: all samples of the counter
total() {
	awk '/^flows_packets_total/ { sum += $2 } END { printf "%d\n", sum }' \
		"$TEXTFILE"
}

exact() {
	drain_metrics || return 1
	[ "$(total)" = "$SENT" ] || {
		echo "sent $SENT, added up $(total)"
		jq -c . "$STATE/state.json"
		return 1
	}
}

# sample NAME: of the one of the three times that is called so
sample() {
	sed -n "s/^flows_packets_$1_seconds //p" "$TEXTFILE"
}

# look [MOST]: takes down the text file in "published", unless the last line there
# is of the same: its interval, its total, and how many that can be at most. What a
# killed script had started may still publish, and has the lock until it ends.
look() {
	local line

	mkdir -p "$STATE"
	flock "$STATE/lock" true
	[ -e "$TEXTFILE" ] || return 0
	line="$(sample from) $(sample until) $(total)"
	[[ $(tail -n 1 "$T/published" 2>/dev/null) == "$line "* ]] ||
		echo "$line ${1:-$SENT}" >>"$T/published"
}

# intervals_join [exactly]: those of all files that were published follow on each
# other from "since" on, and each total has what was sent before the interval's
# end. "exactly" where nothing is sent while the script runs: it has no more, and
# each increment is what was sent in its interval, or, the first, until its end.
intervals_join() {
	awk -v since="$(sample since)" -v exactly="${1-}" '
		function bad(what) {
			print "file " FNR ": " what ": " $0
			failed = 1
		}
		function sent_before(t) {
			while (n < sends && at[n + 1] < t)
				n++
			return n ? sum[n] : 0
		}
		FILENAME ~ /sent$/ { at[++sends] = $1; sum[sends] = $2; next }
		$1 != (FNR > 1 ? until : since) { bad("does not join") }
		$2 <= $1 { bad("ends before it begins") }
		{
			before = FNR > 1 ? sent_before($1) : 0
			through = sent_before($2)
			if ($3 < through || $3 > $4)
				bad("of " through " sent by then, total")
			if (exactly && $3 - total != through - before)
				bad("of " through - before " sent, increment")
			until = $2
			total = $3
		}
		END { exit failed || FNR < 2 }' "$T/sent" "$T/published"
}
