# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What swap-drain asks the kernel of programs. Sourced after common.bash and
# slot.bash.

# iterator_loads [ARG...]: swap-drains, and prints how often it loaded an
# iterator
iterator_loads() {
	local trace=$BATS_TEST_TMPDIR/trace

	strace -v -o "$trace" -e trace=bpf "$BPFTOOL" map swap-drain \
		pinned "$PINS/outer" key 0 0 0 0 journal "$PINS/journal" "$@" \
		>/dev/null
	# The trace shows what it should
	grep -q '^bpf(BPF_MAP_UPDATE_ELEM' "$trace" || return
	grep -c '^bpf(BPF_PROG_LOAD, .*BPF_PROG_TYPE_TRACING' "$trace" || true
}
