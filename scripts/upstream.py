#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The form for the mailing list of what a patch has just brought to a tree

usage: upstream.py COMPONENT TREE PRISTINE MESSAGE
       upstream.py check PRISTINE

 - the command gets the next free number, as the tree's enum has it, and not
   the one that is the same on all releases
 - libbpf's function goes to the version that is being developed, as the
   tree's libbpf_version.h has it, and not to a node of our own
 - comments and the commit's message lose what is about these two

"check" fails for a tree that is not current: the number and the version would
be those of another command and of a released libbpf.

Each change fails where it does not find what it is to change, so that a
patch that was reworded is noticed.
"""
import re
import sys

NAME = 'BPF_SYNC_MAP_ACCESS'
# The newest that are known: a tree has to have them, or later ones
LAST_COMMAND = 'BPF_PROG_ASSOC_STRUCT_OPS'
LAST_VERSION = (1, 8)
FUNCTION = 'bpf_sync_map_access'


def change(path, pattern, to, count=1):
    """Replaces what a pattern matches; that has to be there that often"""
    with open(path, encoding='utf-8') as file:
        text = file.read()
    text, found = re.subn(pattern, to, text, flags=re.M | re.S)
    if found != count:
        sys.exit(f'Error: upstream.py: {found} times in {path}: {pattern}')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def drop_paragraph(message, begin):
    change(message, rf'\n{begin}.*?\n(?=\n)', '')


def kernel(tree, pristine, message):
    for path in 'include/uapi/linux/bpf.h', 'tools/include/uapi/linux/bpf.h':
        change(f'{tree}/{path}', rf'^\t{NAME} = \d+,$', f'\t{NAME},')
    drop_paragraph(message, 'The number is fixed')


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def version(pristine):
    """The version that the next release will have"""
    text = read(f'{pristine}/tools/lib/bpf/libbpf_version.h')
    return tuple(int(re.search(rf'^#define LIBBPF_{part}_VERSION (\d+)$', text, re.M)[1])
                 for part in ('MAJOR', 'MINOR'))


def commands(path):
    enum = re.search(r'^enum bpf_cmd {\n(.*?)^}', read(path), re.M | re.S)[1]
    return re.findall(r'^\t(BPF_\w+)', enum, re.M)


def check(pristine):
    """Exits with an error if the tree is not current"""
    headers = [commands(f'{pristine}/{folder}uapi/linux/bpf.h')
               for folder in ('include/', 'tools/include/')]
    if headers[0] != headers[1]:
        sys.exit('Error: the two copies of linux/bpf.h have different commands')
    if LAST_COMMAND not in headers[0]:
        sys.exit(f'Error: this tree is not current, it does not have {LAST_COMMAND}: '
                 'use KSRC= with the tree that the series is for')
    now = version(pristine)
    nodes = re.findall(r'^LIBBPF_(\d+)\.(\d+)\.\d+ {', read(f'{pristine}/tools/lib/bpf/libbpf.map'),
                       re.M)
    newest = max((int(major), int(minor)) for major, minor in nodes)
    if now < max(newest, LAST_VERSION):
        sys.exit('Error: this tree is not current, it has libbpf %d.%d after %d.%d'
                 % (*now, *max(newest, LAST_VERSION)))


def in_development(pristine):
    return 'LIBBPF_%d.%d.0' % version(pristine)


def export(path, node):
    """Adds the function to a version, and the version where it is missing"""
    with open(path, encoding='utf-8') as file:
        text = file.read()
    if not re.search(rf'^{re.escape(node)} {{', text, re.M):
        last = re.findall(r'^(LIBBPF_[\d.]+) {', text, re.M)[-1]
        text = text.rstrip('\n') + f'\n\n{node} {{\n}} {last};\n'
    begin = re.search(rf'^{re.escape(node)} {{\n', text, re.M).end()
    end = text.index('}', begin)
    # In order by and large: it goes behind the last that comes before
    lines = [line for line in text[begin:end].splitlines() if line != '\tglobal:']
    at = max((i + 1 for i, line in enumerate(lines) if line.strip() < FUNCTION), default=0)
    lines[at:at] = [f'\t\t{FUNCTION};']
    with open(path, 'w', encoding='utf-8') as file:
        file.write('\n'.join([text[:begin] + '\tglobal:', *lines, text[end:]]))


def libbpf(tree, pristine, message):
    node = in_development(pristine)
    script = f'{tree}/tools/lib/bpf/libbpf.map'
    change(script, r'^LIBBPF_SYNC_\d+ {.*?^} LIBBPF_[\d.]+;\n\n', '')
    export(script, node)
    change(f'{tree}/tools/lib/bpf/bpf.h',
           rf'^ \* The kernel needs the command \*\*{NAME}\*\*.*?^ \* @endcode\n \*\n', '')
    drop_paragraph(message, 'Unlike the numbers')
    drop_paragraph(message, 'The symbol is exported')


if __name__ == '__main__':
    if len(sys.argv) == 3 and sys.argv[1] == 'check':
        check(sys.argv[2])
        sys.exit()
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    {'kernel': kernel, 'libbpf': libbpf}.get(sys.argv[1], lambda *_: None)(*sys.argv[2:])
