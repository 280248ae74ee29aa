# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The journal takes what is its own, all of it, and nothing else

load ../lib/slot

setup() {
	setup_slot
	make_slot
	JOURNAL=/sys/fs/bpf/swap_drain
}

# one_slot NAME: one more map-in-map, $PINS/NAME, for maps like the inner one
one_slot() {
	bpftool map create "$PINS/$1" type array_of_maps key 4 value 4 entries 1 \
		name "$OUTER_NAME" inner_map pinned "$PINS/inner"
}

# insert NAME: a new map in the only slot of $PINS/NAME
insert() {
	other_map "${@:2}" hash "$PINS/new"
	bpftool map update pinned "$PINS/$1" key 0 0 0 0 value pinned "$PINS/new"
	rm "$PINS/new"
}

# leave_map [WORD...]: a run whose output does not go out leaves its map pinned.
# Each time the slot holds a new, empty map; $1 entries are put into it first.
leave_map() {
	local i

	for ((i = 0; i < $1; i++)); do
		bpftool map update id "$(slot_id)" key "$i" 0 0 0 value 1 0 0 0 0 0 0 0
	done
	run -255 --separate-stderr full drain "${@:2}"
}

# recovered [WORD...]: the number of entries that recover prints
recovered() {
	bpftool -j map swap-drain recover "$@" |
		jq '[.[].elements | length] | add // 0'
}

@test "journal: a user's pins in a chosen folder stay, whatever their names" {
	dir=$PINS/app
	mkdir -p "$dir/maps" "$dir/empty" "$dir/123" "$dir/4_5"
	other_map --fill 5 hash "$dir/maps/new_connections"
	other_map --fill 5 hash "$dir/maps/10_20"
	other_map --fill 5 hash "$dir/123/10_20"
	chmod 700 "$dir" "$dir/123"
	find "$dir" | sort >"$T/before"

	drain journal "$dir"
	[[ $(recovered journal "$dir") == 0 ]]
	find "$dir" | sort | diff "$T/before" -
}

@test "journal: a pin in a run's folder that is not of the map that it names stays" {
	leave_map 2
	pin=$(left_pins)
	other_map --fill 5 hash "${pin%/*}/10_20"

	[[ $(recovered) == 3 ]]
	[[ -e ${pin%/*}/10_20 && ! -e $pin ]]
	rm "${pin%/*}/10_20"
	rmdir "${pin%/*}"
}

@test "journal: maps that an earlier version left in the default journal are found" {
	leave_map 2
	pin=$(left_pins)
	mkdir -m 700 "$JOURNAL/4711"
	mv "$pin" "$JOURNAL/4711/"
	[[ $(recovered) == 3 && ! -e $JOURNAL/4711 ]]
}

@test "journal: a map of a run that is being killed is recovered at once" {
	make_slot array_of_maps --fill 40000 --entries 40000 hash
	for round in 1 2 3 4 5; do
		slow_drain
		kill -KILL "$pid"
		got=$(recovered)
		slow_drain_end
		echo "round $round: recovered $got"
		[[ $got == 40000 ]]
		insert outer --fill 40000 --entries 40000
	done
}

# It may take a while to end: its lock is held a little longer
@test "journal: recover waits for a run that is about to end" {
	needs_at_call
	leave_map 2
	RUN_DIR=$(dirname "$(left_pins)")
	export RUN_DIR
	# shellcheck disable=SC2016 # a shell of its own expands it
	at_call run='setsid flock "$RUN_DIR" sleep 0.3 </dev/null >/dev/null 2>&1 &
		while flock -n "$RUN_DIR" true; do :; done' \
		'flock\(.*/swap_drain/[0-9_]+"' "$BPFTOOL" -j map swap-drain recover |
		jq -e '.[0].elements | length == 3'
}

@test "journal: recover misses no map while other runs read the journal" {
	others=()
	touch "$T/go"
	for i in 1 2; do
		one_slot "outer$i"
		insert "outer$i"
		while [[ -e $T/go ]]; do
			"$BPFTOOL" map swap-drain pinned "$PINS/outer$i" \
				key 0 0 0 0 >/dev/null 2>&1 || true
		done 3>&- &
		others+=($!)
	done

	recovered >/dev/null
	leave_map 0
	missed=
	for round in {1..15}; do
		[[ $(recovered) == $((round == 1 ? 3 : 5)) ]] || missed+=" $round"
		leave_map 5
	done
	rm "$T/go"
	wait "${others[@]}"
	recovered >/dev/null
	echo "missed in rounds:$missed"
	[[ ! $missed ]]
}

# The slots that recover reads for a pin of one run are older than the end of another
@test "journal: a slot is swapped while recover goes from run to run" {
	needs_at_call
	outer=$(map_id "$PINS/outer")
	other_map hash "$PINS/fresh"
	mkdir "$PINS/journal"
	for key in 0 1; do
		other_map --fill 3 hash "$PINS/old"
		id=$(map_id "$PINS/old")
		bpftool map update pinned "$PINS/outer" key $key 0 0 0 value pinned "$PINS/old"
		mkdir -m 1700 "$PINS/journal/${key}_1"
		mv "$PINS/old" "$PINS/journal/${key}_1/${outer}_$id"
	done

	# The first pin is gone by then, as its map is in the slot
	at_call -n 2 run='pin=$(echo "$PINS"/journal/*/*_*)
		run=${pin#"$PINS/journal/"}
		"$BPFTOOL" map update pinned "$PINS/outer" key "${run%%_*}" 0 0 0 \
			value pinned "$PINS/fresh"
		echo "${pin##*_}" >"$T/swapped"' \
		'flock\(.*/journal/[0-9_]+"' "$BPFTOOL" -j map swap-drain recover \
		journal "$PINS/journal" >"$T/out"
	jq -e --argjson id "$(<"$T/swapped")" 'length == 1 and .[0].id == $id and
		(.[0].elements | length == 3)' "$T/out"
}

@test "journal: where a run is still at work, recover says so" {
	make_slot array_of_maps --fill 40000 --entries 40000 hash
	slow_drain
	run --separate-stderr bpftool -j map swap-drain recover
	said=$stderr
	slow_drain_end
	[[ $output == "[]" && $said == *"still at work"* ]]
}

@test "journal: 120 runs with the same process ID leave a map each" {
	for i in {1..120}; do
		unshare --pid --fork --mount-proc "$BPFTOOL" map swap-drain \
			pinned "$PINS/outer" "${SLOT[@]}" >/dev/full 2>"$T/err" || true
		tail -n 1 "$T/err" | finds "pinned at"
	done
	# One line says how many there are
	drain >/dev/null 2>"$T/err"
	[[ $(grep -c "^Warning: " "$T/err") == 1 ]]
	grep -q "120 maps" "$T/err"
	[[ $(bpftool -j map swap-drain recover | jq length) == 120 ]]
}

@test "journal: a bpffs that would end with a container is refused" {
	id=$(map_id "$PINS/outer")
	run --separate-stderr unshare --mount --pid --fork --mount-proc \
		--propagation private bash -c '
			while umount -l /sys/fs/bpf 2>/dev/null; do :; done
			"$@"
			status=$?
			! grep " /sys/fs/bpf " /proc/self/mountinfo >&2 || status=1
			exit "$status"' container \
		"$BPFTOOL" map swap-drain id "$id" key 0 0 0 0
	[[ $status == 255 && $stderr == "Error: "*container*"journal DIR"* ]]
	drain | finds "Found 3 elements"
}

# controls_nothing <text>: no character in it is a command to the terminal
controls_nothing() {
	! LC_ALL=C grep -P '[\x01-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]'
}

@test "journal: paths with any bytes: valid JSON, one line, a command to paste" {
	i=0
	# shellcheck disable=SC1003
	for name in "with space" $'tab\ttab' "quote'\"q" 'dollar$HOME`id`' \
			$'new\nline' $'esc\e[31mred' $'ctl\x01\x7f' \
			$'two\xc2\x9bbytes' $'latin\xe9' ünïcode -dash 'semi;touch pwned' '*' '\'; do
		dir=$PINS/$name
		i=$((i + 1))
		MODE=(-j)
		leave_map "$i" journal "$dir"
		iconv -f utf-8 <<<"$stderr" >/dev/null
		python3 - "$stderr" <<-'EOF2'
			import json, os, sys
			got = json.loads(sys.argv[1])
			assert os.path.exists(got["pinned"]), got
		EOF2
		controls_nothing <<<"$stderr"
		MODE=()
		drain journal "$dir" >/dev/null 2>"$T/err"
		[[ $(wc -l <"$T/err") == 1 ]]
		controls_nothing <"$T/err"
		cmd=$(sed 's/.*release it with: //' "$T/err")
		[[ $name == latin* || $cmd == "$(jq -r .recover <<<"$stderr")" ]]
		n=$(cd "$T" &&
			eval "${cmd/bpftool/\"\$BPFTOOL\" -j}" |
			jq '[.[].elements | length] | add')
		[[ $n == $((i == 1 ? 3 : i)) ]]
		[[ ! -e $T/pwned ]]
		rmdir "$dir"
	done
}

@test "journal: without /proc that is the reason that is given" {
	root=$T/root
	mkdir -p "$root"/{proc,bin,bpf,dev}
	cp "$BPFTOOL" "$root/bin/bpftool"
	ldd "$BPFTOOL" | grep -o '/[^ ]*' | while read -r lib; do
		mkdir -p "$root${lib%/*}"
		cp "$lib" "$root$lib"
	done
	mount --bind /sys/fs/bpf "$root/bpf"
	run --separate-stderr chroot "$root" /bin/bpftool map swap-drain \
		id "$(map_id "$PINS/outer")" key 0 0 0 0 journal /bpf/j
	umount "$root/bpf"
	[[ $status == 255 && $stderr == *"/proc"*"not mounted"* ]]
	run --separate-stderr chroot "$root" /bin/bpftool map sync sleepable
	[[ $status == 255 && $stderr == *"/proc"*"not mounted"* ]]
}

@test "journal: a user without rights can't hold off a run" {
	start=$SECONDS
	setpriv --reuid 65534 --clear-groups --bounding-set -all \
		--inh-caps -all /usr/bin/python3 -c '
import os, fcntl, struct, sys, time
fd = os.eventfd(0)
fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
print("locked", flush=True)
time.sleep(30)' >"$T/locked" 3>&- &
	wait_until grep -q locked "$T/locked"
	drain | finds "Found 3 elements"
	kill %1
	((SECONDS - start < 9))
}

@test "journal: two runs never put the same given map into two slots" {
	both=0
	one_slot outer2
	for i in {1..20}; do
		insert outer2
		other_map hash "$PINS/value"
		for j in outer outer2; do
			"$BPFTOOL" map swap-drain pinned "$PINS/$j" key 0 0 0 0 \
				value pinned "$PINS/value" >/dev/null 2>"$T/err.$j" 3>&- &
		done
		wait
		[[ $(slot_id) != $(slots_of "$PINS/outer2" |
			sed -n 's/^00 00 00 00 //p') ]] || both=$((both + 1))
		rm "$PINS/value"
	done
	((both == 0))
}

@test "journal: what map drain left is named as values that were moved" {
	for map in "$PINS/plain1" "$PINS/plain2"; do
		other_map --fill 3 hash "$map"
		run -255 full "$BPFTOOL" map drain pinned "$map"
	done
	run -255 --separate-stderr full "$BPFTOOL" -j map swap-drain recover
	jq -es 'length == 1 and (.[0] | .moved and (has("swapped") | not))' <<<"$stderr"
	(($(recovered) >= 4))
}

# few_files LIMIT WORD...: "bpftool map WORD..." where it may open no more files
few_files() {
	"${UNPRIVILEGED_LIMIT[@]}" "$1" "$BPFTOOL" map "${@:2}"
}

@test "journal: too few descriptors are an error with the limit that is needed" {
	for words in "swap-drain pinned $PINS/outer all" "drain pinned $PINS/inner"; do
		for limit in 8 10 16 20; do
			# shellcheck disable=SC2086
			run --separate-stderr few_files $limit $words
			[[ $status == 255 && $stderr == *"ulimit -n "* &&
				$stderr != *force* ]]
		done
		need=${stderr##*ulimit -n }
		# shellcheck disable=SC2086
		few_files "${need%\'*}" $words | finds "Found 3 elements"
	done
	run --separate-stderr few_files 10 sync sleepable
	[[ $status == 255 && $stderr != *"Bad file descriptor"* ]]
}
