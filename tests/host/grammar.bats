# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Help, manual and completion have the same words. The tool's own help is what
# the others are compared with.

load ../lib/common

setup_file() {
	export DIR=$TREE/tools/bpf/bpftool
	export DOC=$DIR/Documentation
	export PAGE=$BATS_FILE_TMPDIR/page
	export HELP=$BATS_FILE_TMPDIR/help
	export COMP=$DIR/bash-completion/bpftool
	# Older bases indent the page; continued lines are joined
	sed -e 's/^\t//' -e 's/^|\t\t*/| /' "$DOC/bpftool-map.rst" |
		sed -e ':a' -e '/\\$/{N;s/\\\n| */ /;ba' -e '}' >"$PAGE"
	"$BPFTOOL" map help 2>&1 | sed -e ':a' -e '/\\$/{N;s/\\\n */ /;ba' -e '}' \
		>"$HELP"
}

VERBS=(drain swap-drain 'swap-drain recover' sync 'sync sleepable')

# Words in lower case; those in capitals are arguments
words() {
	tr -cs 'A-Za-z0-9_-' '\n' | grep '^[a-z]' | sort -u | xargs
}

# A list of names, in its order
listed() {
	tr -cs 'a-z0-9_' ' ' | xargs
}

same() {
	[ -n "$1" ] && [ "$1" = "$2" ] && return
	echo "$3: help has: $1"
	echo "$3: found:    $2"
	return 1
}

# The lines of a verb: what follows it there; "recover" and "sleepable" have lines
# of their own
lines_of() {
	sed -n "s/.* map $1 *\(.*\)/\1/p" | grep -v '^recover\|^sleepable'
}

help_words() {
	lines_of "$1" <"$HELP" | words
}

help_list() {
	sed -nE "s/^ *($1) := //p" "$HELP" | listed
}

# The items that a section of a page explains, before the next section
explained() {
	awk -v title="$2" '
		/^[-=]+$/ { if (ours) exit; ours = last == title }
		ours && /^\*\*[a-z_]+\*\*( \*[A-Z]+\*)?$/
		{ last = $0 }' "$DOC/$1" | grep -o '\*\*[a-z_]*\*\*' | tr -d '*' | xargs
}

@test "every verb of the help is in manual and completion" {
	verbs=$(sed -n 's/.*bpftool map \([a-z_-]*\).*/\1/p' "$HELP" | sort -u)
	[[ $verbs == *drain*swap-drain*sync* ]]
	comp=$(sed -n '/\$prev == \$object.*/,/esac/p' "$COMP" |
		sed -n "/'delete dump getnext/,/cur/p" | words)
	for verb in $verbs; do
		grep -Eq "^\| \*\*bpftool\*\* \*\*map.*\b$verb\b" "$PAGE"
		[[ " $comp " == *" $verb "* ]] || {
			echo "completion lacks $verb"
			return 1
		}
	done
	for verb in drain swap-drain sync; do
		sed -n '/^\*COMMANDS\* :=/,/^$/p' "$PAGE" | finds "\*\*$verb\*\*"
	done
}

@test "each verb has the same words in help, synopsis and entry" {
	for verb in "${VERBS[@]}"; do
		want=$(help_words "$verb")
		same "$want" "$(sed 's/\*//g' "$PAGE" | lines_of "$verb" | words)" \
			"synopsis of $verb"
		same "$want" "$(sed -n 's/^bpftool map/bpftool map/p' \
			"$DOC"/map-{exact-commands,sync-command}.rst | sed 's/^/ /' |
			lines_of "$verb" | words)" "entry of $verb"
	done
}

@test "each word is explained in the verb's section" {
	for verb in drain swap-drain sync 'sync sleepable'; do
		same "$(help_words "$verb" | xargs -n1 | grep -vx key | xargs)" \
			"$(explained "map-${verb/ /-}-description.rst" \
				"Words of map $verb" | words)" "section of $verb"
	done
	for verb in $(help_words 'swap-drain recover'); do
		grep -q "\*\*$verb\*\*" "$DOC/map-swap-drain-description.rst"
	done
}

# comp_words FUNCTION SED: the words that a function of the completion offers
comp_words() {
	sed -n "/^$1()/,/^}/p" "$COMP" | tr -d '\\\n' | sed -nE "s/.*$2.*/\\1/p" | words
}

@test "completion offers the same words" {
	same "$(help_words drain)" \
		"$(comp_words _bpftool_map_drain "keywords 5 +'([^']*)'")" drain
	same "$(help_words swap-drain)" "$({
		comp_words _bpftool_map_swap_drain "left='([^']*)'"
		comp_words _bpftool_map_swap_drain_slot "-W '(key [^']*)'"
	} | words)" swap-drain
	same "$(help_words 'swap-drain recover')" \
		"$(comp_words _bpftool_map_swap_drain "keywords 4 '([^']*)'")" recover
	same "$(words <<<"sleepable $(help_words sync)")" \
		"$(comp_words _bpftool_map_sync "cword -eq 3[^']*'([^']*)'")" sync
	same "$(help_words 'sync sleepable')" \
		"$(comp_words _bpftool_map_sync "keywords 4 '([^']*)'")" "sync sleepable"
}

@test "the ways to wait, in the order of the help" {
	want=$(help_list 'WAY|PROVIDER')
	sleepable=$(help_list SLEEPABLE_WAY)
	[ "$(wc -w <<<"$want")" -ge 2 ] && [ "$(wc -w <<<"$sleepable")" -ge 2 ]
	same "$want" "$(sed -n 's/^| \*WAY\* := //p' "$PAGE" | listed)" synopsis
	same "$sleepable" "$(sed -n 's/^| \*SLEEPABLE_WAY\* := //p' "$PAGE" |
		listed)" synopsis
	same "$want" \
		"$(explained map-sync-description.rst 'The ways to wait')" section
	same "$sleepable" "$(explained map-sync-sleepable-description.rst \
		'The ways to wait for sleepable programs')" section
	same "$want" "$(comp_words _bpftool_map_sync_ways "-W '([^']*)'" |
		xargs -n1 | sort | xargs)" completion
	same "$sleepable" "$(comp_words _bpftool_map_sync_sleepable_ways \
		"-W '([^']*)'")" completion
}

@test "the README names the ways to wait in this order" {
	readme=$BATS_TEST_DIRNAME/../../README.md
	want=$(help_list 'WAY|PROVIDER')
	# The kernel that has all of them
	same "$want" "$(sed -n 's/^| with our patch[^|]*|\([^|]*\)|.*/\1/p' "$readme" |
		listed)" table
	same "$want" "$(sed -n 's/^- `\([a-z_]*\)`: .*/\1/p' "$readme" | xargs)" list
}

@test "the line of the feature probe that the manual names" {
	line=$(sed -n 's/.*"\([A-Z_]* command\)".*/\1/p' "$DOC/map-sync-description.rst")
	[ -n "$line" ]
	"$BPFTOOL" feature probe kernel | finds -E "^$line is (NOT )?available\$"
}

@test "the members of JSON that the manual names are written by the code" {
	for member in error swapped moved pinned recover outer_id slot slots id \
		type name flags elements; do
		grep -qE "\*$member\*|\"$member\":" \
			"$DOC"/map-{drain,swap-drain}-description.rst
		grep -qh "\"$member\"" "$DIR"/map_*.c
	done
}

@test "the types of inner maps that can be drained" {
	want=$(sed -n '/^} drain_types/,/^};/s/.*MAP_TYPE_\([A-Z_]*\),.*/\L\1/p' \
		"$DIR/map_replace.c" | words)
	[ "$(wc -w <<<"$want")" -ge 9 ]
	same "$want" "$(sed -n '/These types of inner maps/,/\.$/p' \
		"$DOC/map-swap-drain-description.rst" | grep -o '\*\*[a-z_]*\*\*' |
		words)" manual
}

@test "the title that an error points at is in the manual" {
	title=$(sed -n 's/.*see \\"\(.*\)\\" in bpftool-map(8).*/\1/p' \
		"$DIR"/map_*.c | sed -n 1p)
	[ -n "$title" ]
	grep -qx "$title" "$DOC"/map-sync-examples.rst
	grep -q "^\.SS $title" "$BUILD/man/bpftool-map.8"
}

@test "the manual page is made without a warning" {
	cd "$DIR/Documentation"
	run rst2man --verbose --strip-comments --exit-status=1 bpftool-map.rst "$T/page.8"
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ -s "$T/page.8" ]
}

# Upstream's own check: types and options in code, help, manual, completion
synctypes() {
	python3 "$TREE/tools/testing/selftests/bpf/test_bpftool_synctypes.py"
}

@test "upstream's check of types and options passes on the patched tree" {
	synctypes
}

@test "upstream's check sees a type that is missing in the manual" {
	cp -r "$DIR/Documentation" "$T/doc"
	sed -i 's/| \*\*lpm_trie\*\*//' "$T/doc/bpftool-map.rst"
	BPFTOOL_DOC_DIR=$T/doc run synctypes
	[ "$status" -ne 0 ]
	[[ $output == *lpm_trie* ]]
}
