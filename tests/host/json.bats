# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What is printed is JSON whatever is in a map, with all that is in it; and what can't
# be printed is an error

load ../lib/slot

setup() {
	setup_slot
	MAP=$PINS/types
}

make_types() {
	rm -f "$MAP"
	python3 "$BATS_TEST_DIRNAME/../progs/map_types.py" "$MAP" "$@"
}

# strict FILE: one JSON document in UTF-8, no name twice in an object, and jq agrees
strict() {
	python3 - "$1" <<-'EOF' && jq -e . "$1" >/dev/null
	import json, sys

	def no_twins(pairs):
	    names = [name for name, value in pairs]
	    if len(names) != len(set(names)):
	        sys.exit("the same name twice: %r" % names)
	    return dict(pairs)

	def no_constant(name):
	    sys.exit("no JSON: %s" % name)

	text = open(sys.argv[1], "rb").read()
	try:
	    json.loads(text.decode("utf-8"), object_pairs_hook=no_twins,
	               parse_constant=no_constant)
	except ValueError as e:
	    sys.exit("%s in %r" % (e, text[:400]))
	EOF
}

# dumped OPTION_OR_EMPTY: the map, in each form that is JSON
dumped() {
	bpftool ${1:+"$1"} map dump pinned "$MAP" >"$T/out" &&
		strict "$T/out"
}

# values_are KIND FILTER FORM...: the values of a map of such ones, in each form
values_are() {
	local form

	make_types "$1"
	for form in "${@:3}"; do
		dumped "$form"
		jq -c 'map((.formatted // .).value)' "$T/out" >"$T/values"
		jq -e "$2" "$T/values" || {
			cat "$T/values"
			return 1
		}
	done
}

@test "float and double are numbers" {
	values_are double 'sort == [-0.1, 0.30000000000000004, 2.5]' "" -j -jp
	values_are float 'any(. == 2.5)' -j
}

@test "NaN and infinity, which JSON does not have" {
	values_are nan 'sort == ["-inf", "inf", "nan"]' "" -j
}

@test "a type that can't be printed: its bytes, in every form" {
	for kind in float16 float128 small-enum64; do
		make_types $kind
		for form in -j -jp; do
			dumped $form
			jq -e 'length == 3 and all(.[]; has("formatted") | not) and
				any(.[]; .value[0] == "0x02")' "$T/out"
		done
		bpftool map dump pinned "$MAP" >"$T/out"
		grep -q 'value: 02 02' "$T/out"
		grep -qx 'Found 3 elements' "$T/out"
	done
}

@test "bitfields and 128 bits" {
	values_are bits 'length == 3 and all(.[]; {packets: 9, syn: "0x1", state: "0x5",
		wide: "0x10000000000000005"} as $want | . == $want and
		keys_unsorted == ($want | keys_unsorted))' "" -j -jp
}

@test "anonymous members: none is lost, and one alone is as ever" {
	values_are anonymous 'any(. == {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6})' "" -j
	make_types one-anonymous
	for form in "" -j; do
		dumped $form
		cmp "$T/out" <(plain_bpftool ${form:+"$form"} map dump pinned "$MAP")
	done
}

@test "enums with and without a sign" {
	values_are enum 'map(tostring) | sort == ["2147483648", "BIG", "ONE"]' ""
	values_are enum-signed 'map(tostring) | sort == ["-2", "LOW", "ONE"]' ""
	make_types enum64
	dumped
	grep -q '"value": "BIG"' "$T/out"
	grep -q '"value": 9223372036854775808' "$T/out"
}

@test "chars: without an end, quotes, and what is no character" {
	values_are chars 'any(. == ["a", "b", "\"", "\\"]) and any(. == "ok") and
		any(. == ["\u007f", "\u0001", "\u00ff", "\u0080"])' -j
	values_are chars 'any(. == ["0x7f", "0x1", "0xff", "0x80"])' ""
}

@test "random types, from a slot too" {
	for seed in {1..20}; do
		make_types random "$seed"
		rm -f "$PINS/outer"
		bpftool map create "$PINS/outer" type array_of_maps key 4 value 4 \
			entries 1 name outer inner_map pinned "$MAP"
		for form in "" -j; do
			echo "seed $seed, form '$form'"
			dumped $form
			fill_slot "$MAP"
			in_mode ${form:+"$form"}
			drain journal "$PINS/journal" >"$T/got"
			cmp "$T/out" "$T/got"
		done
	done
}

@test "an error is JSON, and nothing goes raw to a terminal" {
	names=('a"b' 'a\b' $'a\tb\nc' $'a\e[31mb' $'\377\376' 'ä' $'\302\233x')
	for verb in dump drain; do
		for name in "${names[@]}"; do
			"$BPFTOOL" -j map $verb pinned "$PINS/$name" >"$T/out" || true
			strict "$T/out"
			"$BPFTOOL" map $verb pinned "$PINS/$name" 2>"$T/err" || true
			(($(wc -l <"$T/err") == 1))
			run ! env LC_ALL=C grep -P '[\x00-\x1f\x7f]|\xc2[\x80-\x9f]' "$T/err"
			iconv -f utf-8 "$T/err" >/dev/null
		done
		run -255 "$BPFTOOL" -j map $verb pinned "$PINS/ä"
		jq -e '.error | test("ä")' <<<"$output"
	done
}

@test "a map is not printed with the types, nor shown with the BTF, of the one before" {
	make_types bits
	map_make --name types --fill 2 --key 4 --value 2 hash "$PINS/small"
	bpftool -j map dump name types >"$T/out"
	strict "$T/out"
	jq -e --argjson id "$(map_id "$PINS/small")" 'any(.[]; .id == $id and
		all(.elements[]; has("formatted") | not))' "$T/out"
	"$BPFTOOL" -j map show name types >"$T/out"
	jq -e --argjson id "$(map_id "$PINS/small")" 'length == 2 and
		any(.[]; .id == $id and (has("btf_id") | not))' "$T/out"
}

@test "types of the same numbers: each map is printed with its own" {
	make_types enum
	mv "$MAP" "$PINS/one"
	make_types float
	bpftool map create "$PINS/outer" type array_of_maps key 4 value 4 \
		entries 2 name "$OUTER_NAME" inner_map pinned "$MAP"
	bpftool map update pinned "$PINS/outer" key 0 0 0 0 value pinned "$PINS/one"
	bpftool map update pinned "$PINS/outer" key 1 0 0 0 value pinned "$MAP"
	bpftool -j map swap-drain pinned "$PINS/outer" all journal "$PINS/journal" |
		jq -e 'map([.elements[].formatted.value | tostring]) |
			(.[0] | any(. == "BIG")) and (.[1] | any(. == "2.5"))'
}

# not_written WORD...: fails for want of space, and says so
not_written() {
	run -255 --separate-stderr full "$BPFTOOL" "$@"
	[[ $stderr == *"can't write to stdout: No space left on device"* ]]
}

@test "what could not be written is an error" {
	map_make --name "$INNER_NAME" --fill 3 hash "$MAP"
	for form in -n -j -jp; do
		not_written $form map dump pinned "$MAP"
		not_written $form map show pinned "$MAP"
	done
	not_written -j map sync
	# An error of what did not begin has its place in the document
	not_written -j map dump pinned "$PINS/nosuch"
	not_written -j map sync nosuch
	echo "map dump pinned $MAP" >"$T/file"
	not_written batch file "$T/file"
}

@test "an error that comes with close() is one, too" {
	map_make --name "$INNER_NAME" --fill 3 hash "$MAP"
	# shellcheck disable=SC2094 # strace only knows it by that name
	close_fails() {
		strace -qq -o /dev/null -P "$T/out" -e trace=close \
			-e inject=close:error=EIO:when=1 \
			"$BPFTOOL" map dump pinned "$MAP" >"$T/out"
	}
	run -255 --separate-stderr close_fails
	[[ $stderr == *"can't write to stdout: Input/output error"* ]]
}

@test "a map without keys can't be dumped, and the error says so" {
	for type in ringbuf queue stack bloom_filter; do
		rm -f "$MAP"
		map_make --name "$INNER_NAME" $type "$MAP"
		run -255 --separate-stderr bpftool map dump pinned "$MAP"
		[[ $stderr == *"a $type has no keys"* ]]
		run -255 bpftool -j map dump pinned "$MAP"
		jq -e '.[0].error | test("has no keys")' <<<"$output"
	done
}

# Who sends the commands through a pipe may wait for what each prints
@test "batch: each command's output comes before the next is read" {
	map_make --name "$INNER_NAME" --fill 3 hash "$MAP"
	coproc TOOL { exec "$BPFTOOL" batch file -; }
	echo "map dump pinned $MAP" >&"${TOOL[1]}"
	for _ in {1..4}; do
		read -r -t 10 line <&"${TOOL[0]}"
	done
	[[ $line == "Found 3 elements" ]]
}
