# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The warning where the kernel does not update hash_of_maps in place

load ../lib/slot
load ../lib/load

warns() {
	grep -q '^Warning: this kernel does not update hash_of_maps in place' \
		<<<"$stderr"
}

# The verb with its options on a kernel whose BTF is hidden
drain_without_btf() {
	over /dev/null "$KERNEL_BTF" "$BPFTOOL" "${MODE[@]}" map swap-drain \
		pinned "$PINS/outer" "${SLOT[@]}" "$@"
}

@test "hash_of_maps: a warning exactly where the kernel is not known to" {
	for form in "" -j -jp; do
		make_slot hash_of_maps
		in_mode ${form:+"$form"}
		run -0 --separate-stderr drain
		[[ $output != *Warning* ]]
		[[ -z $form ]] || jq -es 'length == 1' <<<"$output"
		if updates_in_place; then
			run ! warns
		else
			warns
		fi
	done
}

@test "hash_of_maps: a warning where it can't be known, on stderr with -j too" {
	need_unshare
	make_slot hash_of_maps
	run -0 --separate-stderr drain_without_btf
	warns
	run -0 --separate-stderr drain_without_btf quiet
	warns
	make_slot hash_of_maps
	in_mode -j
	run -0 --separate-stderr drain_without_btf
	warns
	jq -es 'length == 1 and (.[0] | length == 3)' <<<"$output"
}

# Of the same length, so that the rest of the types stays as it is
@test "hash_of_maps: a warning where the types can be read and lack the name" {
	need_unshare
	skip_unless "the kernel has no types" test -s "$KERNEL_BTF"
	make_slot hash_of_maps
	sed 's/htab_map_update_elem_in_place/htab_map_update_elem_elsewhere/' \
		"$KERNEL_BTF" >"$T/btf"
	run -0 --separate-stderr over "$T/btf" "$KERNEL_BTF" \
		"$BPFTOOL" map swap-drain pinned "$PINS/outer" "${SLOT[@]}"
	warns
}

@test "array_of_maps: never a warning" {
	need_unshare
	make_slot array_of_maps
	run -0 --separate-stderr drain
	run ! warns
	run -0 --separate-stderr drain_without_btf
	run ! warns
}

@test "a slot that is deleted does not come back" {
	make_slot hash_of_maps
	bpftool map delete pinned "$PINS/outer" "${SLOT[@]}"
	run --separate-stderr drain
	[[ $status == 255 && $stderr == *"slot is empty"* && -z $(slot_id) ]]
}
