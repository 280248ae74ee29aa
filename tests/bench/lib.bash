# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the benchmarks share. BENCH_QUICK=1 makes all of them small and runs each
# once: whether they work, not what they measure, is then of interest.

: "${BPFTOOL:?}" "${BUILD:?}"
# What fails within $(...) must not continue there, and end as a good figure
shopt -s inherit_errexit
export runs=7
export plain_bpftool=$BUILD/plain/bpftool
# The distribution's own, where its package is installed. What lies in the path may be
# ours, from "make install" or our package; and so may be what is in a package of that
# name, where the distribution has our patches.
export distro_bpftool=
mapfile -t candidates < <({ dpkg-query -L bpftool || rpm -ql bpftool; } 2>/dev/null |
	grep '/s\?bin/bpftool$')
for candidate in "${candidates[@]}"; do
	if [ -x "$candidate" ] &&
		[[ $("$candidate" map help 2>&1) != *swap-drain* ]]; then
		distro_bpftool=$candidate
	fi
done

[ "$(stat -f -c %t /sys/fs/bpf)" = cafe4a11 ] || mount -t bpf bpf /sys/fs/bpf
pins=/sys/fs/bpf/bench-$$
work=$(mktemp -d)
mkdir "$pins"
trap 'rm -rf "$pins" "$work" "$work.updates"' EXIT
[ -z "${BENCH_QUICK:-}" ] || runs=1

# entries N: how many that is, in the quick form a thousandth
entries() {
	if [ -n "${BENCH_QUICK:-}" ]; then
		echo $(($1 / 1000 + 1))
	else
		echo "$1"
	fi
}

# median FILE [COLUMN]: of its lines' numbers
median() {
	sort -n -k "${2:-1},${2:-1}" "$1" |
		awk -v c="${2:-1}" '{ v[NR] = $c } END { print v[int((NR + 1) / 2)] }'
}

# wall COMMAND...: microseconds; what it prints goes nowhere
wall() {
	"$BUILD/tests/wall" /bin/sh -c 'exec "$0" "$@" >/dev/null' "$@" |
		cut -d' ' -f1
}

# note WHO COMMAND...: adds a time to those of WHO
note() {
	wall "${@:2}" >>"$work/$1"
}

# has_batches NAME: whether BPF_MAP_LOOKUP_BATCH can read a pinned map
has_batches() {
	local status=0 said

	said=$("$BUILD/tests/raw_read" "$pins/$1" 2>&1) || status=$?
	case $status in
	0) return 0 ;;
	3) return 1 ;;
	esac
	echo "$said" >&2
	exit 1
}

# raw ENTRIES NAME: microseconds of the raw read of a pinned map, started as by wall;
# it has to find that many entries
raw() {
	local said us count

	said=$("$BUILD/tests/wall" /bin/sh -c 'exec "$0" "$@"' \
		"$BUILD/tests/raw_read" "$pins/$2")
	read -r us _ count <<<"$said"
	[ "$count" = "$1" ] || {
		echo "raw_read: $count entries instead of $1" >&2
		return 1
	}
	echo "$us"
}

# expect_entries NUMBER COMMAND...: fails unless it prints that many entries. Without
# BTF the k of "key" is the only one, in both forms.
expect_entries() {
	local count

	count=$("${@:2}" | tr -cd k | wc -c)
	[ "$count" -eq "$1" ] || {
		echo "${*:2}: $count entries instead of $1" >&2
		return 1
	}
}

# settle: what the step before left to the kernel, the freeing of a thousand maps
# above all, is not part of the next
settle() {
	[ -n "${BENCH_QUICK:-}" ] || sleep 0.5
}

# make_map OPTION_OF_MAP_MAKE... TYPE NAME: pinned as NAME
make_map() {
	"$BUILD/tests/map_make" --name bench "${@:1:$# - 1}" "$pins/${*: -1}"
}

# make_outer SLOTS INNER: an array_of_maps for maps like the pinned INNER
make_outer() {
	rm -f "$pins/outer"
	"$BPFTOOL" map create "$pins/outer" type array_of_maps key 4 value 4 \
		entries "$1" name bench_outer inner_map pinned "$pins/$2"
}

# Of what make_outer made
export swap_drain=(map swap-drain pinned "$pins/outer" key 0 0 0 0 journal "$pins/journal")

# make_slots NUMBER OPTION_OF_MAP_MAKE...: an array_of_maps with so many filled slots
make_slots() {
	rm -f "$pins/outer"
	"$BUILD/tests/map_make" --name bench --outer-name bench_outer \
		--outer-entries "$1" --slots "$@" hash - array_of_maps "$pins/outer"
}

# fill_slot NAME: puts a pinned map into the first slot
fill_slot() {
	"$BPFTOOL" map update pinned "$pins/outer" key 0 0 0 0 \
		value pinned "$pins/$1"
}

# ratio A B: A / B with two digits
ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f\n", a / b }'
}

ms() {
	awk -v us="$1" 'BEGIN { printf "%.1f\n", us / 1000 }'
}

# verdict VALUE at-least|at-most BAR
verdict() {
	if [ -n "${BENCH_QUICK:-}" ]; then
		echo "not looked at in the quick form"
		return
	fi
	awk -v v="$1" -v how="$2" -v bar="$3" 'BEGIN {
		met = how == "at-least" ? v + 0 >= bar + 0 : v + 0 <= bar + 0
		print met ? "met" : "NOT MET" }'
}
