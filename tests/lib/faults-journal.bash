# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The cases of journal.bats. See faults.bash.

# refused_all WORDS [ARGS]: swap-drain and recover, plain and -j
refused_all() {
	local words=$1

	shift
	refused "$words" drain "$@"
	refused "$words" drain_json "$@"
	refused "$words" swap_drain recover "$@"
}

# planted WORDS COMMAND: in the place of the usual journal, and of one that is
# named
planted() {
	local at

	fill array_of_maps hash 5
	for at in "$JOURNAL" "$PINS/journal"; do
		plant "$at"
		if [[ $at == "$JOURNAL" ]]; then
			refused_all "$1"
		else
			refused_all "$1" journal "$at"
		fi
		rm -r "$at"
	done
}

journal_of_nobody() {
	chmod 1777 /sys/fs/bpf "$PINS"
	plant() {
		setpriv --reuid=65534 --regid=65534 --clear-groups mkdir "$1"
	}
	planted "belongs to user 65534"
}

journal_symlink() {
	plant() {
		rm -rf "$PINS/real"
		mkdir -m 0700 "$PINS/real"
		ln -s "$PINS/real" "$1"
	}
	planted "is not a directory"
}

journal_writable() {
	plant() {
		mkdir "$1"
		chmod "$mode" "$1"
	}
	for mode in 0777 1777 0770; do
		wipe
		planted "can be written by others"
	done
}

journal_no_folder() {
	plant() {
		rm -f "$1"
		bpftool map pin pinned "$PINS/spare" "$1"
	}
	planted "is not a directory"
}

journal_elsewhere() {
	fill array_of_maps hash 5
	mkdir "$T/journal"
	refused_all "not in a bpffs" journal "$T/journal"
}

# in_private COMMAND...: in a mount namespace with a bpffs of its own, inside of
# ours, whose process 1 sees another
in_private() {
	unshare --mount bash -c '
		umount -l /sys/fs/bpf
		mount -t bpf bpf /sys/fs/bpf
		"$@"
	' private "$@"
}

journal_private() {
	local id

	fill array_of_maps hash 5
	id=$(outer_id)
	refused "journal DIR" in_private "$BPFTOOL" map swap-drain id "$id" \
		key 0 0 0 0
	refused "journal DIR" in_private "$BPFTOOL" map swap-drain recover

	# Whoever names it may have it
	in_private "$BPFTOOL" map swap-drain id "$id" key 0 0 0 0 \
		journal /sys/fs/bpf/swap_drain >"$T/out" 2>"$T/err" ||
		complain "the user's choice"
	expect released
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

journal_not_mounted() {
	local id

	fill array_of_maps hash 5
	id=$(outer_id)
	refused "journal DIR" without_bpffs "$BPFTOOL" map swap-drain id "$id" \
		key 0 0 0 0
	[[ $(<"$T/mounted") != bpf* ]] || complain "no bpffs stays there"
	refused "no bpffs" without_bpffs "$BPFTOOL" -n map swap-drain id "$id" \
		key 0 0 0 0
}

# It makes a mount namespace and mounts a new /sys, without a bpffs in it
journal_netns() {
	local id

	fill array_of_maps hash 5
	id=$(outer_id)
	mkdir -p /run/netns
	mount -t tmpfs tmpfs /run/netns
	ip netns add faults
	refused "journal DIR" ip netns exec faults "$BPFTOOL" map swap-drain \
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

journal_dir() {
	local usual=$JOURNAL

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
