#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Writes the series as quilt folders with DEP-3 headers, one for each kind of source
# package that distributions have: docs/distributions.md says what to do with them.
#
# usage: export.sh PRISTINE DIR
#
# PRISTINE as for series.sh. What comes out:
#
#   DIR/kernel	for the kernel's source package: all of the series
#   DIR/libbpf	for libbpf's, whose files lie in src/ and include/: the wrapper,
#		and the command in the header
#   DIR/bpftool	for the releases of bpftool's mirror, with libbpf in them: all that
#		is not the kernel's
#
# A folder by that name that holds anything else is left as it is, and an error.
set -euo pipefail

if [ $# -ne 2 ]; then
	sed -n '/^# usage/,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 1
fi
here=$(cd "$(dirname "$0")" && pwd)
dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folders=(kernel libbpf bpftool)
libbpf=(tools/lib/bpf tools/include/uapi/linux/bpf.h)
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

# Before anything is done: by these names people have sources, too
"$here/written.sh" check "$dir" "${folders[@]}"
"$here/series.sh" -g "$work/git" "$1" "$work/mails"

# dep3 COMMIT [REMARK]: the header of a patch
dep3() {
	git -C "$work/git" log -1 --format='Subject: %s%nFrom: %an <%ae>' "$1"
	echo 'Origin: other'
	echo 'Forwarded: no'
	git -C "$work/git" log -1 --date=short --format='Last-Update: %ad%n%n%b' "$1"
	[ -z "${2:-}" ] || printf '%s\n\n' "$2"
	echo '---'
}

# add FOLDER NAME: a patch from stdin, unless it would be empty
add() {
	local file=$work/out/$1/$2

	mkdir -p "$work/out/$1"
	cat >"$file"
	if ! grep -q '^diff --git' "$file"; then
		rm "$file"
		return
	fi
	echo "$2" >>"$work/out/$1/series"
}

# change COMMIT PATH...
change() {
	git -C "$work/git" diff --no-renames "$1^" "$1" -- "${@:2}"
}

# section FILE: of a patch from stdin
section() {
	awk -v file="a/$1" '/^diff --git / { on = $3 == file } on && !/^index /'
}

# low_context COMMIT PATH...: hunks in upstream's files as our patches have them, with no
# more context than needed: releases of the mirrors differ in the lines around. Only a
# part of the completion's change is in a patch.
low_context() {
	local path patch file ours=()

	while read -r patch; do
		for file in $(git apply --numstat "$patch" | cut -f 3 | grep -v bash-completion); do
			for path in "${@:2}"; do
				[[ $file != "$path" && $file != "$path"/* ]] || section "$file" <"$patch"
			done
			ours+=(":(exclude)$file")
		done
	done < <(git -C "$work/git" notes show "$1" | grep -v '^$')
	change "$@" "${ours[@]}"
}

# libbpf's own repository, from which it is packaged, has other paths
libbpf_paths() {
	sed -E '/^(diff --git|---|\+\+\+) /{
		s#([ab])/tools/lib/bpf/#\1/src/#g
		s#([ab])/tools/include/#\1/include/#g
	}'
}

# So has the mirror of bpftool, with libbpf's repository in a folder
bpftool_paths() {
	sed -E '/^(diff --git|---|\+\+\+) /{
		s#([ab])/tools/bpf/bpftool/Documentation/#\1/docs/#g
		s#([ab])/tools/bpf/bpftool/bash-completion/#\1/bash-completion/#g
		s#([ab])/tools/bpf/bpftool/#\1/src/#g
		s#([ab])/tools/include/#\1/include/#g
	}'
}

below_libbpf() {
	sed -E '/^(diff --git|---|\+\+\+) /s# ([ab])/# \1/libbpf/#g'
}

mapfile -t commits < <(git -C "$work/git" rev-list --reverse base..series)
names=("$work/mails"/*/*.patch)
for i in "${!commits[@]}"; do
	# Numbered on, over all series
	name=$(basename "${names[i]}")
	name=$(printf '%04d' $((i + 1)))${name:4}
	commit=${commits[i]}
	{
		dep3 "$commit"
		change "$commit"
	} | add kernel "$name"
	{
		dep3 "$commit" 'Of this change, what concerns libbpf.'
		low_context "$commit" "${libbpf[@]}" | libbpf_paths
	} | add libbpf "$name"
	{
		dep3 "$commit" 'Of this change, what concerns bpftool and the libbpf in it.'
		low_context "$commit" tools/bpf/bpftool tools/include/uapi/linux/bpf.h |
			bpftool_paths
		low_context "$commit" "${libbpf[@]}" | libbpf_paths | below_libbpf
	} | add bpftool "$name"
done
"$here/written.sh" move "$work/out" "$dir" "${folders[@]}"
