# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# An outer map, $PINS/outer, with one filled slot or many, what is refused of it, and
# what must be gone after a test

. "${BASH_SOURCE[0]%/*}/common.bash"

# in_slot WORD...: how the slot is written on the command line
in_slot() {
	SLOT=("$@")
}
in_slot key 0 0 0 0

# in_mode [OPTION...]: options for the bpftool that dumps and drains
in_mode() {
	MODE=("$@")
}

# The maps' names tell ours from those of everybody else on the machine; a
# replacement has the name of the map that it replaces
setup_slot() {
	# What fails before a | fails
	set -o pipefail
	setup_bpffs
	MODE=()
	INNER_NAME=in_${WORLD-}$$
	OUTER_NAME=out_${WORLD-}$$
	SWAP_ALL=("$BPFTOOL" -j map swap-drain pinned "$PINS/outer" all
		journal "$PINS/journal")
}

# Their ids, also those of fresh_name
our_maps() {
	map_make --list |
		sed -nE "s/ ($INNER_NAME|in_${WORLD-}$$(_[0-9]+)?|$OUTER_NAME)\$//p"
}

no_maps_of_ours() {
	local maps

	maps=$(our_maps) && [[ -z $maps ]]
}

# we_have N: as many maps with our names are on the machine
we_have() {
	[[ $(our_maps | wc -l) == "$1" ]]
}

# A test leaves no map behind, in no pin of its own and in none of the runs'.
# The kernel frees maps a moment later.
cleanup_slot() {
	# Of a test that failed a slow_drain may still be waiting
	touch "$T/read_on"
	cleanup_bpffs
	wait_until no_maps_of_ours || {
		release_pins
		return 1
	}
}

# make_slot [OUTER_TYPE [OPTION_OF_MAP_MAKE... INNER_TYPE]]
make_slot() {
	local outer_type=${1:-array_of_maps}

	shift $(($# ? 1 : 0))
	if (($# == 0)); then
		set -- --fill 3 hash
	fi
	rm -f "$PINS/inner" "$PINS/outer"
	map_make --name "$INNER_NAME" --outer-name "$OUTER_NAME" "$@" "$PINS/inner" \
		"$outer_type" "$PINS/outer"
}

# fill_slot [PIN]: puts the inner map, or the one at PIN, into the slot
fill_slot() {
	bpftool map update pinned "$PINS/outer" "${SLOT[@]}" \
		value pinned "${1:-$PINS/inner}"
}

# other_map OPTION_OF_MAP_MAKE... TYPE PIN: one more map of ours
other_map() {
	map_make --name "$INNER_NAME" "$@"
}

# The id of the map in the slot; nothing for an empty slot
slot_id() {
	slots_of "$PINS/outer" | sed -n 's/^00 00 00 00 //p'
}

# map_id PIN; "bpftool map show" looks at every process for its users
map_id() {
	map_make --info "$1" | sed -n 's/^id //p'
}

# dump PIN: by the base's bpftool, so that it is not our own writers that are
# compared with themselves
dump() {
	plain_bpftool "${MODE[@]}" map dump pinned "$1"
}

# Swap-drains the slot; arguments go to the end of the command line
drain() {
	bpftool "${MODE[@]}" map swap-drain pinned "$PINS/outer" \
		"${SLOT[@]}" "$@"
}

# full COMMAND...: its output goes to a full disk
full() {
	"$@" >/dev/full
}

# hold OUTER_ID [TYPE]: another process, $HOLDER, has the lock of that map, which is map
# $LOCK, or a map of another type that only has its name
hold() {
	: >"$T/held"
	"$BUILD/tests/map_make" --name "swap_$1" --value 4 --entries 1 --hold \
		"${2:-queue}" - >"$T/held" 3>&- &
	HOLDER=$!
	wait_until grep -q . "$T/held"
	LOCK=$(<"$T/held")
}

let_go() {
	[[ -z ${HOLDER-} ]] || kill -KILL "$HOLDER"
	wait ${HOLDER:+"$HOLDER"} 2>/dev/null || true
	HOLDER=
}

# slow_drain WORD...: swap-drains in the background, into a pipe that no one
# reads, until that is full. The map has to be larger than a pipe. Sets $pid.
# ENV_OPTIONS may hold options of env.
slow_drain() {
	local old

	old=$(slot_id)
	rm -f "$T/fifo" "$T/read_on"
	mkfifo "$T/fifo"
	{
		until [[ -e $T/read_on ]]; do
			sleep 0.1
		done
		cat
	} <"$T/fifo" >"$T/printed" 3>&- &
	reader=$!
	# A shell's background jobs ignore SIGINT
	env --default-signal=INT,QUIT "${ENV_OPTIONS[@]}" "$BPFTOOL" "${MODE[@]}" \
		map swap-drain pinned "$PINS/outer" "${SLOT[@]}" "$@" \
		>"$T/fifo" 2>"$T/err" 3>&- &
	pid=$!
	wait_until sleeps_after_the_swap "$old"
}

# sleeps_after_the_swap OLD_ID: on a full pipe, whose sleep can be interrupted,
# unlike that of a grace period
sleeps_after_the_swap() {
	[[ $(slot_id) != "$1" ]] &&
		grep -q '^State:.*(sleeping)' "/proc/$pid/status"
}

# Reads the pipe until the run has ended: its output is in the file "printed",
# and $status and $stderr are as "run" sets them
slow_drain_end() {
	touch "$T/read_on"
	wait "$pid" && status=0 || status=$?
	wait "$reader"
	stderr=$(cat "$T/err")
}

# Pins that runs left behind for our inner maps, a path a line
left_pins() {
	local pin

	for pin in /sys/fs/bpf/swap_drain/*/*; do
		if map_make --info "$pin" 2>/dev/null |
			finds -xE "name ($INNER_NAME|in_${WORLD-}$$(_[0-9]+)?)"; then
			echo "$pin"
		fi
	done
}

# Removes them, and the runs' folders; another swap-drain may be faster at that
release_pins() {
	local pin

	left_pins | while read -r pin; do
		rm "$pin"
		rmdir --ignore-fail-on-non-empty "${pin%/*}" ||
			[[ ! -e ${pin%/*} ]]
	done
}

# make_outer OUTER_TYPE ENTRIES [SLOTS OPTION_OF_MAP_MAKE... INNER_TYPE]: the
# slots 0 to SLOTS-1 are filled, by default none
make_outer() {
	local outer_type=$1 entries=$2 slots=${3-0}

	shift $(($# > 3 ? 3 : $#))
	(($#)) || set -- hash
	rm -f "$PINS/outer"
	map_make --name "$INNER_NAME" --outer-name "$OUTER_NAME" --outer-entries "$entries" \
		--slots "$slots" "$@" - "$outer_type" "$PINS/outer"
}

# drain_all [ARG...]
drain_all() {
	bpftool "${MODE[@]}" map swap-drain pinned "$PINS/outer" all "$@"
}

# all_without BPF_COMMAND: the same on a kernel that lacks that, with -j
all_without() {
	refuse "$1" EINVAL "$BPFTOOL" -j map swap-drain pinned "$PINS/outer" all
}

# Before LIMIT COMMAND...: root may raise the limit
UNPRIVILEGED_LIMIT=(capsh --drop=cap_sys_resource -- -c '
	ulimit -n "$1"
	shift
	exec "$@"' --)

# "KEY ID" for each filled slot, a line each, sorted
slots_and_ids() {
	slots_of "$PINS/outer" | sort
}

# all_new FILE NUMBER: so many slots, and none has a map that it had in the file
all_new() {
	[[ $(slots_and_ids | sed 's/.* //' | sort - <(sed 's/.* //' "$1") | uniq |
		wc -l) == $((2 * $2)) ]]
}

# "KEY ID" a map, as they come, from what -j prints
slots_in_turn() {
	jq -r '.[] | "\(.slot | map(.[2:]) | join(" ")) \(.id)"' "$@"
}

# The same from plain output
plain_slots_in_turn() {
	awk '/^[0-9]+: / { id = $1 + 0 }
		/^\tslot / { sub("^\tslot ", ""); sub(" *$", ""); print $0, id }'
}

# How many threads updated single slots? From a trace of strace -f.
updating_threads() {
	awk '/bpf\(BPF_MAP_UPDATE_ELEM/ { print $1 }' "$1" | sort -u | wc -l
}

# Drains and forgets what runs left in the tests' own journal
recover_all() {
	bpftool -j map swap-drain recover journal "$PINS/journal"
}

# No run of ours left a pin
nothing_left() {
	[[ -z $(left_pins) ]]
	[[ ! -e $PINS/journal || -z $(find "$PINS/journal" -mindepth 1) ]]
}

# The maps of earlier turns may not all be gone yet
fresh_name() {
	TURN=$((${TURN-0} + 1))
	INNER_NAME=in_${WORLD-}$$_$TURN
}

# as_dumped [OUTER_TYPE OPTION_OF_MAP_MAKE... TYPE]: a slot with such a map, drained in
# each form, against a dump of it, which is in "wantFORM" then
as_dumped() {
	local form want got=$T/got

	make_slot "$@"
	for form in "" -j -jp; do
		in_mode ${form:+"$form"}
		want=$T/want$form
		dump "$PINS/inner" >"$want"
		drain >"$got"
		cmp "$want" "$got" || {
			echo "form '$form' of: $*" >&2
			return 1
		}
		[[ $(slot_id) != "$(map_id "$PINS/inner")" ]]
		fill_slot
	done
	in_mode
}

# drained_as_dumped WHAT [FORM]: against a dump of all maps that are in the slots, whose
# keys drain_all prints too
drained_as_dumped() {
	local want=$T/want got=$T/got

	in_mode "${@:2}"
	plain_bpftool "${MODE[@]}" map dump name "$INNER_NAME" >"$want"
	drain_all | sed -e '/^\tslot [0-9a-f ]*$/d' -e 's/"slot":\["0x[^]]*"\],//g' \
		-e '/^ *"slot": \[/,/^ *\],$/d' >"$got"
	if [[ ! -s $want ]] || ! same_maps "$want" "$got"; then
		diff -u "$want" "$got" | head -n 40 >&2
		echo "form '${*:2}' of: $1" >&2
		return 1
	fi
}

# as_dump_of_several OUTER_TYPE OPTION_OF_MAP_MAKE... TYPE: drained in each form
as_dump_of_several() {
	local form

	for form in "" -j -jp; do
		fresh_name
		make_outer "$1" 4 3 "${@:2}"
		drained_as_dumped "$*" ${form:+"$form"}
	done
}

# A hash of maps has its slots in another order than the maps were made in:
# the lines' order is compared for an array only, but none may miss
same_maps() {
	cmp -s "$1" "$2" || { map_make --info "$PINS/outer" | finds -x 'type 13' &&
		cmp -s <(in_lines "$1") <(in_lines "$2"); }
}

in_lines() {
	sed 's/},{"id"/},\n{"id"/g' "$1" | tr -d '[]' | sed 's/,$//' | sort
}

# Six slots, 0 and 5 with the same map; what is in them, in $BEFORE
six_slots() {
	release_pins
	rm -rf "$PINS/journal"
	make_outer "$FAULT_TYPE" 8 6 --fill 2 --btf counters --key 12 hash
	bpftool map update pinned "$PINS/outer" key 5 0 0 0 \
		value id "$(slots_and_ids | sed -n 's/^00 .* //p')"
	BEFORE=$(slots_and_ids | sed 's/.* //' | sort -u)
	[[ $(wc -l <<<"$BEFORE") == 5 ]]
}

# run_of [WORD...]: sets RUN, a swap-drain of the slot with a journal of its own
run_of() {
	RUN=("$BPFTOOL" "${MODE[@]}" map swap-drain pinned "$PINS/outer" "${SLOT[@]}"
		journal "$PINS/journal" "$@")
}

# said: the lines on stderr of the last "run --separate-stderr", without what is
# said about other runs, and without the command that prints a pinned map
said() {
	sed -e '/^Warning: a run that failed left /d' \
		-e '/^Warning: runs that failed left /d' \
		-e 's/; print and release it with: bpftool map swap-drain .*//' \
		<<<"$stderr"
}

# One line, and nothing on stdout
is_plain_error() {
	[[ $status == 255 && -z $output ]] &&
		[[ $(said | wc -l) == 1 ]] &&
		[[ $(said) =~ ^"Error: ".+ ]]
}

# is_error_object TEXT: one JSON document
is_error_object() {
	[[ $status == 255 ]] &&
		jq -es 'length == 1 and (.[0] | keys == ["error"] and
			(.error | length > 0))' <<<"$1" >/dev/null
}

show_last_run() {
	echo "status $status" "stdout: $output" "stderr: $stderr" "for: $*" >&2
	return 1
}

# refuses PATTERN WORD...: "bpftool map WORD..." says in one line what the
# extended regular expression tells, plain and with -j
refuses() {
	local pattern=${1:?a pattern that matches not every message}

	# A word like -1 would be an option without the --
	run --separate-stderr bpftool -- map "${@:2}"
	{ is_plain_error && said | finds -aE -- "$pattern"; } ||
		show_last_run "$@" || return

	run --separate-stderr bpftool -j -- map "${@:2}"
	{ is_error_object "$output" && [[ -z $(said) ]] &&
		jq -r .error <<<"$output" | finds -aE -- "$pattern"; } ||
		show_last_run -j "$@"
}

# All that is pinned, and the content of the maps among it. What is left in the
# journal shows up in cleanup_slot.
state() {
	local pin

	find "$PINS" -type f | sort | while read -r pin; do
		echo "$pin"
		bpftool map dump pinned "$pin" 2>&1 || true
	done
	ls -R "$PINS"
}

# touches_nothing COMMAND...
touches_nothing() {
	local before

	before=$(state)
	"$@" || return
	diff -u <(echo "$before") <(state) >&2
}

# refused PATTERN WORD...: "bpftool map WORD..." says so, and touches nothing
refused() {
	touches_nothing refuses "$@"
}

# drain_refused PATTERN WORD...: the same for "swap-drain MAP key DATA WORD..."
drain_refused() {
	refused "$1" swap-drain pinned "$PINS/outer" "${SLOT[@]}" "${@:2}"
}

# Ids of the programs that are pinned below $PINS
our_progs() {
	find "$PINS" -type f -name '*_prog' | while read -r path; do
		bpftool -j prog show pinned "$path" | jq '.id // empty'
	done
}

# In a teardown, which a trap runs, a plain "return" would return how the test ended
none_left() {
	local kind=$1 ids=$2 id

	for id in $ids; do
		# "bpftool map show" would look at every process for each
		if [[ $kind == map ]]; then
			map_make --list >"$T/list" || return
			! grep -q "^$id " "$T/list" || return
		elif bpftool prog show id "$id" >/dev/null 2>&1; then
			return 1
		fi
	done
}

# What is pinned below $PINS, and the maps in slots of those: the machine's other maps
# and programs are none of our business. The kernel frees maps and programs a moment
# later.
cleanup_leak_free() {
	local maps progs pins path id

	[[ -n ${PINS-} && -d $PINS ]] || return 0
	maps=$(find "$PINS" -type f -not -name '*_prog' | while read -r path; do
		map_id "$path"
		if map_make --info "$path" | finds -xE 'type 1[23]'; then
			slots_of "$path" | sed 's/.* //'
		fi
	done | sort -un)
	progs=$(our_progs)
	# Of our outer maps in the usual journal
	pins=$(for id in $maps; do
		find /sys/fs/bpf/swap_drain -name "${id}_*" 2>/dev/null
	done)
	cleanup_bpffs
	if [[ -n $pins ]]; then
		echo "left in the journal: $pins" >&2
		return 1
	fi
	wait_until none_left prog "$progs" &&
		wait_until none_left map "$maps"
}

setup() {
	setup_slot
}

teardown() {
	cleanup_slot
}
