# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the sources look like

load ../lib/sources

MAX_FILE=500
MAX_FUNCTION=60

setup() {
	cd "$ROOT" || return 1
}

: "${TREE:?is not set}"
CHECKPATCH=$TREE/scripts/checkpatch.pl
STRICT=(--no-tree --strict --terse)

# Prints what was found and fails if that is anything
nothing_found() {
	local found
	found=$(cat)
	[ -z "$found" ] && return
	echo "$found"
	return 1
}

@test "checkpatch --strict finds nothing in the C files" {
	[ "$(sources -name '*.[ch]' | wc -l)" -gt 20 ]
	# A BPF program's globals that user space writes are volatile
	{
		sources -name '*.[ch]' -not -name '*.bpf.c' \
			-not -path './tests/fuzz/*' |
			xargs perl "$CHECKPATCH" "${STRICT[@]}" -f
		# The names and types there are libFuzzer's and the linker's
		sources -path './tests/fuzz/*.[ch]' |
			xargs perl "$CHECKPATCH" "${STRICT[@]}" --ignore \
				AVOID_EXTERNS,CAMELCASE,PREFER_KERNEL_TYPES -f
		sources -name '*.bpf.c' |
			xargs perl "$CHECKPATCH" "${STRICT[@]}" \
				--ignore VOLATILE -f
	} | sed -e '/^total:/d' -e '/^$/d' | nothing_found
}

@test "checkpatch --strict finds nothing in the patches" {
	local file
	[ "$(sources -name '*.patch' | wc -l)" -ge 3 ]
	# The commits that a message names are in a kernel's repository, which
	# is not at hand.
	# A file that git knows is taken for source: read it from stdin.
	for file in $(sources -name '*.patch'); do
		perl "$CHECKPATCH" "${STRICT[@]}" --ignore \
			UNKNOWN_COMMIT_ID - <"$file" |
			sed -e '/^total:/d' -e "s#^-:#$file:#"
	done | nothing_found
}

@test "checkpatch does find something where there is something" {
	printf 'int  f(void)\n{\n  return(0);\n}\n' >"$BATS_TEST_TMPDIR/bad.c"
	run perl "$CHECKPATCH" "${STRICT[@]}" -f "$BATS_TEST_TMPDIR/bad.c"
	[ "$status" -ne 0 ]
	[[ $output == *'SPDX'* ]]
}

# Scripts are known by their first line
scripts() {
	sources \( -name '*.sh' -o -name '*.bash' -o -name '*.bats' -o \
		-path './.ci/*' \)
	sources -perm -u+x | while read -r file; do
		head -n 1 "$file" | grep -qE '^#!.*\b(sh|bash|bats)$' &&
			echo "$file"
	done
}

@test "shellcheck finds nothing in the scripts" {
	scripts | sort -u >"$BATS_TEST_TMPDIR/scripts"
	grep -q '\.bats$' "$BATS_TEST_TMPDIR/scripts"
	grep -q '^./scripts/' "$BATS_TEST_TMPDIR/scripts"
	xargs shellcheck -x <"$BATS_TEST_TMPDIR/scripts"
}

@test "no grep -q behind a | of the tests, which finds is for" {
	sources \( -path './tests/host/*' -o -path './tests/guest/*' -o \
		-path './tests/lib/*' \) | xargs perl -0ne \
		'print "$ARGV: $1\n" while /[^|]\|(?!\|)\s*(grep -[a-zA-Z]*q.*)/g' |
		nothing_found
}

@test "shellcheck finds no error in the completion" {
	# Word splitting is what upstream's completion is made of
	shellcheck -s bash -S warning -e SC2207,SC2154,SC2034 \
		bash-completion/bpftool
}

@test "no file is over $MAX_FILE lines" {
	sources -not -path './LICENSES/*' | xargs wc -l |
		awk -v max="$MAX_FILE" '$2 != "total" && $1 > max' |
		nothing_found
}

@test "no C function is over $MAX_FUNCTION lines" {
	sources -name '*.c' | xargs awk -v max="$MAX_FUNCTION" '
		FNR == 1 { start = 0 }
		/^{/ { start = FNR; functions++ }
		/^}/ && start {
			if (FNR - start + 1 > max)
				print FILENAME ":" start ": " FNR - start + 1
			start = 0
		}
		END { if (functions < 50) print "only " functions " found" }' |
		nothing_found
}

@test "the command's reference is made into a page without a word of complaint" {
	run -0 rst2man --exit-status=1 "$ROOT/docs/bpf-sync-map-access.rst" \
		"$BATS_TEST_TMPDIR/page.2"
	[ -z "$output" ]
	grep -q '^\.SH ERRORS' "$BATS_TEST_TMPDIR/page.2"
}

@test "every file names its licence, and both texts are there" {
	sources -not -path './LICENSES/*' -not -name LICENSE \
		-not -name '*.patch' -not -name series -not -name .gitignore \
		-not -path './tests/fuzz/corpus/*' |
	while read -r file; do
		head -n 4 "$file" | grep -qE \
			'SPDX-License-Identifier: \(?GPL-2.0-only OR BSD-2-Clause\)?' ||
			echo "$file"
	done | nothing_found
	grep -q 'GPL-2.0-only OR BSD-2-Clause' LICENSE
	grep -q 'GNU GENERAL PUBLIC LICENSE' LICENSES/GPL-2.0-only.txt
	grep -q 'Redistribution and use in source' LICENSES/BSD-2-Clause.txt
}

@test "no path of one machine" {
	sources -not -path './LICENSES/*' -not -name style.bats |
		xargs grep -nHE '(^|[^A-Za-z0-9_.-])/(home|root|Users|work)/' |
		nothing_found
}

@test "no blank at the end of a line" {
	sources -not -name '*.patch' -not -path './LICENSES/*' \
		| xargs grep -nHE '[[:blank:]]+$' | nothing_found
}

@test "every patch is in its series, and every series is in order" {
	local series
	for series in $(sources -name series); do
		diff "$series" <(cd "${series%/*}" && printf '%s\n' *.patch)
	done
}

@test "every patch is a mail with a real message and a sign-off" {
	local file
	for file in $(sources -name '*.patch'); do
		grep -qE '^From: ' "$file"
		grep -qE '^Subject: \[PATCH.*\] [a-z/]+: [A-Z]' "$file"
		sed -n '/^$/,/^---$/p' "$file" | grep -q '^Signed-off-by: '
		[ "$(sed -n '/^$/,/^Signed-off-by/p' "$file" | wc -w)" -gt 15 ]
	done
}

@test "the patches apply without fuzz to the pristine source" {
	local component patch tree=$BATS_TEST_TMPDIR/tree

	cp -a "$TREE/../pristine" "$tree"
	for component in kernel libbpf bpftool; do
		for patch in $(scripts/patches.sh "$component" \
			       "$TREE/../pristine"); do
			patch -d "$tree" -p1 -F0 -s <"$patch" || {
				echo "does not apply: $patch"
				return 1
			}
		done
	done
	cmp "$tree/tools/bpf/bpftool/map.c" "$TREE/tools/bpf/bpftool/map.c"
	[ -z "$(find "$tree" -name '*.rej')" ]
	# An offset leaves such a file. Other bases have them, the first one not
	[[ $TREE != */6.12/tree ]] || [ -z "$(find "$tree" -name '*.orig')" ]
}
