# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the tests of faults share
#
# They run in a world of their own: PID and mount namespaces with a bpffs that
# process 1 of that namespace sees at /sys/fs/bpf. So the default journal can be
# looked into, and recovered from, without meeting anybody else's pins; and
# whatever is left goes with the namespace.

# own_world COMMAND...: run a function of the tests there, under set -e
own_world() {
	local lib=${BASH_SOURCE[0]%/*}

	unshare --mount --pid --fork --kill-child --mount-proc \
		--propagation private bash -c '
		set -euo pipefail
		lib=$1
		shift
		while umount -l /sys/fs/bpf 2>/dev/null; do :; done
		mount -t bpf bpf /sys/fs/bpf
		. "$lib/common.bash"
		. "$lib/inject.bash"
		. "$lib/faults.bash"
		for part in "$lib"/faults-*.bash; do . "$part"; done
		T=$BATS_TEST_TMPDIR PINS=/sys/fs/bpf/t
		JOURNAL=/sys/fs/bpf/swap_drain
		mkdir "$PINS"
		"$@"' own_world "$lib" "$@"
}

maps() {
	"$BUILD/tests/faults_maps" "$@"
}

swap_drain() {
	"$BPFTOOL" map swap-drain "$@"
}

# complain WORDS...: a run did not end as it must; shows what it left
complain() {
	echo "not so: $*" >&2
	head -c 600 "$T/out" | sed 's/^/stdout: /' >&2
	head -c 600 "$T/err" | sed 's/^/stderr: /' >&2
	find "$JOURNAL" 2>/dev/null | sed 's/^/journal: /' >&2
	exit 1
}

# fill OUTER_TYPE INNER_TYPE COUNT: new maps in $PINS; $OLD is the id of the one
# in slot 0
fill() {
	COUNT=$3
	OLD=$(maps make "$PINS" "$@")
}

wipe() {
	rm -rf "$PINS" "$JOURNAL"
	mkdir "$PINS"
}

# Where is the content? Sets STATE and, if it is pinned, PIN.
look() {
	read -r STATE PIN <<<"$(maps state "$PINS" "$JOURNAL" "$OLD" "$COUNT" \
		"$T/out")"
}

# expect STATE: after a run whose output is in $T/out
expect() {
	look
	[[ $STATE == "$1" ]] || complain "$1, but $STATE"
}

# The error after a swap says so, and where the old map is
expect_named() {
	expect pinned
	[[ -n $PIN ]] || complain "no pin"
	grep -q "swapped" "$T/err" || complain "says that it is swapped"
	grep -qF "$PIN" "$T/err" || complain "names $PIN"
}

# recover brings back exactly what is pinned, and leaves no pin. Of a queue that
# is what was not popped yet: $FIRST holds the rest.
expect_recovered() {
	"$BPFTOOL" -j map swap-drain recover "$@" >"$T/rec" 2>"$T/rec.err" ||
		complain "recover: $(cat "$T/rec" "$T/rec.err")"
	maps recovered "$JOURNAL" "$OLD" "$COUNT" "$T/rec" \
		${FIRST+"$FIRST"} ||
		complain "recovered: $(head -c 300 "$T/rec")"
}

# Nothing to bring back
expect_nothing_left() {
	local got

	got=$("$BPFTOOL" -j map swap-drain recover) || complain "recover: $got"
	[[ $got == "[]" ]] || complain "recovered $got"
}

# result NAME VALUE: a line of the table that make check closes with; where the
# build folder can't be written to (a guest) there is no table
result() {
	local file dir=${RESULTS:-$BUILD/results}

	file=$dir/$(basename "$BATS_TEST_FILENAME" .bats)
	if mkdir -p "$dir" 2>/dev/null && [[ -w $dir ]]; then
		[[ ! -e $file ]] || sed -i "/^$1 [0-9]*\$/d" "$file"
		echo "$1 $2" >>"$file"
	fi
	echo "# $1: $2" >&3
}
