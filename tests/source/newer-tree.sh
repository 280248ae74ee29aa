#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Makes of a base's tree one that looks newer: with the signatures that differ in
# later releases, and more of what they add to where our patches go.
#
# usage: newer-tree.sh PRISTINE DEST
#
#   bpftool 7.6	map_parse_fd() and its kin, and parse_elem(), take open_flags
#   later	map_dump() closes the fd, and free_btf_vmlinux() is gone
#   6.17	security_bpf() takes a fourth argument
#   any		more commands, and a newer version of libbpf
#
# Each change fails where it finds nothing to change.
# shellcheck disable=SC2016 # it is perl that expands them
set -euo pipefail

if [ $# -ne 2 ]; then
	sed -n '/^# usage/,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 1
fi
rm -rf "$2"
cp -a "$1" "$2"
cd "$2"

# change FILE PATTERN REPLACEMENT: every match, of perl, across lines
change() {
	FROM=$2 TO=$3 perl -0777 -pi -e '
		BEGIN { $from = $ENV{FROM}; $to = "qq\x01$ENV{TO}\x01" }
		$n = s/$from/eval $to/gmse;
		die "newer-tree.sh: nothing in $ARGV to change: $from\n" unless $n' "$1"
}

# Those who parse a map's name open it for what they are told to
parsers() {
	local files file

	change main.h '(int map_parse_fd\w*\([^;]*)\);' '$1, __u32 open_flags);'
	change common.c '^(int map_parse_fd\w*\([^;{]*)\)\n\{' '$1, __u32 open_flags)\n{'
	change common.c '(= map_parse_fds?\(argc, argv[^;]*)\);' '$1, open_flags);'
	change common.c '(^int map_parse_fds.*?)(= )bpf_map_get_fd_by_id\(id\)' \
		'$1$2bpf_map_get_fd_by_id_opts(id, &opts)'
	change common.c '(^int map_parse_fds[^{]*\{\n)' \
		'$1\tLIBBPF_OPTS(bpf_get_fd_by_id_opts, opts, .open_flags = open_flags);\n\n'
	mapfile -t files < <(grep -l 'map_parse_fd\w*(&argc, &argv' -- *.c)
	for file in "${files[@]}"; do
		change "$file" '(map_parse_fd(?:_and_info)?\(&argc, &argv[^;]*?)\);' '$1, 0);'
	done
	change map.c '(map_parse_fds\(&argc, &argv[^;]*?)\);' '$1, BPF_F_RDONLY);'
	# The one that is handed on
	change map.c '^(static int do_pin\()' \
		'static int parse_to_pin(int *argc, char ***argv)\n{\n\treturn map_parse_fd(argc, argv, BPF_F_RDONLY);\n}\n\n$1'
	change map.c 'do_pin_any\(argc, argv, map_parse_fd\)' 'do_pin_any(argc, argv, parse_to_pin)'
	change map.c '(static int parse_elem\([^;{]*)\)\n\{' '$1, __u32 open_flags)\n{'
	change map.c '(= parse_elem\([^;]*)\);' '$1, 0);'
	change map.c '(return parse_elem\([^;]*)\);' '$1, open_flags);'
}

dump() {
	change map.c '^static void free_btf_vmlinux\(void\)\n\{.*?^\}\n\n' ''
	change map.c '\tfree_btf_vmlinux\(\);' '\tbtf__free(btf_vmlinux);'
	change map.c '(^map_dump\(.*?^exit_free:\n)' '$1\tclose(fd);\n'
	change map.c '(= map_dump\([^;]*;\n)(.*?)\t\tclose\(fds\[i\]\);\n' '$1\t\tfds[i] = -1;\n$2'
}

# more_commands HEADER
more_commands() {
	local name

	for name in BPF_PROG_STREAM_READ_BY_FD BPF_PROG_ASSOC_STRUCT_OPS; do
		change "$1" '^ \* NOTES$' \
			" * $name\n *\tDescription\n *\t\tStands for a command.\n *\n *\tReturn\n *\t\tNothing.\n *\n * NOTES"
		change "$1" '^\t__MAX_BPF_CMD,$' "\t$name,\n\t__MAX_BPF_CMD,"
	done
	change "$1" '(^\t__MAX_BPF_CMD,\n)' '$1\tBPF_COMMON_ATTRS = 1 << 16,\n'
}

command() {
	change kernel/bpf/syscall.c 'security_bpf\(cmd, &attr, size\)' \
		'security_bpf(cmd, &attr, size, uattr.is_kernel)'
	change kernel/bpf/syscall.c '^(static int __sys_bpf\()' \
		'static int stream_read(union bpf_attr *attr)\n{\n\treturn -EINVAL;\n}\n\n$1'
	change kernel/bpf/syscall.c '(^static int __sys_bpf\(.*?)(^\tdefault:\n)' \
		'$1\tcase BPF_PROG_STREAM_READ_BY_FD:\n\t\terr = stream_read(&attr);\n\t\tbreak;\n$2'
	# A flag in the command's number, taken off on the way to the command
	change kernel/bpf/syscall.c '(^static int __sys_bpf\(.*?)(^\tswitch \(cmd\) \{\n)' \
		'$1\tcmd &= ~BPF_COMMON_ATTRS;\n\n$2'
}

(cd tools/bpf/bpftool && parsers && dump)
more_commands include/uapi/linux/bpf.h
more_commands tools/include/uapi/linux/bpf.h
command
change tools/lib/bpf/libbpf_version.h '(LIBBPF_MINOR_VERSION) \d+' '$1 99'
change tools/lib/bpf/libbpf.map '(^LIBBPF_[\d.]+)( \{(?:(?!^LIBBPF).)*)\z' \
	'$1$2\nLIBBPF_1.99.0 {\n} $1;\n'
