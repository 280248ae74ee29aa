# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The bash completion of the three verbs, tried with a real bash and real maps

load ../lib/common

setup_file() {
	setup_bpffs
	create outer_a array_of_maps 4
	create outer_h hash_of_maps 8
	create of_maps_not hash 4
	export PROVIDERS
	PROVIDERS=$(providers | sort | xargs)
}

# create NAME TYPE KEY_SIZE
create() {
	local inner=()

	if [[ $2 == *_of_maps ]]; then
		"$BPFTOOL" map create "$PINS/in_$1" type hash key 4 value 4 \
			entries 1 name "in_$1"
		inner=(inner_map pinned "$PINS/in_$1")
	fi
	"$BPFTOOL" map create "$PINS/$1" type "$2" key "$3" value 4 entries 2 \
		name "$1" "${inner[@]}"
}

teardown_file() {
	cleanup_bpffs
}

# The maps are for all tests
teardown() { :; }

setup() {
	mkdir -p "$T/bin" "$T/files/folder"
	ln -s "$BPFTOOL" "$T/bin/bpftool"
	touch "$T/files/file"
	cd "$T/files" || return 1
}

# complete_line "WORDS": what a tab at the end of the line offers, sorted, in
# one line. A blank at the end starts a new word.
complete_line() {
	PATH=$T/bin:$PATH bash --norc --noprofile -c '
		. /usr/share/bash-completion/bash_completion
		. "$1/tools/bpf/bpftool/bash-completion/bpftool"
		COMP_LINE=$2
		COMP_POINT=${#COMP_LINE}
		COMP_TYPE=9
		COMP_KEY=9
		read -ra COMP_WORDS <<<"$COMP_LINE"
		[[ $COMP_LINE == *" " ]] && COMP_WORDS+=("")
		COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
		func=$(complete -p bpftool | sed "s/.*-F \([^ ]*\).*/\1/")
		"$func" bpftool "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$TREE" "$1" 2>"$T/stderr" | sort | xargs
	cat "$T/stderr"
}

offers() {
	local got

	got=$(complete_line "$1")
	[ "$got" = "$2" ] && return
	echo "line:    $1|"
	echo "offered: $got"
	echo "wanted:  $2"
	return 1
}

id_of() {
	"$BPFTOOL" -j map show pinned "$PINS/$1" | jq .id
}

@test "the verbs are offered after map, and completed" {
	words=" $(complete_line 'bpftool map ') "
	[[ $words == *' sync '* && $words == *' swap-drain '* ]]
	[[ $words == *' drain '* ]]
	offers 'bpftool map dr' 'drain'
	offers 'bpftool map sy' 'sync'
	offers 'bpftool map sw' 'swap-drain'
	offers 'bpftool -j map sw' 'swap-drain'
}

@test "sync: the keywords, then their arguments, then nothing" {
	[ -n "$PROVIDERS" ]
	offers 'bpftool map sync ' 'sleepable using'
	offers 'bpftool map sync u' 'using'
	offers 'bpftool map sync using ' "$PROVIDERS"
	offers 'bpftool map sync using membarr' 'membarrier'
	offers 'bpftool map sync using membarrier ' ''
	offers 'bpftool map sync something ' ''
	offers 'bpftool map sync sl' 'sleepable'
	offers 'bpftool map sync sleepable ' 'timeout using'
	offers 'bpftool map sync sleepable timeout ' ''
	offers 'bpftool map sync sleepable timeout 3 ' 'using'
	offers 'bpftool map sync sleepable using u' 'uprobe'
	offers 'bpftool map sync sleepable using ' \
		"$(xargs -n1 <<<"$PROVIDERS bpf_call_rcu_tasks_trace uprobe" | sort | xargs)"
	offers 'bpftool map sync sleepable timeout 3 using uprobe ' ''
}

@test "drain: the forms of MAP, only maps that it can drain, keywords still allowed" {
	offers 'bpftool map drain ' 'id name pinned'
	offers 'bpftool map drain name of_maps' 'of_maps_not'
	offers 'bpftool map drain name outer_' ''
	words=" $(complete_line 'bpftool map drain id ') "
	[[ $words != *" $(id_of outer_a) "* ]]
	[[ $words == *" $(id_of of_maps_not) "* ]]
	offers 'bpftool map drain pinned ' 'file folder'
	line='bpftool map drain name of_maps_not '
	offers "$line" 'counters force journal keep quiet since'
	offers "${line}since " 'file folder'
	offers "${line}since f " 'counters force journal keep quiet'
	offers "${line}counters " ''
	offers "${line}counters a,b quiet " 'force journal keep since'
	offers "${line}keep fi" 'file'
	offers "${line}journal " 'folder'
}

# A bpffs itself is not a journal, a folder in it may be
@test "journal: not the root of a bpffs, but the folders in it" {
	bpffs=$T/files/bpffs
	mkdir "$bpffs"
	mount -t bpf bpf "$bpffs"
	mkdir "$bpffs/mine"
	for line in 'drain name of_maps_not' 'swap-drain recover' \
		'swap-drain name outer_a all'; do
		offers "bpftool map $line journal b" 'bpffs/mine' &&
		offers "bpftool map $line journal " 'bpffs/mine folder' &&
		offers "bpftool map $line journal bpffs/" 'bpffs/mine' || {
			umount "$bpffs"
			return 1
		}
	done
	umount "$bpffs"
}

@test "swap-drain: the forms of MAP, and only map-in-maps, by id and by name" {
	offers 'bpftool map swap-drain ' 'id name pinned recover'
	offers 'bpftool map swap-drain n' 'name'
	offers 'bpftool --pretty map swap-drain i' 'id'
	words=" $(complete_line 'bpftool map swap-drain id ') "
	[[ $words == *" $(id_of outer_a) "* && $words == *" $(id_of outer_h) "* ]]
	[[ $words != *" $(id_of of_maps_not) "* ]]
	# Others' maps come and go
	for id in $words; do
		type=$("$BPFTOOL" -j map show id "$id" | jq -r .type)
		[[ $type == *_of_maps || $type == null ]]
	done

	offers 'bpftool map swap-drain name outer_' 'outer_a outer_h'
	offers 'bpftool map swap-drain name of_maps' ''
}

@test "swap-drain: files after pinned and keep, nothing until the key is whole" {
	offers 'bpftool map swap-drain pinned ' 'file folder'
	offers 'bpftool map swap-drain pinned fi' 'file'
	offers 'bpftool map swap-drain name outer_a key 0 0 0 0 keep ' 'file folder'
	offers 'bpftool map swap-drain name outer_a key 0 0 0 0 value pinned ' \
		'file folder'
	offers 'bpftool map swap-drain name outer_a ' 'all key'
	offers 'bpftool map swap-drain name outer_a key ' 'hex'
	offers 'bpftool map swap-drain name outer_a key hex ' ''
	offers 'bpftool map swap-drain name outer_a key 0 0 0 ' ''
	offers 'bpftool map swap-drain name outer_h key 0 0 0 0 ' ''
	offers "bpftool map swap-drain pinned $PINS/outer_h key 0 0 0 0 0 0 0 0 cl" \
		'clear'
	offers "bpftool map swap-drain id $(id_of outer_a) key hex 0 0 0 0 cl" \
		'clear'
}

@test "swap-drain: the keywords that are still allowed" {
	line='bpftool map swap-drain name outer_a key 0 0 0 0 '
	offers "$line" 'clear force journal keep quiet timeout using value'
	offers "${line}clear " 'force journal keep quiet timeout using value'
	offers "${line}clear quiet " 'force journal keep timeout using value'
	offers "${line}using membarrier " 'clear force journal keep quiet timeout value'
	offers "${line}keep clear " 'clear force journal quiet timeout using value'
	offers "${line}value name quiet clear " 'force journal keep quiet timeout using'
	offers "${line}quiet value id 7 keep f clear using membarrier " \
		'force journal timeout'
	offers "${line}timeout " ''
	offers "${line}timeout 5 cl" 'clear'
	offers "${line}force journal d " 'clear keep quiet timeout using value'
	offers "${line/bpftool/bpftool -j -d}cl" 'clear'
}

@test "swap-drain: all, without what is for one slot" {
	line='bpftool map swap-drain name outer_a all '
	offers "$line" 'clear force journal quiet timeout using'
	offers "${line}journal " 'folder'
	offers "${line}journal folder q" 'quiet'
}

@test "swap-drain recover: journal and timeout" {
	offers 'bpftool map swap-drain r' 'recover'
	offers 'bpftool map swap-drain recover ' 'journal timeout'
	offers 'bpftool map swap-drain recover journal ' 'folder'
	offers 'bpftool map swap-drain recover journal folder ' 'timeout'
}

@test "swap-drain: providers after using, maps after value" {
	line='bpftool map swap-drain name outer_a key 0 0 0 0 '
	offers "${line}using " "$PROVIDERS"
	offers "${line}quiet using membarr" 'membarrier'
	offers "${line}value " 'id name pinned'
	offers "${line}value name in_outer" 'in_outer_a in_outer_h'
	words=" $(complete_line "${line}clear value id ") "
	[[ $words == *" $(id_of in_outer_a) "* && $words == *" $(id_of of_maps_not) "* ]]
}

@test "the other commands are completed as before" {
	offers 'bpftool map fre' 'freeze'
	offers 'bpftool map s' 'show swap-drain sync'
	offers 'bpftool map delete pinned fi' 'file'
	offers 'bpftool map getnext ' 'id name pinned'
}
