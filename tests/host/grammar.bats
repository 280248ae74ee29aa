#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Code, help, manual and completion speak the same language. The code is what
# the others are held against.

setup_file() {
	export DIR=$TREE/tools/bpf/bpftool
	export PAGE=$BATS_FILE_TMPDIR/map.rst
	export TEXT=$DIR/Documentation/map-sync-description.rst
	export COMP=$DIR/bash-completion/bpftool
	# Older bases indent all of it
	sed -e 's/^\t//' -e 's/^|\t\t*/| /' "$DIR/Documentation/bpftool-map.rst" >"$PAGE"
	# The usage lines that run on are put together
	"$BPFTOOL" map help 2>&1 | sed -e ':a' -e '/\\$/{N;s/\\\n *//;ba' -e '}' \
		>"$BATS_FILE_TMPDIR/help"
	sed -e ':a' -e '/\\$/{N;s/\\\n| *//;ba' -e '}' "$PAGE" \
		>"$BATS_FILE_TMPDIR/page"
}

words() {
	tr -cs 'a-z0-9_-' '\n' | sed '/^_*$/d' | sort -u | xargs
}

same() {
	[ -n "$1" ] && [ "$1" = "$2" ] && return
	echo "$3: code has: $1"
	echo "$3: found:    $2"
	return 1
}

# Words of the verb's line of usage, without the names of arguments
help_words() {
	sed -n "s/.* map $1 *//p" "$BATS_FILE_TMPDIR/help" | words
}

page_words() {
	sed -n "s/^| \*\*bpftool\*\* \*\*map $1\*\*//p" "$BATS_FILE_TMPDIR/page" |
		grep -o '\*\*[a-z_]*\*\*' | words
}

# Words that a heading of the description names: lower case, capitals are
# arguments
heading_words() {
	sed -n "s/^bpftool map $1 *//p" "$TEXT" | words
}

code_verbs() {
	sed -n '/^static const struct cmd cmds/,/^};/s/^\t{ "\([a-z_-]*\)".*/\1/p' \
		"$DIR/map.c" | words
}

# The verb's keywords; the other words belong to MAP and DATA
code_keywords() {
	{
		grep -oh 'word_is([^,]*, "[a-z_]*")' "$DIR"/map_swap*.c |
			cut -d'"' -f2 | grep -vx -e id -e name -e pinned -e hex
		sed -n '/^} keywords/,/^};/s/^\t{ "\([a-z_]*\)".*/\1/p' \
			"$DIR/map_swap_args.c"
	} | words
}

# The names of a table of ways to wait, in its order; they are in the header
code_ways() {
	local var macro

	sed -n "/^.*const struct map_wait_kind \* const $1\[\]/,/^};/s/^\t&\(.*\),/\1/p" \
		"$DIR/$2" |
	while read -r var; do
		macro=$(grep -h -A1 "^static const struct map_wait_kind $var = {" \
			"$DIR/$2" | sed -n 's/^\t\([A-Z_]*\),.*/\1/p')
		sed -n "s/^#define $macro\t\+\"\(.*\)\"$/\1/p" \
			"$DIR/map_wait.h"
	done | xargs
}

code_providers() {
	code_ways kinds map_wait.c
}

code_sleepable_ways() {
	code_ways map_wait_sleepable_kinds map_wait_sleepable.c
}

code_types() {
	sed -n '/^} drain_types/,/^};/s/.*BPF_MAP_TYPE_\([A-Z_]*\),.*/\L\1/p' \
		"$DIR/map_swap_inner.c" | words
}

# The providers of a line, in their order
listed() {
	tr -cs 'a-z0-9_' ' ' | xargs
}

@test "every verb of the table is in help, manual and completion" {
	local verbs verb comp
	verbs=$(code_verbs)
	[[ " $verbs " == *' sync '* && " $verbs " == *' swap-drain '* ]]

	# shellcheck disable=SC2016 # a variable of the completion
	comp=$(sed -n '/\$prev == \$object.*/,/esac/p' "$COMP" |
		sed -n "/'delete dump getnext/,/cur/p" | words)
	for verb in $verbs; do
		# show and list share a line
		grep -Eq "bpftool map .*\b$verb\b" "$BATS_FILE_TMPDIR/help"
		grep -Eq "^\| \*\*bpftool\*\* \*\*map.*\b$verb\b" "$PAGE"
		[[ " $comp " == *" $verb "* ]] || {
			echo "completion lacks $verb"
			return 1
		}
	done
}

@test "both verbs are in the manual's list of commands" {
	sed -n '/^\*COMMANDS\* :=/,/^$/p' "$PAGE" | words >"$BATS_TEST_TMPDIR/list"
	grep -qw sync "$BATS_TEST_TMPDIR/list"
	grep -qw swap-drain "$BATS_TEST_TMPDIR/list"
}

@test "swap-drain: the same keywords in code, help and manual" {
	local want
	want=$(code_keywords)
	same "$want" "$(help_words swap-drain)" help
	same "$want" "$(page_words swap-drain)" synopsis
	same "$want" "$(heading_words swap-drain)" heading
}

@test "swap-drain: the manual explains each keyword but the key" {
	local want
	# "recover" has a heading of its own
	want=$(code_keywords | xargs -n1 | grep -vx -e key -e recover | xargs)
	same "$want" "$(sed -n '/^bpftool map swap-drain/,$p' "$TEXT" |
		grep -E '^    \*\*[a-z_]+\*\*( \*[A-Z]+\*)?$' |
		grep -o '\*\*[a-z_]*\*\*' | words)" description
}

@test "swap-drain: completion offers the same keywords" {
	local want
	want=$(code_keywords)
	same "$want" "$({
		sed -n "/^_bpftool_map_swap_drain()/,/^}/s/.*left='\(.*\)' word.*/\1/p" \
			"$COMP"
		sed -n "/^_bpftool_map_swap_drain_slot()/,/^}/s/.*-W '\(key.*\)' .*/\1/p" \
			"$COMP"
		grep -o 'MAP_TYPE recover' "$COMP" | cut -d' ' -f2
	} | words)" completion
}

@test "swap-drain recover: the same keywords everywhere" {
	local want
	want=$(sed -n 's/.*!args->recover || !strcmp(keywords\[i\].name, "\(.*\)").*/\1/p' \
		"$DIR/map_swap_args.c" | words)
	same "$want" "$(help_words 'swap-drain recover')" help
	same "$want" "$(page_words 'swap-drain\*\* \*\*recover')" synopsis
	same "$want" "$(heading_words 'swap-drain recover')" heading
	same "$want" "$(sed -n "/^_bpftool_map_swap_drain_recover()/,/^}/s/.*-W '\(.*\)' --.*/\1/p" \
		"$COMP" | words)" completion
}

@test "swap-drain all: what does not go with it" {
	local want
	want=$(grep -o 'if (args->all && (.*))' "$DIR/map_swap_args.c" |
		grep -o 'args->[a-z]*' | sed 's/.*>//' | grep -vx all | words)
	same "$want" "$(tr -s ' \n' ' ' <"$TEXT" |
		sed "s/ are for one slot and don't go with \*\*all\*\*.*//" |
		grep -oE '\*\*[a-z]+\*\* and \*\*[a-z]+\*\*$' |
		grep -o '\*\*[a-z]*\*\*' | words)" description
	# shellcheck disable=SC2016 # a variable of the completion
	same "$want" "$(sed -n 's/.*left=${left\/ \(.*\) \/ }.*/\1/p' "$COMP" |
		grep ' ' | words)" completion
}

# defined NAME FILE: a string that the code defines
defined() {
	sed -n "s/^#define $1[[:blank:]]*\"\(.*\)\".*/\1/p" "$DIR/$2"
}

@test "the places, pins and bounds that the manual names are the code's" {
	local base mark tries pause

	base=$(defined SWAP_JOURNAL_BASE map_swap.h)
	[ -n "$base" ]
	grep -qF "$base/RUN/OUTER_INNER" "$TEXT"
	for mark in CLEAR PRINTED; do
		mark=$(defined "$mark" map_swap_journal.c)
		[ -n "$mark" ]
		grep -qF "\"$mark\"" "$TEXT"
	done

	tries=$(sed -n 's/^#define LOCK_TRIES[[:blank:]]*//p' "$DIR/map_swap_lock.c")
	pause=$(sed -n 's/^#define LOCK_PAUSE_MS[[:blank:]]*\([0-9]*\).*/\1/p' \
		"$DIR/map_swap_lock.c")
	grep -qF "waited for $((tries * pause / 1000)) seconds at most" "$TEXT"
}

@test "the line of the feature probe that the manual names" {
	local line

	line=$(sed -n 's/.*"\([A-Z_]* command\)".*/\1/p' "$TEXT")
	[ -n "$line" ]
	"$BPFTOOL" feature probe kernel | grep -qE "^$line is (NOT )?available\$"
}

@test "the fields of JSON that the manual names are written by the code" {
	local field

	for field in error swapped pinned outer_id slot slots id type name \
		flags elements; do
		grep -qE "\*$field\*|\"$field\":|$field object" "$TEXT"
		grep -qh "\"$field\"" "$DIR"/map_{err,print}.c
	done
}

@test "sync: the same keywords everywhere" {
	local want
	want=$(sed -n '/^static int parse_args/,/^}/s/.*is_prefix([^,]*, "\(.*\)").*/\1/p' \
		"$DIR/map_sync.c" | words)
	same "$want" "$(help_words sync)" help
	same "$want" "$(page_words sync)" synopsis
	same "$want" "$(heading_words sync)" heading
	same "$want" "$(sed -n "/^_bpftool_map_sync()/,/^}/s/.*left\(=\|+=\)'\(.*\)'.*/\2/p" \
		"$COMP" | sed "s/'.*//" | words)" completion
}

@test "the ways for sleepable programs, in the order of the table" {
	local want
	want=$(code_sleepable_ways)
	[ "$(wc -w <<<"$want")" -ge 2 ]
	same "$want" "$(sed -n 's/ *SLEEPABLE_WAY := //p' "$BATS_FILE_TMPDIR/help" |
		listed)" help
	same "$want" "$(sed -n 's/^| \*SLEEPABLE_WAY\* := //p' "$BATS_FILE_TMPDIR/page" |
		listed)" synopsis
	same "$want" "$(sed -n '/^bpftool map sync/,/^bpftool map swap-drain/p' \
		"$TEXT" | sed -n '/SLEEPABLE_WAY\* is/,$s/^    \*\*\([a-z_]*\)\*\*$/\1/p' | xargs)" description
	same "$want" "$(sed -n '/^_bpftool_map_sync_sleepable_ways()/,/^}/p' "$COMP" |
		tr '\n' ' ' | sed "s/.*-W '\(.*\)' --.*/\1/" | listed)" completion
}

@test "the providers, in the order of the table" {
	local want
	want=$(code_providers)
	[ "$(wc -w <<<"$want")" -ge 2 ]
	same "$want" "$(sed -n 's/ *PROVIDER := //p' "$BATS_FILE_TMPDIR/help" |
		listed)" help
	same "$want" "$(sed -n 's/^| \*PROVIDER\* := //p' "$BATS_FILE_TMPDIR/page" |
		listed)" synopsis
	same "$want" "$(sed -n '/^bpftool map sync/,/^bpftool map swap-drain/p' \
		"$TEXT" | sed -e '1,/^    \*PROVIDER\* is/d' -e '/SLEEPABLE_WAY\* is/,$d' |
		sed -n 's/^    \*\*\([a-z_]*\)\*\*$/\1/p' | xargs)" description
	same "$want" "$(sed -n '/^_bpftool_map_sync_providers()/,/^}/p' "$COMP" |
		tr '\n' ' ' | sed "s/.*-W '\(.*\)' --.*/\1/" | listed)" completion
}

@test "the types of inner maps that can be drained" {
	local want
	want=$(code_types)
	[ "$(wc -w <<<"$want")" -ge 9 ]
	same "$want" "$(sed -n '/These types of inner maps/,/\. /p' "$TEXT" |
		sed 's/\. .*//' | grep -o '\*\*[a-z_]*\*\*' | words)" manual
}

@test "the title that an error points at is in the manual" {
	local title
	title=$(sed -n 's/.*see \\"\(.*\)\\" in bpftool-map(8).*/\1/p' \
		"$DIR/map_swap_args.c")
	[ -n "$title" ]
	grep -qx "$title" "$DIR/Documentation/map-sync-examples.rst"
	grep -q "^\.SS $title" "$BUILD/man/bpftool-map.8"
}

@test "the manual page is made without a word of complaint" {
	cd "$DIR/Documentation"
	run rst2man --verbose --strip-comments --exit-status=1 bpftool-map.rst \
		"$BATS_TEST_TMPDIR/page.8"
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ -s "$BATS_TEST_TMPDIR/page.8" ]
}

@test "the README names the providers of the table, in its order" {
	local want readme=$BATS_TEST_DIRNAME/../../README.md
	want=$(code_providers)
	# The kernel that has all of them
	same "$want" "$(sed -n 's/^| with our patch[^|]*|\([^|]*\)|.*/\1/p' "$readme" |
		listed)" table
	# shellcheck disable=SC2016 # the README quotes so
	same "$want" "$(sed -n 's/^- `\([a-z_]*\)`: .*/\1/p' "$readme" | xargs)" list
}

# Upstream's own check: types and options in code, help, manual, completion
synctypes() {
	python3 "$TREE/tools/testing/selftests/bpf/test_bpftool_synctypes.py"
}

@test "upstream's check of types and options passes on the patched tree" {
	synctypes
}

@test "upstream's check sees a type that is missing in the manual" {
	cp -r "$DIR/Documentation" "$BATS_TEST_TMPDIR/doc"
	sed -i 's/| \*\*lpm_trie\*\*//' "$BATS_TEST_TMPDIR/doc/bpftool-map.rst"
	BPFTOOL_DOC_DIR=$BATS_TEST_TMPDIR/doc run synctypes
	[ "$status" -ne 0 ]
	[[ $output == *lpm_trie* ]]
}
