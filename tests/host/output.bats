# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Output that does not go out in full: the data is pinned, the path is named,
# recover brings it back

load ../lib/common
load ../lib/faults

@test "output: /dev/full" {
	own_world to_dev_full
}

@test "output: a full tmpfs" {
	own_world to_full_tmpfs
}

@test "output: a reader that closes the pipe" {
	own_world to_closed_pipe
}

@test "output: a file over ulimit -f" {
	own_world to_limited_file
}

@test "output: a closed stdout is refused, nothing is touched" {
	own_world to_closed_stdout
}

@test "output: nobody hears the message either" {
	own_world to_nowhere
}

@test "output: recover that can't print keeps the pin" {
	own_world recover_to_dev_full
}

@test "output: what misses entries does not look complete" {
	own_world to_full_tmpfs_json
}
