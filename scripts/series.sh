#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Writes the patches and our files as series of mails, on top of a pristine kernel
# tree. Each folder of patches/series is a series:
#
#   cover-letter	its cover letter
#   order		its patches, a line each: one commit
#   NAME.msg		messages of patches that bring nothing but our files
#
# usage: series.sh [-u] [-b COMMIT] [-g DIR] PRISTINE DEST
#
#   -u		the form for the mailing list: see upstream.py
#   -b COMMIT	the commit that PRISTINE is, for the cover letters
#   -g DIR	keep the git repository that the series are made in: the branch
#		"series" has them all, and each ends at a tag named after it
#
# PRISTINE is a kernel tree, or what unpack.sh takes of one. DEST may hold series
# that were written before, and nothing else. A folder for each series goes there:
#
#   0000-cover-letter.txt	not .patch: "git am" takes all of those
#   NNNN-*.patch
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
upstream='' base='' repo=''
while getopts ub:g: opt; do
	case $opt in
	u) upstream=y ;;
	b) base=$OPTARG ;;
	g) repo=$OPTARG ;;
	*) exit 1 ;;
	esac
done
shift $((OPTIND - 1))
if [ $# -ne 2 ]; then
	sed -n '/^# usage/,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 1
fi
pristine=$(cd "$1" && pwd)
orders=$root/patches/series
dest=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: "${repo:=$work/git}"

# Settings of the user's, as a template or a hook, have no say in this
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

die() {
	echo "Error: $1" >&2
	exit 1
}

# Splits a mail into $work/{msg,patch} and sets author and date from it
read_mail() {
	git mailinfo "$work/msg.body" "$work/patch" <"$1" >"$work/info"
	author() { sed -n "s/^$1: //p" "$work/info"; }
	GIT_AUTHOR_NAME=$(author Author)
	GIT_AUTHOR_EMAIL=$(author Email)
	GIT_AUTHOR_DATE=$(author Date)
	export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_AUTHOR_DATE
	export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
	export GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
	{ author Subject; echo; cat "$work/msg.body"; } >"$work/msg"
}

# Where a file of the repository goes in the kernel tree
target() {
	case $1 in
	bpftool/*) echo "tools/bpf/$1" ;;
	docs/man/*) echo "tools/bpf/bpftool/Documentation/${1##*/}" ;;
	bash-completion/*) echo "tools/bpf/bpftool/$1" ;;
	patches/selftests/*) echo "tools/testing/selftests/bpf/${1#patches/selftests/}" ;;
	esac
}

# The page of section 3 is no part of bpftool's documentation
overlay() {
	(cd "$root" && find bpftool docs/man/map-*.rst bash-completion patches/selftests -type f) |
		LC_ALL=C sort
}

# The tree that the series starts from: no more than the patches touch
start() {
	local component patch path

	for component in kernel libbpf bpftool; do
		"$here/patches.sh" "$component" "$pristine" |
			sed "s|^|$component |" >>"$work/patches"
	done
	overlay >"$work/overlay"
	git init -q -b series "$repo"
	while read -r component patch; do
		git apply --numstat "$patch" | cut -f 3
	done <"$work/patches" | sort -u >"$work/paths"
	while read -r path; do
		target "$path"
	done <"$work/overlay" >>"$work/paths"
	while read -r path; do
		[ ! -f "$pristine/$path" ] || echo "$path"
	done <"$work/paths" | sort -u >"$work/known"
	tar cf - -C "$pristine" -T "$work/known" | tar xf - -C "$repo"
	read_mail "$(sed -n '/^kernel /{s///p;q}' "$work/patches")"
	git -C "$repo" add -A
	git -C "$repo" commit -q -m base
	git -C "$repo" tag base
}

# Puts our files of some patterns in place, and takes them off the list.
# A file that is there already is upstream's: ours is its continuation.
place() {
	local pattern file

	[ $# -gt 0 ] || return 0
	while read -r file; do
		for pattern; do
			# shellcheck disable=SC2053 # it is a pattern
			[[ $file == $pattern && ${file%/*} == "${pattern%/*}" ]] || continue
			mkdir -p "$repo/$(dirname "$(target "$file")")"
			cat "$root/$file" >>"$repo/$(target "$file")"
			echo "$file"
			break
		done
	done <"$work/overlay" >"$work/placed"
	[ -s "$work/placed" ] || die "$series/order: $* is not a file of ours"
	grep -vxFf "$work/placed" "$work/overlay" >"$work/left" || true
	mv "$work/left" "$work/overlay"
}

commit() {
	git -C "$repo" add -A
	git -C "$repo" commit -q -F "$work/msg"
	# For who wants the patches as they stand
	git -C "$repo" notes add -F "$work/applied" --allow-empty
	: >"$work/applied"
}

# Applies a patch of a component, and takes it off the list
apply() {
	local component=$1 patch=$2

	read_mail "$patch"
	# Some hunks have less context than git wants, so that they fit more trees
	git -C "$repo" apply --unidiff-zero --whitespace=nowarn "$work/patch" ||
		die "${patch##*/} does not apply where $series/order has it"
	echo "$patch" >>"$work/applied"
	[ -z "$upstream" ] ||
		"$here/upstream.py" "$component" "$repo" "$pristine" "$work/msg"
	grep -vF " $patch" "$work/patches" >"$work/left" || true
	mv "$work/left" "$work/patches"
}

# The patches that COMPONENT/NNNN or COMPONENT/rest stands for
patches_of() {
	local component=${1%/*} what=${1#*/} patch

	while read -r patch; do
		case $what in
		rest) [[ " $named " == *" $component/$(basename "$patch" | cut -c 1-4) "* ]] || echo "$patch" ;;
		*) [[ ${patch##*/} != "$what"-* ]] || echo "$patch" ;;
		esac
	done < <(sed -n "s/^$component //p" "$work/patches")
}

# One line of the order
entry() {
	local what=$1 patch word more=() files=()

	shift
	for word; do
		case $word in
		+*) more+=("${word#+}") ;;
		*) files+=("$word") ;;
		esac
	done
	for word in "${more[@]}"; do
		for patch in $(patches_of "$word"); do
			apply "${word%/*}" "$patch"
		done
	done
	if [[ $what == *.msg ]]; then
		{
			grep -v '^#' "$orders/$series/$what"
			printf '\nSigned-off-by: %s <%s>\n' \
				"$GIT_AUTHOR_NAME" "$GIT_AUTHOR_EMAIL"
		} >"$work/msg"
		place "${files[@]}"
		commit
		return
	fi
	[[ $what == */rest || -n $(patches_of "$what") ]] ||
		die "$series/order: there is no patch $what"
	for patch in $(patches_of "$what"); do
		apply "${what%/*}" "$patch"
		place "${files[@]}"
		commit
	done
}

# The cover letter's text: "[FORM" and "]" enclose what only one form says
cover() {
	awk -v form="$1" '
		/^#/ { next }
		/^\[[a-z]+$/ { skip = substr($0, 2) != form; next }
		/^\]$/ { skip = 0; next }
		!skip' "$orders/$series/cover-letter"
}

# The lines of a series' order. "needs SERIES..." and "draft" are about the whole.
lines() {
	grep -vE '^(#|needs |draft$|$)' "$orders/$1/order"
}

is_draft() {
	grep -qx draft "$orders/$1/order"
}

# mail FROM: the commits since then as mails
mail() {
	local form=default prefix=PATCH mails=$work/mails/$series

	if [ -n "$upstream" ]; then
		form=upstream prefix='PATCH bpf-next'
	fi
	git -C "$repo" config branch.series.description "$(cover $form)"
	git -C "$repo" format-patch -q --zero-commit --no-signature \
		--subject-prefix="$prefix" --cover-letter \
		--cover-from-description=subject -o "$mails" "$1"
	mv "$mails/0000-cover-letter.patch" "$mails/0000-cover-letter.txt"
	[ -z "$base" ] || printf '\nbase-commit: %s\n' "$base" >>"$mails/0000-cover-letter.txt"
}

[ ! -e "$repo" ] || die "$repo is there already"
"$here/written.sh" check "$dest"
[ -z "$upstream" ] || "$here/upstream.py" check "$pristine"
names=() drafts=()
for folder in "$orders"/*/; do
	series=$(basename "$folder")
	if is_draft "$series"; then
		drafts+=("$series")
	else
		names+=("$series")
	fi
done
[ ${#drafts[@]} -eq 0 ] || echo "not made, drafts: ${drafts[*]}" >&2
named=$(for series in "${names[@]}"; do lines "$series"; done | tr -s '+\t ' '\n' | xargs)
start
: >"$work/applied"
from=base
for series in "${names[@]}"; do
	while read -r line; do
		# shellcheck disable=SC2086 # words, and patterns of files
		(set -f; entry $line)
	done < <(lines "$series")
	git -C "$repo" tag "$series"
	mail "$from"
	from=$series
done
[ ! -s "$work/overlay" ] || die "no order names a patch for $(xargs <"$work/overlay")"
[ ! -s "$work/patches" ] || die "no order has a place for $(xargs <"$work/patches")"
"$here/written.sh" move "$work/mails" "$dest"
