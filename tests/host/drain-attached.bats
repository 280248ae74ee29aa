# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# map drain while programs of four types count, attached as in use: a raw tracepoint,
# tc, XDP on a veth, a cgroup. LOAD_SECONDS (default 10) is how long that lasts

load ../lib/common

setup() {
	setup_bpffs
	CGROUP=$T/cgroup
	for net in near far; do
		ip netns add "$net-$WORLD"
	done
	in_net near ip link add veth0 type veth peer name veth1 netns "far-$WORLD"
	in_net near ip addr add 192.0.2.1/24 dev veth0
	in_net far ip addr add 192.0.2.2/24 dev veth1
	in_net near ip link set veth0 up
	in_net far ip link set veth1 up
	mkdir -p "$CGROUP"
	mount -t cgroup2 cgroup2 "$CGROUP"
	mkdir "$CGROUP/attached-$WORLD$$"
}

teardown() {
	[[ ! -e $PINS/progs ]] || stop
	rmdir "$CGROUP/attached-$WORLD$$"
	umount "$CGROUP"
	ip netns delete "near-$WORLD"
	ip netns delete "far-$WORLD"
	cleanup_bpffs
}

# in_net near|far COMMAND...: ip netns exec would hide the bpffs
in_net() {
	nsenter --net="/run/netns/$1-$WORLD" "${@:2}"
}

# The raw tracepoint is attached as it is loaded
attach() {
	bpftool prog loadall "$BUILD/tests/attached_load.bpf.o" "$PINS/progs" \
		pinmaps "$PINS/maps" autoattach
	in_net far tc qdisc add dev veth1 clsact
	in_net far tc filter add dev veth1 ingress bpf direct-action \
		object-pinned "$PINS/progs/count_tc"
	in_net far "$BPFTOOL" net attach xdp pinned "$PINS/progs/count_xdp" dev veth1
	bpftool cgroup attach "$CGROUP/attached-$WORLD$$" egress \
		pinned "$PINS/progs/count_cgroup"
}

# member NET SCRIPT: a process of the cgroup that runs Python there
member() {
	in_net "$1" python3 -c '
import os, signal, socket, sys
with open(sys.argv[1], "w") as procs:
    procs.write(str(os.getpid()))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
exec(sys.argv[2])' "$CGROUP/attached-$WORLD$$/cgroup.procs" "$2" 3>&- &
}

# Packets from each CPU, to a socket that no process reads from
send() {
	local i

	member far 's.bind(("192.0.2.2", 9)); signal.pause()'
	for ((i = 0; i < $(nproc); i++)); do
		member near 'while True: s.sendto(b"x", ("192.0.2.2", 9))'
	done
	wait_until all_joined
}

# One that joins late would not be killed with the cgroup
all_joined() {
	(($(wc -l <"$CGROUP/attached-$WORLD$$/cgroup.procs") == $(nproc) + 1))
}

# No program counts any more then
stop() {
	echo 1 >"$CGROUP/attached-$WORLD$$/cgroup.kill"
	wait_until grep -q 'populated 0' "$CGROUP/attached-$WORLD$$/cgroup.events"
	in_net far "$BPFTOOL" net detach xdp dev veth1
	in_net far tc qdisc delete dev veth1 clsact
	bpftool cgroup detach "$CGROUP/attached-$WORLD$$" egress \
		pinned "$PINS/progs/count_cgroup"
	rm -r "$PINS/progs"
	bpftool map sync
}

# drain MAP: one line, a document
drain() {
	bpftool -j map drain pinned "$PINS/maps/$1" journal "$journal" && echo
}

# of WHO: how much programs have counted, a list of their indexes
of() {
	jq --argjson who "[$1]" '[.[].formatted | select(.key | IN($who[])).value] | add' \
		"$T/counted"
}

# load_ended: what was counted stands in "counted" then
load_ended() {
	stop
	bpftool -j map dump pinned "$PINS/maps/counted" >"$T/counted"
	echo "# raw_tp $(of 0), tc $(of 1), xdp $(of 2), cgroup $(of 3)" >&3
	jq -e 'length == 4 and all(.[]; .formatted.value > 0)' "$T/counted"
}

# expect_sums EVENTS FILTER FILE...: each event is there once, with what belongs to it
expect_sums() {
	local sums

	sums=$(cat "${@:3}" | jq -cs "[.. | objects | select(has(\"events\"))] |
		[(map(.events) | add), $2]")
	echo "# ${3##*/}: $sums in $(cat "${@:3}" | wc -l) drains" >&3
	jq -en --argjson sums "$sums" --argjson events "$1" \
		'$sums | length > 1 and all(.[]; . == $events)'
}

@test "attached programs: each event is drained once, of values of all kinds" {
	drains=() out=$T
	attach
	send
	end=$((SECONDS + ${LOAD_SECONDS:-10}))
	for each in small:one small:two large cpus attached_bss; do
		name=${each#*:}
		: >"$out/$name"
		while ((SECONDS < end)); do
			drain "${each%:*}" >>"$out/$name" || {
				tail -n 1 "$out/$name" >&3
				exit 1
			}
		done &
		drains+=($!)
	done
	for each in "${drains[@]}"; do
		wait "$each"
	done
	load_ended
	for name in small large cpus attached_bss; do
		drain "$name" >"$out/$name.end" || { cat "$out/$name.end"; false; }
	done

	events=$(of 0,1,2,3)
	packets=$(of 2)
	expect_sums "$events" '(map(.twice) | add / 2)' "$out"/{one,two,small.end}
	expect_sums "$events" '(map(.slots[]) | add)' "$out"/large{,.end}
	expect_sums "$packets" '(map(.twice) | add / 2)' "$out"/cpus{,.end}
	expect_sums "$events" '(map(.slots[]) | add)' "$out"/attached_bss{,.end}

	# What no counter is stays as the programs wrote it
	jq -es '[.. | objects | select(has("events") and .events > 0)] | length > 3 and
		all(.[]; .last == 3 and ((has("name") | not) or .name == "counter"))' \
		"$out"/{one,two,small.end,{large,attached_bss,cpus}{,.end}}
	[[ ! -e $journal || -z $(ls "$journal") ]]
}

@test "control: read, then zeroed" {
	out=$T
	for ((i = 0; i < 100; i++)); do
		echo "map update pinned $PINS/maps/small key $i 0 0 0" \
			"value 0 0 0 0 0 0 0 0 0 0 0 0"
	done >"$out/zero"
	attach
	send
	for i in {1..5}; do
		sleep 0.2
		bpftool -j map dump pinned "$PINS/maps/small" >>"$out/read"
		bpftool batch file "$out/zero"
	done
	load_ended
	bpftool -j map dump pinned "$PINS/maps/small" >>"$out/read"
	i=$(jq -s '[.[][].formatted.value.events] | add' "$out/read")
	echo "# lost: $(($(of 0,1,2,3) - i))" >&3
	((i < $(of 0,1,2,3)))
}
