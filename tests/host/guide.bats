#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# docs/guide.md from its first step to its last, as it stands there

load ../lib/common
load ../lib/transcript
load ../lib/readme

GUIDE=$BATS_TEST_DIRNAME/../../docs/guide.md

setup() {
	setup_bpffs
	mkdir "$BATS_TEST_TMPDIR"/{bin,work}
	ln -s "$BPFTOOL" "$BATS_TEST_TMPDIR/bin/bpftool"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	cd "$BATS_TEST_TMPDIR/work" || return 1
}

teardown() {
	[ -z "${load:-}" ] || kill "$load" 2>/dev/null || true
	rm -rf "$PINS/count"
	cleanup_bpffs
}

# The guide's folder becomes that of the test
here() {
	sed -e "s#/sys/fs/bpf/count#$PINS/count#g"
}

# page_file NAME: the block after the paragraph that ends with the file's name
page_file() {
	awk -v name="\`$1\`" '
		/^[^ ]/ { text = text " " $0 }
		/^    / && index(text, name) { taken = 1 }
		/^    # / { taken = 0 }
		/^[^ ]/ && taken { exit }
		/^#/ { text = "" }
		/^    / && !taken { text = "" }
		taken { print substr($0, 5) }' "$GUIDE" | here >"$1"
	[ -s "$1" ]
}

# guide_runs FIRST LAST: runs commands of the guide one by one
guide_runs() {
	local i got

	for ((i = $1; i <= $2; i++)); do
		got=$(here <<<"${CMD[i]}" | bash -e 2>&1 |
			sed '/^Warning: a run that failed left /d')
		as_shown "$i" "$(form <<<"${OUT[i]}")" "$(form <<<"$got")" ||
			return 1
	done
}

# What numbers there are differs
form() {
	sed -E -e 's/[0-9]+/N/g' -e '/^$/d'
}

# System calls, more of them than one process makes
start_load() {
	timeout 120 bash -c 'while :; do : </proc/self/stat; done' 3>&- &
	load=$!
}

@test "the guide, step by step: read and clear loses, swap-drain does not" {
	local file

	for file in before.bpf.c before.c count.bpf.c count.c; do
		page_file "$file"
	done
	page_transcript "$GUIDE"
	[ "${#CMD[@]}" -eq 20 ]

	start_load
	guide_runs 0 4
	timeout 60 ./before >result
	read -r _ lost _ seen <result
	# The control: this is what the guide is for
	((lost > 0 && seen > lost))

	[ "${CMD[5]}" = ./before ]
	guide_runs 6 "$((${#CMD[@]} - 2))"
	[ "$(cat drained)" -gt 1000 ]
	[ "$(cat drained)" = "$(cat seen)" ]
	# Something was counted between the runs, and nothing after the end
	[ "$(jq length 2.json)" -gt 0 ]
	guide_runs "$((${#CMD[@]} - 1))" "$((${#CMD[@]} - 1))"
	[ ! -e "$PINS/count" ]
}

@test "without a bpffs the loader says so, and the guide's first command mounts one" {
	local command

	page_file count.bpf.c
	page_file count.c
	page_transcript "$GUIDE"
	for command in "${CMD[@]}"; do
		case $command in
		*'> vmlinux.h' | *' count.bpf.'* | 'gcc '*' count.c '*)
			bash -ec "$command"
			;;
		esac
	done
	# What it pins goes with the namespace
	# shellcheck disable=SC2016 # the inner shell's
	run unshare --mount bash -c '
		while umount -l /sys/fs/bpf 2>/dev/null; do :; done
		./count && exit
		eval "$1" && mkdir "$PINS" && ./count && ls "$PINS/count"' \
		count "${CMD[0]}"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"can't pin to $PINS/count: "*$'\n'counts$'\n'link$'\n'seen ]]
}

@test "the guide's two programs differ in the map only" {
	page_file before.bpf.c
	page_file count.bpf.c
	diff <(sed -n '/^static void count/,/^}/p' before.bpf.c) \
		<(sed -n '/^static void count/,/^}/p' count.bpf.c)
}
