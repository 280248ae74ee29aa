# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Several swap-drains of one slot at once, each in a mount namespace of its own

load ../lib/common
load ../lib/faults

@test "concurrent: of two, one prints every entry" {
	own_world at_once 2
}

@test "concurrent: of eight, one prints every entry" {
	own_world at_once 8
}

@test "concurrent: two in loops while a program counts, the sum is exact" {
	own_world at_once_under_load 2 10
}

@test "concurrent: eight in loops while a program counts, the sum is exact" {
	own_world at_once_under_load 8 4
}

@test "another tool deletes the slot between two steps: array_of_maps" {
	own_world slot_deleted array_of_maps
}

@test "another tool deletes the slot between two steps: hash_of_maps" {
	own_world slot_deleted hash_of_maps
}

@test "another tool replaces the slot between two steps: array_of_maps" {
	own_world slot_replaced array_of_maps
}

@test "another tool replaces the slot between two steps: hash_of_maps" {
	own_world slot_replaced hash_of_maps
}
