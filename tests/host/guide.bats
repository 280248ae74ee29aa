# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# docs/guide.md from its first step to its last, as it stands there

load ../lib/common
load ../lib/pages

GUIDE=$BATS_TEST_DIRNAME/../../docs/guide.md

setup() {
	setup_bpffs
	mkdir "$T"/{bin,work}
	ln -s "$BPFTOOL" "$T/bin/bpftool"
	PATH=$T/bin:$PATH
	cd "$T/work" || return 1
}

teardown() {
	[ -z "${load:-}" ] || kill "$load" 2>/dev/null || true
	[ -z "${net:-}" ] || kill "$net" 2>/dev/null || true
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

in_net() {
	[ "$(readlink "/proc/$net/ns/net")" != "$(readlink /proc/self/ns/net)" ] &&
		nsenter --net="/proc/$net/ns/net" "$@"
}

# guide_runs FIRST LAST: run commands of the guide one by one. bpftool of 7.x says on
# stderr what it does not load twice.
guide_runs() {
	local i got

	for ((i = $1; i <= $2; i++)); do
		got=$(here <<<"${CMD[i]}" | in_net bash -e 2>&1 |
			sed -e '/^Warning: /d' -e '/^skipping .* as base)$/d')
		as_shown "$i" "$(form <<<"${OUT[i]}")" "$(form <<<"$got")" ||
			return 1
	done
}

# Numbers differ from run to run
form() {
	sed -E -e 's/[0-9]+/N/g' -e '/^$/d'
}

@test "the guide, step by step: read and clear loses, the four ways do not" {
	for file in count.bpf.c usual.c slot.bpf.c packets.bpf.c; do
		page_file "$file"
	done
	page_transcript "$GUIDE"
	for usual in "${!CMD[@]}"; do
		[[ ${CMD[usual]} != ./usual* ]] || break
	done
	[[ ${CMD[usual]} == ./usual* ]]

	# A loopback device of the test's own, with packets on it, and system calls
	unshare --net sleep 300 3>&- &
	net=$!
	wait_until in_net ip link set lo up
	in_net timeout 300 bash -c '
		while :; do
			: </proc/self/stat
			: >/dev/udp/127.0.0.1/9
			echo >/dev/udp/127.0.0.1/9
		done' 2>/dev/null 3>&- &
	load=$!
	guide_runs 0 "$((usual - 1))"
	timeout 60 ./usual >result
	read -r _ lost _ seen <result
	# The control: this is what the guide is for
	((lost > 0 && seen > lost))

	# Each section ends with "none lost" and removes its pins
	[ "$(grep -c 'none lost$' <(printf '%s\n' "${OUT[@]}"))" -eq 4 ]
	guide_runs "$((usual + 1))" "$((${#CMD[@]} - 1))"
	[ ! -e "$PINS/count" ]
	# Something was counted, between the readings too
	[ "$(cat drained)" -gt 1000 ]
	[ "$(cat read)" -gt 0 ]
	for file in 1.json 2.json m2.json y2.json; do
		[ "$(jq length "$file")" -gt 0 ]
	done
}

@test "where there is no bpffs, the guide's first command mounts one" {
	page_transcript "$GUIDE"
	[[ ${CMD[0]} == mountpoint* ]]
	# The mount goes with the namespace
	run unshare --mount bash -c '
		while umount -l /sys/fs/bpf 2>/dev/null; do :; done
		! mountpoint -q /sys/fs/bpf && eval "$1" &&
			stat -f -c %t /sys/fs/bpf' count "${CMD[0]}"
	[ "$status" -eq 0 ]
	[ "$output" = cafe4a11 ]
}

@test "the programs of the plain hash and of the slot count alike" {
	page_file count.bpf.c
	page_file slot.bpf.c
	diff <(sed -n '/for (/,/^}/p' count.bpf.c | sed 's/&counts/map/') \
		<(sed -n '/for (/,/^}/p' slot.bpf.c)
}
