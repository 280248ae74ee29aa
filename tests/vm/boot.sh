#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Boots a kernel in qemu on this machine's own root and runs a command in it.
#
# usage: boot.sh [OPTION]... -- COMMAND
#
#   -k KERNEL   the image to boot
#   -m DIR      folder holding lib/modules of that kernel, if it has modules
#   -s CPUS     how many CPUs (2)
#   -a ARGS     more for the kernel's command line
#   -f CPU      take this CPU offline before the command is run
#   -t SECONDS  time limit for everything (600)
#   -l FILE     keep the console's output here
#   -e NAME     hand this environment variable on; may be repeated
#
# COMMAND is run by bash in the current folder, as root, with IN_GUEST set. The guest sees the
# machine's files; what it writes is lost with it. Its output comes out here, and
# so does its exit status, unless the guest itself misbehaved: 124 when it did
# not end in time, 125 when it died or its kernel complained on the console.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
kernel='' modules='' cpus=2 append='' offline='' limit=600 console='' names=()

usage() {
	sed -n '/^# usage/,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 1
}

while getopts k:m:s:a:f:t:l:e: opt; do
	case $opt in
	k) kernel=$OPTARG ;;
	m) modules=$(realpath "$OPTARG") ;;
	s) cpus=$OPTARG ;;
	a) append=$OPTARG ;;
	f) offline=$OPTARG ;;
	t) limit=$OPTARG ;;
	l) console=$OPTARG ;;
	e) names+=("$OPTARG") ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
if [ -z "$kernel" ] || [ $# -eq 0 ]; then
	usage
fi

work=$(mktemp -d)
daemon=
# shellcheck disable=SC2317 # called by the trap
cleanup() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
: "${console:=$work/console}"

# What the guest runs, as a script: nothing has to survive the kernel's command
# line that way.
write_job() {
	local name

	for name in PATH "${names[@]}"; do
		[ -z "${!name+set}" ] || printf 'export %s=%q\n' "$name" "${!name}"
	done
	printf 'export IN_GUEST=y\n'
	printf 'GUEST_MODULES=%q\nGUEST_OFFLINE=%q\n' "$modules" "$offline"
	printf 'GUEST_DIR=%q\nGUEST_COMMAND=%q\n' "$PWD" "$*"
}

# A small initramfs: busybox, the modules that it takes to see the root, and the
# script that goes there.
write_initramfs() {
	local root=$work/initramfs module

	mkdir -p "$root"/{bin,dev,proc,sys,ro,rw,newroot,modules}
	cp "$(command -v busybox)" "$root/bin/busybox"
	cp "$here/guest-stage1.sh" "$root/init"
	write_job "$@" >"$root/job"
	: >"$root/modules/order"
	if [ -n "$modules" ]; then
		# In the order in which they depend on each other
		for module in virtio_pci virtiofs overlay; do
			modprobe -d "$modules" -S "$(basename "$modules"/lib/modules/*)" \
				--show-depends "$module"
		done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$work/modules"
		while read -r module; do
			# Newer kernels' are packed, which busybox does not know
			case $module in
			*.xz) xz -dc "$module" >"$root/modules/$(basename "$module" .xz)" ;;
			*) cp "$module" "$root/modules/" ;;
			esac
			basename "$module" .xz >>"$root/modules/order"
		done <"$work/modules"
	fi
	printf '%s\n' "$here/guest-stage2.sh" >"$root/stage2"
	(cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/initramfs.gz"
}

# The root is handed over by virtio-fs: every kernel of the matrix has it, as a
# module at least, which cannot be said of 9p.
start_virtiofsd() {
	local program candidate

	for candidate in /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd; do
		[ ! -x "$candidate" ] || program=$candidate
	done
	if [ -z "${program:-}" ]; then
		echo "Error: there is no virtiofsd" >&2
		exit 1
	fi
	"$program" --socket-path="$work/fs.sock" -o source=/ -o sandbox=chroot \
		-o cache=always -o log_level=err >"$work/virtiofsd.log" 2>&1 &
	daemon=$!
	for _ in {1..100}; do
		[ ! -S "$work/fs.sock" ] || return 0
		sleep 0.05
	done
	cat "$work/virtiofsd.log" >&2
	echo "Error: virtiofsd does not start" >&2
	exit 1
}

# What costs an emulated CPU much and changes nothing for the tests: page tables
# of the kernel's own at every system call, detours around every jump, unpacking
# to a random place, a check of the clock against slower ones. The tests keep the last
# CPU busy inside a program: a file that is read then must not wait for it.
cheap='mitigations=off nokaslr tsc=reliable no_timer_check irqaffinity=0'

run_qemu() {
	# The BIOS's table of CPUs, for kernels without ACPI, has one a socket
	timeout -k 5 "$limit" qemu-system-x86_64 -accel tcg -cpu Nehalem,+rdrand \
		-smp "$cpus,sockets=$cpus" \
		-m 1536 -object memory-backend-memfd,id=mem,size=1536M,share=on \
		-numa node,memdev=mem -nodefaults -display none -no-reboot \
		-chardev socket,id=fs,path="$work/fs.sock" \
		-device vhost-user-fs-pci,chardev=fs,tag=root \
		-kernel "$kernel" -initrd "$work/initramfs.gz" \
		-append "console=ttyS0 panic=-1 oops=panic lsm=bpf $cheap $append" \
		-serial "file:$console" \
		-chardev stdio,id=out,signal=off -serial chardev:out </dev/null
}

# Passes the command's output on as it comes, which mawk would not, and keeps
# from it what the guest adds at the end: the exit status, on a line of its own
# after a newline.
split_status() {
	local line held=

	while IFS= read -r line; do
		if [[ $line =~ ^@guest-status\ ([0-9]+)$ ]]; then
			echo "${BASH_REMATCH[1]}" >"$work/status"
			held=
			continue
		fi
		[ -z "$held" ] || echo
		held=
		if [ -z "$line" ]; then
			held=y
		else
			printf '%s\n' "$line"
		fi
	done
}

complaints='WARNING:|BUG:|Oops|Kernel panic|general protection fault|Call Trace:'
complaints+='|INFO: possible |INFO: suspicious |INFO: inconsistent |suspicious RCU usage'
complaints+='|inconsistent lock state|possible circular locking|INFO: trying to register'
complaints+='|rcu: INFO:|stalls on|blocked for more than|lockup|LOCKUP|ODEBUG:'

# The emulator sometimes trips over a kernel that changes its own code: an oops in
# an int3, before our first process and before anything else was amiss. Nothing else
# is forgiven.
trip='int3: 0000 \[#1\]'
tripped() {
	! grep -q 'init: started' "$console" &&
		grep -m 1 -aE "$complaints|$trip" "$console" | grep -q "$trip"
}

boot() {
	local try

	for try in 1 2 3; do
		start_virtiofsd
		qemu=0
		run_qemu | split_status || qemu=${PIPESTATUS[0]}
		if [ "$try" -eq 3 ] || ! tripped; then
			return
		fi
		echo "# the emulator tripped over an int3 while the guest booted, once more:" >&2
		grep -a -A 30 "$trip" "$console" | sed 's/^/# /' >&2
		kill "$daemon" 2>/dev/null || true
		wait "$daemon" 2>/dev/null || true
		rm -f "$work/fs.sock"
	done
}

write_initramfs "$@"
boot

if grep -nE "$complaints" "$console" >"$work/complaints"; then
	echo "Error: the guest's kernel complained:" >&2
	head -n 20 "$work/complaints" >&2
	line=$(head -n 1 "$work/complaints" | cut -d: -f1)
	sed -n "$line,$((line + 60))p" "$console" >&2
	exit 125
fi
if [ "$qemu" -eq 124 ] || [ "$qemu" -eq 137 ]; then
	tail -n 20 "$console" >&2
	echo "Error: the guest did not end within $limit s" >&2
	exit 124
fi
if [ ! -s "$work/status" ]; then
	tail -n 30 "$console" >&2
	echo "Error: the guest died" >&2
	exit 125
fi
exit "$(cat "$work/status")"
