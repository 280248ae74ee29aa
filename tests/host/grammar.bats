#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Code, help, manual and completion speak the same language. The code is what
# the others are held against.

setup_file() {
	export DIR=$TREE/tools/bpf/bpftool
	export PAGE=$DIR/Documentation/bpftool-map.rst
	export TEXT=$DIR/Documentation/map-sync-description.rst
	export COMP=$DIR/bash-completion/bpftool
	# The usage lines that run on are put together
	"$BPFTOOL" map help 2>&1 | sed -e ':a' -e '/\\$/{N;s/\\\n *//;ba' -e '}' \
		>"$BATS_FILE_TMPDIR/help"
	sed -e ':a' -e '/\\$/{N;s/\\\n| *//;ba' -e '}' "$PAGE" \
		>"$BATS_FILE_TMPDIR/page"
}

words() {
	tr -cs 'a-z0-9_-' '\n' | sed '/^$/d' | sort -u | xargs
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

# The verb's keywords; "name" and "hex" belong to MAP and DATA
code_keywords() {
	grep -oh 'word_is([^,]*, "[a-z_]*")' "$DIR"/map_swap*.c |
		cut -d'"' -f2 | grep -vx -e name -e hex | words
}

code_providers() {
	local var

	# In the table's order
	sed -n '/^const struct map_sync_provider \* const/,/^};/s/^\t&\(.*\),/\1/p' \
		"$DIR/map_sync_providers.c" |
	while read -r var; do
		grep -h -A1 "^\(static \)*const struct map_sync_provider $var = {" \
			"$DIR"/map_sync*.c | sed -n 's/.*"\(.*\)".*/\1/p'
	done | xargs
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

@test "swap-drain: the manual explains each keyword after the key" {
	local want
	want=$(code_keywords | xargs -n1 | grep -vx key | xargs)
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
		sed -n "/^_bpftool_map_swap_drain()/,/^}/s/.*-W 'key' .*/key/p" "$COMP"
	} | words)" completion
}

@test "sync: using is all it takes, everywhere" {
	local want
	want=$(sed -n '/^static int parse_args/,/^}/s/.*is_prefix([^,]*, "\(.*\)").*/\1/p' \
		"$DIR/map_sync.c" | words)
	same "$want" "$(help_words sync)" help
	same "$want" "$(page_words sync)" synopsis
	same "$want" "$(heading_words sync)" heading
	same "$want" "$(sed -n "/^_bpftool_map_sync()/,/^}/s/.*-W '\(.*\)' --.*/\1/p" \
		"$COMP" | words)" completion
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
		"$TEXT" | sed -n 's/^    \*\*\([a-z_]*\)\*\*$/\1/p' | xargs)" description
	same "$want" "$(sed -n "/^_bpftool_map_sync_providers()/,/^}/s/.*-W '\(.*\)' --.*/\1/p" \
		"$COMP" | listed)" completion
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
