# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# swap-drain recover: what runs that failed have left behind

load ../lib/common
load ../lib/faults

@test "recover: nothing left" {
	own_world recover_nothing
}

@test "recover: form of -j, and of plain output" {
	own_world recover_form
}

@test "recover: every type comes back, with the entries that it had" {
	own_world recover_types
}

@test "recover: a map that is still in its slot is let go silently" {
	own_world recover_in_slot
}

@test "recover: a live run is neither touched nor reported" {
	own_world recover_live
}

@test "recover: a live run that is stopped before its swap" {
	own_world recover_stopped
}

@test "recover: other runs report what was left, and go on" {
	own_world recover_reported
}

@test "recover: what was left can't be a replacement" {
	own_world recover_no_replacement
}

@test "recover: finishes a clear" {
	own_world recover_clears
}

@test "recover: several maps at once, and only those" {
	own_world recover_several
}

@test "recover: a pin that can't be opened is named, and the others are printed" {
	own_world recover_unopened
}

@test "recover: the same with a map that is only to be cleared" {
	own_world recover_unopened_printed
}

@test "recover: a pin that can't be removed is named, and the others go" {
	own_world recover_unreleased
}
