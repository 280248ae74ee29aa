# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What map drain refuses, in its own words and before it touches anything; what it
# drains with "force"; what it says with -d, quiet and -j

load ../lib/slot

setup() {
	setup_bpffs
	mkdir "$journal"	# a run makes it, and leaves it empty
}

teardown() {
	cleanup_bpffs
}

# refused PATTERN MAP WORD...: "map drain" says so, plain and with -j, and nothing changes
refused() {
	touches_nothing refuses "$1" drain pinned "$2" journal "$journal" "${@:3}"
}

refused_even_forced() {
	refused "$@"
	refused "$@" force
}

refused_also_since() {
	refused "$@"
	refused "$@" since "$PINS/last"
}

# drained PATTERN MAP WORD...: it is drained, with one warning that says so
drained() {
	run --separate-stderr drain "$2" quiet "${@:3}"
	{ [[ $status == 0 && $output =~ ^"map "[0-9]+": "[0-9]+" values, " ]] &&
		[[ $(said | grep -c '') == 1 && $(said) == "Warning: "* ]] &&
		said | finds -aE -- "$1"; } || show_last_run "$@"
}

# add_entry MAP: with 7 in its first counter
add_entry() {
	bpftool map update pinned "$PINS/maps/$1" key 1 0 0 0 \
		value 7 {0,0,0,0,0,0,0}{,}{,} 0 0 0
}

# load_progs NAME: its programs in $PINS/progs, its maps in $PINS/maps, with an entry
load_progs() {
	local map

	mkdir "$PINS/progs" "$PINS/maps"
	bpftool prog loadall "$BUILD/tests/$1.bpf.o" "$PINS/progs" \
		pinmaps "$PINS/maps" >/dev/null 2>&1 || skip "can't be loaded here"
	for map in adds plain deletes updates mixes names; do
		[[ ! -e $PINS/maps/$map ]] || add_entry "$map"
	done
}

# A map without programs. make_map OPTION... TYPE
make_map() {
	rm -f "$PINS/map"
	map_make --name "refuse_${WORLD-}" "$@" "$PINS/map"
}

# drain MAP WORD...
drain() {
	bpftool map drain pinned "$1" journal "$journal" "${@:2}"
}

# may_not_be_exact WHAT FILTER: the last run says so, and where the values are; what
# recover prints fits to the filter
may_not_be_exact() {
	[[ $status == 255 && -z $output ]] || show_last_run
	grep -aE "map [0-9]+ may not have been drained exactly: $1.*the values are pinned at $journal/" \
		<<<"$stderr" || show_last_run
	bpftool -j map swap-drain recover journal "$journal" | jq -e ".[0].elements$2"
}

@test "a map-in-map: the other verb is named" {
	make_map hash
	bpftool map create "$PINS/outer" type hash_of_maps key 4 value 4 entries 4 \
		name outer inner_map pinned "$PINS/map"
	refused "^(Error: )?map [0-9]+ outer is a map-in-map: use 'bpftool map swap-drain'$" \
		"$PINS/outer"
	refused "is a map-in-map" "$PINS/outer" force
	refuses "refuse_.* \(hash\) is not a map-in-map.*use 'bpftool map drain'" \
		swap-drain pinned "$PINS/map" key 0 0 0 0
}

@test "types whose values can't be exchanged, or read" {
	make_map --fill 2 lpm_trie
	refused_even_forced "is a lpm_trie, whose values can't be exchanged$" "$PINS/map"
	for type in ringbuf stack_trace prog_array perf_event_array bloom_filter; do
		make_map "$type"
		refused_even_forced "is a $type, which can't be read out$" "$PINS/map"
	done
	for type in queue stack; do
		make_map --fill 2 "$type"
		refused "is a $type, its elements are moved out: they can't be read again 'since FILE'$" \
			"$PINS/map" since "$PINS/last"
		refused "is a $type, its elements are moved out: they have no counters$" \
			"$PINS/map" counters 0-7
	done
}

@test "an LRU, unless with force" {
	for type in lru_hash lru_percpu_hash; do
		make_map --fill 2 "$type"
		refused "is a $type: the kernel gives its elements to other keys.*counts are lost.*'force' drains it anyway$" \
			"$PINS/map"
		drained "is a $type: counts of elements that the kernel gives to other keys are lost" \
			"$PINS/map" force
	done
}

@test "a value that is not made of whole words" {
	make_map --fill 2 --value 6 hash
	refused_even_forced "have 6 bytes, which is not a multiple of 4" "$PINS/map"
}

@test "a map that can not be written to" {
	make_map --fill 2 --freeze array
	refused "is frozen, so it can't be drained$" "$PINS/map"
	make_map --fill 2 --flag rdonly_prog hash
	refused "programs can't write to map [0-9]+ \(BPF_F_RDONLY_PROG\): they count nothing in it$" \
		"$PINS/map"
	make_map --fill 2 --flag wronly_prog percpu_hash
	refused "programs can't read map [0-9]+ \(BPF_F_WRONLY_PROG\), and only they can move" \
		"$PINS/map"
}

@test "special fields" {
	load_progs drain_fields
	refused "hold a bpf_spin_lock, which can't be moved$" "$PINS/maps/lock"
	refused "hold a bpf_timer, which can't be moved$" "$PINS/maps/timer"
	refused_even_forced "hold a kptr, which can't be moved$" "$PINS/maps/kptr"
	# Not so a pointer into the memory of a process
	drain "$PINS/maps/user" counters n
	"$BUILD/tests/reach_load" "$BUILD/tests/callbacks.bpf.o" in_timer_deep "$PINS"
	refused "hold a bpf_timer, which can't be moved$" "$PINS/timer_deep"
}

@test "a map in a slot, unless with force" {
	make_map --fill 2 hash
	bpftool map create "$PINS/outer" type array_of_maps key 4 value 4 entries 4 \
		name outer inner_map pinned "$PINS/map"
	bpftool map update pinned "$PINS/outer" key 1 0 0 0 value pinned "$PINS/map"
	refused "is in a slot of map [0-9]+, whose programs are not audited; use 'bpftool map swap-drain', 'force' drains it anyway$" \
		"$PINS/map"
	drained "may not be drained exactly: it is in a slot of map [0-9]+" \
		"$PINS/map" force
}

# iterate: an iterator over $PINS/map, whose program adds to the values
iterate() {
	"$BUILD/tests/reach_load" "$BUILD/tests/users_maps.bpf.o" add_to_each \
		"$PINS/iterator" iter "$PINS/map" >/dev/null
}

@test "an iterator over the map, unless with force" {
	make_map --value 8 --entries 4 array
	mkdir "$PINS/iterator"
	skip_unless "no iterator can be loaded here" iterate
	refused_also_since "can't drain map [0-9]+ exactly: link [0-9]+ attaches an iterator, program [0-9]+ add_to_each, to it; 'force' drains it anyway$" \
		"$PINS/map"
	drained "may not be drained exactly: link [0-9]+ attaches an iterator" \
		"$PINS/map" force
	rm -r "$PINS/iterator"
	wait_until drain "$PINS/map"
}

@test "an iterator that comes while values are moved" {
	needs_at_call
	make_map --value 8 --entries 4 --fill 4 array
	mkdir "$PINS/iterator"
	skip_unless "no iterator can be loaded here" iterate
	rm "$PINS"/iterator/*
	wait_until drain "$PINS/map" since "$PINS/last"
	export -f iterate
	run --separate-stderr at_call after=iterate 'bpf\(BPF_OBJ_PIN' \
		"$BPFTOOL" map drain pinned "$PINS/map" journal "$journal"
	may_not_be_exact "link [0-9]+ attaches an iterator" ' | map(.key) | length == 4'
}

@test "a map with more than a million entries: the iterator is our own" {
	make_map --entries 1048577 --flag no_prealloc --fill 3 hash
	bpftool -j map drain pinned "$PINS/map" journal "$journal" |
		jq -e 'map(.key) | length == 3'
	make_map --key 513 --entries 1048577 --flag no_prealloc --fill 3 hash
	refused "its keys have 513 bytes, and 512 is the most for a map with more than 1048576 entries$" \
		"$PINS/map"
}

@test "a plain add: file, line and text are named, and since" {
	load_progs drain_refuse
	refused "can't drain map [0-9]+ exactly: drain_refuse.bpf.c:[0-9]+: v->n \+= 1;: a plain add, not atomic \(program [0-9]+ plain_add\); 'since FILE' reads such counters exactly; 'force' drains it anyway$" \
		"$PINS/maps/plain"
	drained "may not be drained exactly: drain_refuse.bpf.c:[0-9]+: v->n \+= 1;: a plain add" \
		"$PINS/maps/plain" force
}

# with_config LINE MAP: drained where the kernel was configured so
with_config() {
	local config=$T/config.gz

	gzip <<<"$1" >"$config"
	# shellcheck disable=SC2016 # the inner shell expands them
	run --separate-stderr unshare -m bash -c '
		umount -l /sys/kernel/debug 2>/dev/null
		mount --bind /dev/null /proc/cmdline
		mount --bind "$1" /proc/config.gz && shift && exec "$@"' - "$config" \
		"$BPFTOOL" map drain pinned "$PINS/maps/$2" journal "$journal"
}

@test "a plain add per CPU: the kernel's configuration tells whether it can be cut" {
	[[ $(uname -v) == *PREEMPT_DYNAMIC* && -e /proc/config.gz ]] ||
		skip "there is none here, or it does not matter"
	load_progs drain_refuse
	with_config CONFIG_PREEMPT=y percpu
	[[ $status == 255 && $stderr == *"with this kernel's preemption (full) a thread can run"* ]]
	with_config CONFIG_PREEMPT_NONE=y percpu
	[[ $status == 0 && -z $stderr ]]
	# No thread can run in the middle of a softirq
	with_config CONFIG_PREEMPT=y softirq
	[[ $status == 0 && -z $stderr ]]
}

@test "a plain add per CPU to another CPU's value, or by what can sleep" {
	load_progs drain_parts
	refused "\*n \+= 1;: a plain add, not atomic, and the value may be another CPU's \(program [0-9]+ far_add\); 'since FILE' reads such counters exactly; 'force'" \
		"$PINS/maps/far"
	drain "$PINS/maps/far" since "$PINS/far"
	drain "$PINS/maps/sleeps" since "$PINS/sleeps"
	[[ $(uname -v) == *PREEMPT_DYNAMIC* && -e /proc/config.gz ]] ||
		skip "there is none here, or it does not matter"
	with_config CONFIG_PREEMPT_NONE=y far
	[[ $status == 255 && $stderr == *"may be another CPU's"* ]]
	with_config CONFIG_PREEMPT_NONE=y sleeps
	[[ $status == 255 && $stderr == *"*n += 1;: a plain add, not atomic, and the program can sleep in the middle of it (program "* ]]
}

@test "a counter that no aligned word holds, also since" {
	load_progs drain_parts
	refused_also_since "v->b \+= 1;: adds to a part of a counter \(program [0-9]+ crooked_add\); 'force'|v->b \+= 1;: a plain add" \
		"$PINS/maps/crooked"
	for words in "" "counters b" "counters 8-11"; do
		# shellcheck disable=SC2086 # two words or none
		refused_also_since "can't drain map [0-9]+ exactly: the integer at byte [48] of its values is not aligned, or has more than 8 bytes: it can't be moved or read whole; 'force' drains it anyway$" \
			"$PINS/maps/unused" $words
	done
	drained "may not be drained exactly: the integer at byte 4 of its values is not aligned" \
		"$PINS/maps/unused" force
	drain "$PINS/maps/unused" counters a
}

@test "a delete, an update of a computed value, a counter that is set" {
	load_progs drain_refuse
	refused_also_since "drain_refuse.bpf.c:[0-9]+: bpf_map_delete_elem\(&deletes, &key\);: deletes an entry \(program [0-9]+ delete\); 'force' drains it anyway$" \
		"$PINS/maps/deletes"
	refused_also_since "bpf_map_update_elem\(&updates, .*: updates an entry with a value that was read out of the map \(program [0-9]+ update\); 'force'" \
		"$PINS/maps/updates"
	refused_also_since "v->n = 5;: a plain store, to a counter \(program [0-9]+ mix\); 'force'" \
		"$PINS/maps/mixes"
	drained "bpf_map_delete_elem.*: deletes an entry" "$PINS/maps/deletes" force
	drained "updates an entry with a value" "$PINS/maps/updates" force
	drained "a plain store, to a counter" "$PINS/maps/mixes" force
}

@test "a counter that is no word: with force too" {
	load_progs drain_refuse
	for words in "" force; do
		# shellcheck disable=SC2086 # a word or none
		refused_also_since "can't drain map [0-9]+: drain_refuse.bpf.c:[0-9]+: .*: a counter that is not made of aligned words of 4 or 8 bytes \(program [0-9]+ narrow\)$" \
			"$PINS/maps/narrows" $words
	done
}

# drain_while SCRIPT WORD...: map adds, and that happens after its audit
drain_while() {
	run --separate-stderr at_call after="$1" 'bpf\(BPF_OBJ_PIN' "$BPFTOOL" map drain \
		pinned "$PINS/maps/adds" journal "$journal" "${@:2}"
}

# drain_with NAME WORD...: the same programs come once more then, so that those of map
# NAME have it
drain_with() {
	export NAME=$1 LATE=$PINS/late_$1
	# shellcheck disable=SC2016 # a shell of its own expands them
	drain_while '"$BPFTOOL" prog loadall "$BUILD/tests/drain_refuse.bpf.o" "$LATE" \
		map name "$NAME" pinned "$PINS/maps/adds" >/dev/null 2>&1' "${@:2}"
	[[ -e $LATE ]]
	rm -r "$LATE"
}

@test "a program that goes while values are moved" {
	needs_at_call
	load_progs drain_refuse
	# shellcheck disable=SC2016 # a shell of its own expands them
	drain_while 'rm -r "$PINS/progs"; sleep 0.2'
	[[ $status == 0 && $output == *'"n": 7'* && -z $stderr && ! -e $PINS/progs ]] ||
		show_last_run
}

@test "a program that comes while values are moved" {
	needs_at_call
	load_progs drain_refuse
	drain_with adds
	[[ $status == 0 && $output == *'"n": 7'* && -z $stderr ]] || show_last_run

	add_entry adds
	drain_with plain
	may_not_be_exact "drain_refuse.bpf.c:[0-9]+: v->n \+= 1;: a plain add" \
		'[0].formatted.value.n == 7'

	add_entry adds
	drain_with plain force
	[[ $status == 0 && $output == *'"n": 7'* ]] || show_last_run
}

@test "counters that are not there" {
	load_progs drain_refuse
	refused "no program adds to values of map [0-9]+: name its counters with 'counters LIST'$" \
		"$PINS/maps/names"
	for list in nope 3-9 0-99 8-4 n,nope name.x; do
		refused "'.*' does not name counters of map [0-9]+: expected members of its values, or bytes as 0-7, in whole words of 4 bytes$" \
			"$PINS/maps/adds" counters "$list"
	done
	make_map hash
	refused "'n' can't be found: map [0-9]+ has no BTF; name bytes, as 0-7$" \
		"$PINS/map" counters n
	drain "$PINS/maps/names" counters n
}

@test "since a FILE that is none of this map's readings" {
	load_progs drain_refuse
	map=$PINS/maps/adds
	refused "$PINS/maps/plain is not a reading of a map, it is map [0-9]+ \(plain\)$" \
		"$map" since "$PINS/maps/plain"
	refused "is not a reading of a map, nor the pin of a map$" \
		"$map" since "$PINS/progs/add"
	refused "can't get the reading at $PINS/maps: Is a directory$" \
		"$map" since "$PINS/maps"
	refused "$journal can't be the reading and the journal$" \
		"$map" since "$journal"
	refuses "can't get the reading at $PINS/maps: Is a directory$" \
		drain pinned "$map" since "$PINS/maps" journal "$PINS/none"
	[[ ! -e $PINS/none ]]
	refused "can't keep the reading at .*: not in a bpffs$" "$map" since "$T/last"
	refused "can't keep the reading at .*: No such file or directory$" \
		"$map" since "$PINS/nosuch/last"
	: >"$T/file"
	refused "can't get the reading at .*: " "$map" since "$T/file"
	refused "can't keep the reading at .*: a bpffs does not allow dots in names$" \
		"$map" since "$PINS/last.1"
	refused "'keep' can't go with 'since', which keeps the readings$" \
		"$map" since "$PINS/last" keep "$PINS/kept"

	bpftool map pin pinned "$PINS/maps/plain" "$PINS/mine_next"
	refused "can't pin the reading at $PINS/mine_next: File exists$" \
		"$map" since "$PINS/mine"
	refused "can't be a reading: '_next' is added" "$map" since "$PINS/mine_next"

	drain "$map" since "$PINS/last"
	refused "$PINS/last is a reading of map [0-9]+, not of map [0-9]+$" \
		"$PINS/maps/plain" since "$PINS/last"
	# Its id may have been another map's before
	id=$(bpftool -j map show pinned "$map" | jq .id)
	map_make --name "last_$id" --value 8 hash "$PINS/smaller"
	refused "is a reading of another map than map $id: its value size differs$" \
		"$map" since "$PINS/smaller"
	map_make --name "last_$id" --value 32 array "$PINS/array"
	refused "is a reading of another map than map $id: its type differs$" \
		"$map" since "$PINS/array"
}

@test "nothing was moved: an error names no pin" {
	make_map --value 8 --entries 4 array
	drain "$PINS/map" >/dev/full 2>"$T/err" && return 1
	[[ $(<"$T/err") == "Error: can't write the drained map: No space left on device" ]]
	[[ -z $(ls "$journal") ]]
}

@test "keep of a queue or stack: only unread" {
	for type in queue stack; do
		make_map --fill 2 "$type"
		refused "map [0-9]+ is a $type: its elements leave it as they are printed, so that 'keep' would keep none of them; 'quiet' keeps them$" \
			"$PINS/map" keep "$PINS/kept"
		drain "$PINS/map" quiet keep "$PINS/kept"
		bpftool -j map drain pinned "$PINS/kept" journal "$journal" |
			jq -e 'map(.value) | length == 2'
		rm "$PINS/kept"
	done
}

@test "keywords twice, without an argument, of another verb" {
	make_map --fill 2 hash
	for word in quiet force; do
		refused "'$word' is given twice$" "$PINS/map" "$word" "$word"
	done
	for word in since counters keep; do
		refused "'$word' is given twice$" "$PINS/map" "$word" "$PINS/a" \
			"$word" "$PINS/b"
		refused "'$word' needs an argument$" "$PINS/map" "$word"
		refused "'$word' needs an argument$" "$PINS/map" "$word" ""
	done
	refused "'journal' is given twice$" "$PINS/map" journal "$PINS/j"
	for word in value clear using timeout all key bogus; do
		refused "unknown keyword '$word'$" "$PINS/map" "$word"
	done
	refused "can't keep the map at .*: not in a bpffs$" "$PINS/map" keep /tmp/x
	refuses "'drain' needs a MAP" drain
}

@test "-d: a line for each program and store" {
	load_progs drain_refuse
	lines() {
		run --separate-stderr bpftool -d map drain pinned "$PINS/maps/$1" \
			quiet journal "$journal"
		grep -aE '^program [0-9]+ \(' <<<"$stderr"
	}
	told=$(lines adds)
	[[ $(wc -l <<<"$told") == 2 ]]
	grep -aE '\(add\): drain_refuse.bpf.c:[0-9]+: __sync_fetch_and_add\(&v->n, 1\);: atomic$' \
		<<<"$told"
	grep -aE '\(add\): drain_refuse.bpf.c:[0-9]+: v->flags = 1;: a plain store$' \
		<<<"$told"
	told=$(lines plain)
	[[ $(wc -l <<<"$told") == 1 ]]
	grep -aE '\(plain_add\): drain_refuse.bpf.c:[0-9]+: v->n \+= 1;: a plain add, not atomic$' \
		<<<"$told"
	lines deletes | grep -a ': deletes an entry$'
}

@test "quiet: what was moved, as a line and with -j" {
	load_progs drain_refuse
	map=$PINS/maps/adds
	run --separate-stderr drain "$map" quiet
	[[ $status == 0 && -z $stderr ]]
	[[ $output =~ ^"map "[0-9]+": 1 values, 32 bytes moved ("[a-z_]+")"$ ]]
	bpftool -j map drain pinned "$map" quiet journal "$journal" |
		jq -e --arg id "$(bpftool -j map show pinned "$map" | jq .id)" '
			keys == ["bytes", "id", "left", "moved", "mover", "name",
				"shrank", "type"] and .id == ($id | tonumber) and
			.type == "hash" and .name == "adds" and .left == 0 and
			.shrank == 0 and .bytes == .moved * 32'
	bpftool -j map drain pinned "$map" since "$PINS/last" quiet journal "$journal" |
		jq -e '.moved <= 1 and (.mover | length > 0)'
	run --separate-stderr drain "$map" since "$PINS/last" quiet
	[[ $status == 0 && -z $stderr && $output == *" changed ("* ]]
}
