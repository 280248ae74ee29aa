# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Where the pins are: no one else can have planted that folder, and it does not
# end with a private mount namespace

load ../lib/faults

@test "journal: a folder that another user planted is refused" {
	journal_of_nobody
}

@test "journal: a symlink in its place is refused" {
	symlink() {
		rm -rf "$PINS/real"
		mkdir -m 0700 "$PINS/real"
		ln -s "$PINS/real" "$1"
	}
	planted "is not a directory" symlink
}

@test "journal: one that others can write to is refused" {
	writable() {
		mkdir "$1"
		chmod "$mode" "$1"
	}
	for mode in 0777 1777 0770; do
		planted "can be written by others" writable
	done
}

@test "journal: something that is no folder is refused" {
	planted "is not a directory" bpftool map pin pinned "$PINS/spare"
}

@test "journal: a folder outside a bpffs is refused" {
	fill array_of_maps hash 5
	mkdir "$T/journal"
	refused_journal "not in a bpffs" journal "$T/journal"
}

@test "journal: a private bpffs is refused, unless it is named" {
	journal_private
}

# Nothing is mounted there, nor in any way left mounted
without_bpffs() {
	unshare --mount bash -c '
		while umount -l /sys/fs/bpf 2>/dev/null; do :; done
		"$@"
		status=$?
		stat -f -c %T /sys/fs/bpf >"$0"
		exit "$status"
	' "$T/mounted" "$@"
}

@test "journal: no bpffs of its own stays mounted in a private namespace" {
	fill array_of_maps hash 5
	id=$(outer_id)
	fails_untouched "journal DIR" without_bpffs "$BPFTOOL" map swap-drain id "$id" \
		key 0 0 0 0
	[[ $(<"$T/mounted") != bpf* ]] || complain "no bpffs stays there"
	fails_untouched "no bpffs" without_bpffs "$BPFTOOL" -n map swap-drain id "$id" \
		key 0 0 0 0
}

# It makes a mount namespace and mounts a new /sys, without a bpffs in it
@test "journal: inside ip netns exec" {
	skip_unless "no network namespaces here" unshare --net ip -V
	fill array_of_maps hash 5
	id=$(outer_id)
	mkdir -p /run/netns
	mount -t tmpfs tmpfs /run/netns
	ip netns add faults
	fails_untouched "journal DIR" ip netns exec faults "$BPFTOOL" map swap-drain \
		id "$id" key 0 0 0 0

	# A bpffs that lasts, where it can be seen from there
	mkdir -p "$T/bpffs"
	mount --bind /sys/fs/bpf "$T/bpffs"
	ip netns exec faults "$BPFTOOL" map swap-drain id "$id" key 0 0 0 0 \
		journal "$T/bpffs/swap_drain" >/dev/full 2>"$T/err" &&
		complain "/dev/full is full"
	: >"$T/out"
	expect pinned
	grep -qF "$T/bpffs/swap_drain/" "$T/err" || complain "names it"
	expect_recovered
	ip netns delete faults
}

@test "journal: journal DIR names another" {
	usual=$JOURNAL
	JOURNAL=$PINS/journal
	leave_behind array_of_maps hash 5 journal "$JOURNAL"
	[[ $PIN == "$JOURNAL"/* ]] || complain "pinned there"
	[[ $(stat -c %a "$JOURNAL") == 700 ]] || complain "mode 0700"
	[[ ! -e $usual ]] || complain "not in the usual place"
	expect_recovered journal "$JOURNAL"

	# A relative path, and one with a way back in it, name the same
	wipe
	fill array_of_maps hash 5
	cd "$PINS" || complain "$PINS"
	drain journal "../${PINS##*/}/journal" >/dev/full 2>"$T/err" &&
		complain "/dev/full is full"
	: >"$T/out"
	expect_named
	expect_recovered journal journal
}
