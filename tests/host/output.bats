# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Output that does not go out in full: the data is pinned, the path is named,
# recover brings it back

load ../lib/faults

# The error object of -j, on stderr, is valid and names the pin
expect_error_object() {
	jq -es 'length == 1 and (.[0] | .swapped == true and has("error"))' \
		"$T/err" >/dev/null || complain "an error object on stderr"
	[[ $(jq -r .pinned "$T/err") == "$PIN" ]] || complain "names $PIN"
}

# each_form WORDS COMMAND...: with one buffer of output and with several, plain and -j;
# the error says that
each_form() {
	local count json

	for count in 5 3000; do
		for json in '' -j; do
			wipe
			fill array_of_maps hash "$count"
			RUN=("$BPFTOOL" ${json:+"$json"} "${ONE_SLOT[@]}")
			"${@:2}"
			expect_named
			grep -q "$1" "$T/err" || complain "says $1"
			[[ $(wc -l <"$T/err") == 1 ]] || complain "one line"
			if [[ $json ]]; then
				expect_error_object
			else
				grep -q "^Error: .*; slot was swapped, old map is pinned at $PIN" \
					"$T/err" || complain "says it so"
			fi
			expect_recovered
			expect_nothing_left
		done
	done
}

run_to() {
	local status=0

	"${RUN[@]}" >"$1" 2>"$T/err" || status=$?
	((status == 255)) || complain "exit 255, but $status"
}

@test "output: /dev/full" {
	each_form "No space left on device" run_to /dev/full
}

full_tmpfs() {
	rm -f "$T/tmpfs"/*
	head -c 8192 /dev/zero >"$T/tmpfs/zeros"
	((COUNT < 100)) || rm "$T/tmpfs/zeros"
	run_to "$T/tmpfs/out"
	cp "$T/tmpfs/out" "$T/out"
}

@test "output: a full tmpfs" {
	mkdir -p "$T/tmpfs"
	mount -t tmpfs -o size=8k tmpfs "$T/tmpfs"
	each_form "No space left on device" full_tmpfs
}

closed_pipe() {
	local pipe status=0

	# The reader is gone before there is anything to read
	exec {pipe}> >(exec true)
	wait $!
	"${RUN[@]}" 1>&"$pipe" 2>"$T/err" || status=$?
	exec {pipe}>&-
	((status == 255)) || complain "exit 255, but $status"

	# And head, that leaves in the midst of it
	((COUNT > 100)) || return 0
	expect_named
	expect_recovered
	wipe
	fill array_of_maps hash "$COUNT"
	"${RUN[@]:0:${#RUN[@]} - ${#ONE_SLOT[@]}}" map dump id "$OLD" >"$T/dump"
	(set -o pipefail && run_to /dev/stdout | head -c 100 >"$T/read")
	head -c 100 "$T/dump" | cmp - "$T/read" || complain "begins as it should"
}

@test "output: a reader that closes the pipe" {
	each_form "Broken pipe" closed_pipe
}

limited_file() {
	rm -f "$T/out"
	# In KiB; five entries are less than one
	((COUNT > 100)) || head -c 1000 /dev/zero | tr '\0' '\n' >"$T/out"
	(
		ulimit -f 1
		exec "${RUN[@]}" >>"$T/out" 2>"$T/err"
	) || [[ $? == 255 ]] || complain "exit 255"
	sed -i '/^$/d' "$T/out"
}

@test "output: a file over ulimit -f" {
	each_form "File too large" limited_file
}

@test "output: stderr is closed, too" {
	for json in '' -j; do
		wipe
		fill array_of_maps hash 5
		"$BPFTOOL" ${json:+"$json"} "${ONE_SLOT[@]}" >/dev/full 2>/dev/full &&
			complain "says that it failed"
		expect pinned
		expect_recovered
	done
}

@test "output: recover that can't print keeps the pin" {
	leave_behind array_of_maps hash 5
	for json in '' -j; do
		"$BPFTOOL" ${json:+"$json"} map swap-drain recover >/dev/full 2>"$T/err" &&
			complain "says that it failed"
		: >"$T/out"
		expect_named
		[[ -z $json ]] || expect_error_object
	done
	expect_recovered
}

# Room for a part only, then for the rest: what is written must not end as if it
# were whole
@test "output: what misses entries does not look complete" {
	mkdir -p "$T/tmpfs"
	mount -t tmpfs -o size=80k tmpfs "$T/tmpfs"
	fill array_of_maps hash 3000
	RUN=("$BPFTOOL" -j "${ONE_SLOT[@]}")
	run_to "$T/tmpfs/out"
	cp "$T/tmpfs/out" "$T/out"
	[[ -s $T/out ]] || complain "a part went out"
	! jq -es . "$T/out" >/dev/null 2>&1 || complain "it looks complete"
	expect_named
	expect_recovered
}
