# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Where the pins are: nobody else can have planted that folder, and it does not
# end with a private mount namespace

load ../lib/common
load ../lib/faults

@test "journal: a folder that another user planted is refused" {
	own_world journal_of_nobody
}

@test "journal: a symlink in its place is refused" {
	own_world journal_symlink
}

@test "journal: one that others can write to is refused" {
	own_world journal_writable
}

@test "journal: something that is no folder is refused" {
	own_world journal_no_folder
}

@test "journal: a folder outside a bpffs is refused" {
	own_world journal_elsewhere
}

@test "journal: a private bpffs is refused, unless it is named" {
	own_world journal_private
}

@test "journal: no bpffs of its own stays mounted in a private namespace" {
	own_world journal_not_mounted
}

@test "journal: inside ip netns exec" {
	skip_unless "no network namespaces here" unshare --net ip -V
	own_world journal_netns
}

@test "journal: journal DIR names another" {
	own_world journal_dir
}
