#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The VM lane itself: that it tells a guest that is well from one that is not.
# Needs the patched kernel in $BUILD/vm/$BASE.

bats_require_minimum_version 1.5.0
export BATS_PRINT_OUTPUT_ON_FAILURE=1

# boot STATUS OPTION...: boot.sh, which has to end with that status
boot() {
	run "-$1" "$BATS_TEST_DIRNAME/boot.sh" -k "$BUILD/vm/${BASE:-6.12}/bzImage" \
		-l "$BATS_TEST_TMPDIR/console" "${@:2}"
}

# shellcheck disable=SC2016 # it is the guest's shell that expands these
@test "lane: output and status come back, environment goes there, files stay there" {
	local file=$BATS_TEST_TMPDIR/written

	export HELLO="it's \"quoted\" \$HOME"
	boot 42 -s 1 -e HELLO -- 'echo "$HELLO"; nproc; echo to-stderr >&2;' \
		"mkdir -p '$BATS_TEST_TMPDIR' && echo kept >'$file' && cat '$file';" \
		'echo 1 >/usr/lane-test; exit 42'
	[ "${lines[0]}" = "$HELLO" ]
	[ "${lines[1]}" = 1 ]
	[ "${lines[2]}" = to-stderr ]
	[ "${lines[3]}" = kept ]
	[ ! -e "$file" ]
	[ ! -e /usr/lane-test ]
}

@test "lane: a guest that hangs is ended and fails" {
	boot 124 -t 20 -- 'sleep 1000'
}

@test "lane: a guest that panics fails" {
	boot 125 -- 'echo c >/proc/sysrq-trigger; sleep 20'
	[[ $output == *"Kernel panic"* || $output == *"sysrq triggered crash"* ]]
}

# shellcheck disable=SC2016 # as above
@test "lane: a command that succeeds fails if the kernel complained" {
	local words

	# The kernel's own words, of its several checks
	words=$BATS_TEST_TMPDIR/words
	cat >"$words" <<-'WORDS'
		WARNING: suspicious RCU usage
		WARNING: possible circular locking dependency detected
		WARNING: inconsistent lock state
		BUG: sleeping function called from invalid context at mm/slab.c:1
		rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 0-... }
		INFO: task bpftool:123 blocked for more than 60 seconds.
		watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [bpftool:123]
		BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 31s!
		ODEBUG: free active (active state 0) object type: rcu_head
		Oops: general protection fault, probably for non-canonical address
	WORDS
	export WORDS
	WORDS=$(cat "$words")
	boot 125 -e WORDS -- 'while read -r w; do echo "<4>$w" >/dev/kmsg; done <<<"$WORDS"'
	# Each is on the list of complaints, whose lines begin with a number
	while read -r words; do
		grep -F "$words" <<<"$output" | grep -q '^[0-9]*:\['
	done <<<"$WORDS"
}

# Stands for qemu: TRIES says what the console holds, time by time
qemu_that_prints() {
	mkdir "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/qemu-system-x86_64" <<-'QEMU'
		#!/bin/bash
		for arg; do
			[[ $arg != file:* ]] || console=${arg#file:}
		done
		echo try >>"$TRIES/count"
		cat "$TRIES/$(wc -l <"$TRIES/count")" >"$console"
	QEMU
	chmod +x "$BATS_TEST_TMPDIR/bin/qemu-system-x86_64"
	export TRIES=$BATS_TEST_TMPDIR
	export PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "lane: a guest that the emulator made trip is booted again, twice" {
	local try

	qemu_that_prints
	for try in 1 2 3; do
		printf '[ 1.0] %s\n' 'Linux version' \
			'Oops: int3: 0000 [#1] PREEMPT SMP' 'Call Trace:' >"$TRIES/$try"
	done
	boot 125 -- true
	[ "$(wc -l <"$TRIES/count")" -eq 3 ]
	[ "$(grep -c '^.*once more:' <<<"$output")" -eq 2 ]
}

@test "lane: whatever else keeps a guest from booting is not forgiven" {
	local words

	qemu_that_prints
	for words in 'Kernel panic - not syncing: No working init found.' \
		'WARNING: possible circular locking dependency detected' \
		'rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:'; do
		rm -f "$TRIES/count"
		printf '[ 1.0] %s\n' "$words" 'Oops: int3: 0000 [#1] PREEMPT SMP' \
			>"$TRIES/1"
		boot 125 -- true
		[ "$(wc -l <"$TRIES/count")" -eq 1 ]
		[[ $output == *"$words"* ]]
	done
}

@test "lane: a guest that has nothing to start fails, and is not booted again" {
	boot 125 -a rdinit=/none -- true
	[[ $output == *"Kernel panic"* && $output != *"once more"* ]]
}

# Building takes minutes: that it would begin is enough
@test "lane: the kernel is built again when what it is made of has changed, only then" {
	local dest=$BATS_TEST_TMPDIR/kernel
	local again=("$BATS_TEST_DIRNAME/build-kernel.sh" "${BASE:-6.12}"
		"${SOURCE:-/usr/src/linux-source-${BASE:-6.12}.tar.xz}" "$dest")

	mkdir "$dest" "$BATS_TEST_TMPDIR/bin"
	cp "$BUILD/vm/${BASE:-6.12}/stamp" "$dest/"
	echo 'there is one' >"$dest/bzImage"
	"${again[@]}" >"$BATS_TEST_TMPDIR/said"
	[ ! -s "$BATS_TEST_TMPDIR/said" ]
	[ -s "$dest/bzImage" ]

	printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/tar"
	chmod +x "$BATS_TEST_TMPDIR/bin/tar"
	echo CONFIG_ONE_MORE=y >"$BATS_TEST_TMPDIR/fragment"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run "${again[@]}" "$BATS_TEST_TMPDIR/fragment"
	[ "$status" -ne 0 ]
	[[ $output == *unpacking*"can't unpack"* ]]
	[ ! -e "$dest/bzImage" ]
}

@test "lane: the checks of locks are at work in the guest" {
	boot 0 -- 'grep -q "^ *debug_locks: *1$" /proc/lockdep_stats && echo looks on'
	[ "$output" = "looks on" ]
}
