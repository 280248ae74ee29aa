#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs the fuzzer of the command lines from a fixed seed.
#
#	run.sh HARNESS INPUTS DIR
#
# HARNESS is args, or args-control, which has a bug in it; DIR takes the log
# and what is found. BUILD is in the environment.
set -euo pipefail

: "${BUILD:?}"
harness=$1 inputs=$2 dir=$3
here=$(dirname "$0")

mkdir -p "$dir/corpus"
cp "$here"/corpus/* "$dir/corpus/"
export ASAN_OPTIONS=detect_leaks=1
exec "$BUILD/fuzz/$harness" -seed=1 -runs="$inputs" -max_len=512 \
	-dict="$here/args.dict" -artifact_prefix="$dir/" -print_final_stats=1 \
	"$dir/corpus" >"$dir/log" 2>&1
