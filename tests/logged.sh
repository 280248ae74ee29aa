#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs a file of tests as world.sh does, and keeps what it says for failed.sh
#
# usage: logged.sh FILE.bats, with LOGS in the environment
set -uo pipefail

"${BASH_SOURCE[0]%/*}/world.sh" "$1" | tee "$LOGS/${1//\//_}.tap"
