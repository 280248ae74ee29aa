# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck disable=SC2034,SC2154 # variables of run, and for other files
# The quick part of the tests that nothing is lost, for guests: their CPUs are
# emulated, and what takes minutes on a machine would take hours there.

load ../../lib/faults-calls
load ../../lib/holders

setup() {
	setup_slot
	setup_faults
	# Only at the calls that are named
	export FAULTS_QUICK=100000
	# A process that is traced, and the one that traces it, wait for each other
	# at every call: on two emulated CPUs that is several times slower
	taskset --cpu-list --pid 0 "$BASHPID" >/dev/null
}

teardown() {
	load_stop
	rm -rf "$JOURNAL"
	cleanup_leak_free
}

on_all_cpus() {
	taskset --cpu-list --pid "0-$(($(nproc --all) - 1))" "$BASHPID" >/dev/null
}

faults_at() {
	every_call "$@"
	read -r faults kills _ <"$BATS_TEST_TMPDIR/totals"
	echo "# $faults faults, $kills kills" >&3
	((faults > 0 && kills > 0))
}

@test "safety: the checker sees what is lost, and what is repeated" {
	blind_spots
}

# Which bpf(2) call is the one that is meant changes from run to run where maps
# are freed slowly: it is hit on a faster machine
@test "safety: faults, a created replacement" {
	faults_at created 4 'write\(1' unlink
}

@test "safety: killed while a program counts, the sum is exact" {
	on_all_cpus
	killed_runs created 3
}

@test "safety: a signal in the midst of it names the pin" {
	told_in_the_midst INT
}

@test "safety: a journal that another user planted" {
	journal_of_nobody
}

@test "safety: a bpffs that ends with its mount namespace" {
	journal_private
}

@test "safety: what was left comes back, of every type" {
	recover_types
}

@test "safety: a live run is left alone" {
	recover_live
}

@test "safety: the lock reaches other namespaces" {
	lock_reaches_namespaces
}

@test "safety: of two at once, one prints every entry" {
	on_all_cpus
	at_once 2
}

# Kernels before 6.8 have the slots read and updated by threads
@test "safety: all slots, printed as their maps are dumped" {
	as_dump_of_several array_of_maps --fill 3 hash
	as_dump_of_several hash_of_maps --fill 3 array
}

@test "safety: another slot holds the map" {
	make_slot
	bpftool map update pinned "$PINS/outer" key 3 0 0 0 \
		value pinned "$PINS/inner"
	refused "map $(slot_id) .*slot 03 00 00 00 of map $(map_id "$PINS/outer")"
	bpftool map delete pinned "$PINS/outer" key 3 0 0 0
	drained
}

@test "safety: a sleepable program uses the map-in-map" {
	load_prog sleep_use uprobe_sleeps
	waited_for "map $(slot_id) .*program $PROG uprobe_sleeps is sleepable"
}

@test "safety: a program that is not sleepable, as the kernel's iterator tells" {
	load_prog sleep_use uprobe_plain
	drained
}

@test "safety: a sleepable fentry program uses the map-in-map" {
	load_prog_or_skip sleep_use fentry_sleeps
	waited_for "map $(slot_id) .*program $PROG fentry_sleeps is sleepable"
}

@test "safety: a sleepable LSM program uses the map-in-map" {
	load_prog_or_skip sleep_use lsm_sleeps
	waited_for "map $(slot_id) .*program $PROG lsm_sleeps is sleepable"
}

@test "safety: a program of the map-in-map can start a bpf_wq" {
	skip_unless "the kernel has no bpf_wq" \
		grep -qw bpf_wq_init /proc/kallsyms
	load_prog callbacks wq_in_other
	waited_for "program $PROG wq_in_other can start a callback from map $(map_id "$PINS/wq_outer"),"
}
