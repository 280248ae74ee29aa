#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pins a hash of three entries whose value has a type of its own, in BTF that is
made here: what a compiler would not make on this machine, too.

usage: map_types.py PIN KIND	one of those below
       map_types.py PIN random SEED
"""
import ctypes
import os
import platform
import random
import struct
import sys

NR = {"x86_64": 321, "aarch64": 280}[platform.machine()]
MAP_CREATE, MAP_UPDATE, OBJ_PIN, BTF_LOAD = 0, 2, 6, 18
libc = ctypes.CDLL(None, use_errno=True)


def bpf(cmd, attr):
    attr = ctypes.create_string_buffer(bytes(attr), 128)
    ret = libc.syscall(NR, cmd, attr, 128)
    if ret < 0:
        err = ctypes.get_errno()
        sys.exit("bpf(%d): %s" % (cmd, os.strerror(err)))
    return ret


class Btf:
    def __init__(self):
        self.strings, self.types, self.nr = b"\0", b"", 0

    def name(self, name):
        if not name:
            return 0
        at = len(self.strings)
        self.strings += name.encode() + b"\0"
        return at

    def add(self, name, kind, vlen, size, tail=b"", flag=0):
        self.types += struct.pack("<III", self.name(name),
                                  flag << 31 | kind << 24 | vlen, size) + tail
        self.nr += 1
        return self.nr

    def int(self, name, size, encoding=0, bits=0):
        return self.add(name, 1, 0, size, struct.pack(
            "<I", encoding << 24 | (bits or size * 8)))

    def array(self, elem, nr, index):
        return self.add("", 3, 0, 0, struct.pack("<III", elem, index, nr))

    # members: name, type, offset in bits, bits of a bitfield
    def struct(self, name, size, members, kind=4):
        tail = b"".join(struct.pack("<III", self.name(m[0]), m[1],
                                    m[3] << 24 | m[2]) for m in members)
        return self.add(name, kind, len(members), size, tail, 1)

    def enum(self, name, size, values, signed):
        return self.add(name, 6, len(values), size, b"".join(
            struct.pack("<Ii", self.name(n), v) for n, v in values), signed)

    def enum64(self, name, size, values, signed):
        return self.add(name, 19, len(values), size, b"".join(
            struct.pack("<III", self.name(n), v & 0xffffffff,
                        v >> 32 & 0xffffffff) for n, v in values), signed)

    def load(self):
        data = struct.pack("<HBBIIIII", 0xeb9f, 1, 0, 24, 0, len(self.types),
                           len(self.types), len(self.strings))
        data = ctypes.create_string_buffer(data + self.types + self.strings)
        attr = struct.pack("<QQIII", ctypes.addressof(data), 0,
                           len(data) - 1, 0, 0)
        return bpf(BTF_LOAD, attr)


class Maker:
    """Makes types; each method returns id and size"""

    def __init__(self, rnd):
        self.btf, self.rnd, self.names = Btf(), rnd, 0
        self.u32 = self.btf.int("unsigned int", 4)

    def fresh(self):
        self.names += 1
        return "n%d" % self.names

    def number(self):
        size = self.rnd.choice([1, 2, 4, 8, 16])
        return self.btf.int(self.fresh(), size,
                            self.rnd.choice([0, 1]) if size < 16 else 0), size

    def char(self):
        return self.btf.int("char", 1, 2), 1

    def bool(self):
        return self.btf.int("_Bool", 1, 4), 1

    def text(self):
        # BTF of clang: the name makes it a char, and its encoding is 1
        elem = self.btf.int("char", 1, self.rnd.choice([1, 2]))
        nr = self.rnd.randrange(1, 9)
        return self.btf.array(elem, nr, self.u32), nr

    def float(self, size=None):
        size = size or self.rnd.choice([4, 8])
        return self.btf.add(self.fresh(), 16, 0, size), size

    def enum(self):
        size = self.rnd.choice([1, 2, 4])
        signed = self.rnd.choice([0, 1])
        low = -(1 << 8 * size - 1) if signed else 0
        values = {self.rnd.randrange(low, low + (1 << 8 * size) - 1)
                  for i in range(4)} | {0}
        return self.btf.enum(self.fresh(), size, [
            (self.fresh(), v - (1 << 32) if v >= 1 << 31 else v)
            for v in sorted(values)], signed), size

    def enum64(self):
        return self.btf.enum64(self.fresh(), 8, [
            (self.fresh(), self.rnd.randrange(1 << 64))
            for i in range(3)], self.rnd.choice([0, 1])), 8

    def pointer(self):
        return self.btf.add("", 2, 0, self.u32), 8

    def array(self, depth):
        elem, size = self.any(depth + 1)
        nr = self.rnd.randrange(1, 4)
        return self.btf.array(elem, nr, self.u32), size * nr

    def typedef(self, depth):
        of, size = self.any(depth + 1)
        return self.btf.add(self.fresh(), 8, 0, of), size

    def composite(self, depth, kind=None):
        kind = kind or self.rnd.choice([4, 5])
        members, at, largest = [], 0, 0
        for i in range(self.rnd.randrange(1, 6)):
            offset = 0 if kind == 5 else at * 8
            if self.rnd.random() < .2:
                bits = self.rnd.randrange(1, 32)
                members.append((self.fresh(), self.u32, offset, bits))
                size = 4
            elif self.rnd.random() < .3 and depth < 3:
                of, size = self.composite(depth + 1)
                members.append(("", of, offset, 0))
            else:
                of, size = self.any(depth + 1)
                members.append((self.fresh(), of, offset, 0))
            # Aligned, as the kernel wants its numbers
            size = (size + 15) // 16 * 16
            at, largest = at + size, max(largest, size)
        size = largest if kind == 5 else at
        return self.btf.struct("", size, members, kind), size

    def any(self, depth):
        simple = [self.number, self.char, self.bool, self.text, self.float,
                  self.enum, self.enum64, self.pointer]
        if depth > 3 or self.rnd.random() < .6:
            return self.rnd.choice(simple)()
        return self.rnd.choice([self.array, self.typedef,
                                self.composite])(depth)


def make(kind, rnd):
    """Returns the types, the value's id and size, and three values"""
    m = Maker(rnd)
    b = m.btf
    if kind == "random":
        of, size = m.composite(0, 4)
        return b, of, size, [bytes(rnd.choice([0, 255, rnd.randrange(256)])
                                   for i in range(size)) for j in range(3)]
    if kind in ("float", "double", "float16", "float128"):
        size = {"float": 4, "double": 8, "float16": 2, "float128": 16}[kind]
        code = {4: "<f", 8: "<d"}.get(size)
        values = [struct.pack(code, v) if code else bytes([int(v) & 255] * size)
                  for v in (2.5, -0.1, 0.1 + 0.2)]
        return b, m.float(size)[0], size, values
    if kind == "nan":
        return b, m.float(8)[0], 8, [struct.pack("<d", float(v))
                                     for v in ("nan", "inf", "-inf")]
    if kind == "bits":
        members = [("packets", b.int("long", 8), 0, 0), ("syn", m.u32, 64, 1),
                   ("state", m.u32, 65, 6), ("wide", b.int("i", 16), 128, 0)]
        value = struct.pack("<QI4xQQ", 9, 0b1011, 5, 1)
        return b, b.struct("v", 32, members), 32, [value] * 3
    if kind == "anonymous":
        long = b.int("long", 8)
        parts = [b.struct("", 16, [(x, long, 0, 0), (y, long, 64, 0)])
                 for x, y in ("ab", "cd", "ef")]
        deep = b.struct("", 16, [("", parts[2], 0, 0)], 5)
        members = [("", parts[0], 0, 0), ("", parts[1], 128, 0),
                   ("", deep, 256, 0)]
        return b, b.struct("v", 48, members), 48, [
            struct.pack("<6Q", *range(i, i + 6)) for i in range(3)]
    if kind == "one-anonymous":
        long = b.int("long", 8)
        part = b.struct("", 8, [("a", long, 0, 0)])
        return b, b.struct("v", 8, [("", part, 0, 0)]), 8, [b"\1" * 8] * 3
    if kind == "enum":
        of = b.enum("e", 4, [("BIG", -1), ("ONE", 1)], 0)
        return b, of, 4, [struct.pack("<I", v) for v in (2**32 - 1, 1, 2**31)]
    if kind == "enum-signed":
        of = b.enum("e", 1, [("LOW", -128), ("ONE", 1)], 1)
        return b, of, 1, [struct.pack("<b", v) for v in (-128, 1, -2)]
    if kind == "enum64":
        of = b.enum64("e", 8, [("BIG", 2**64 - 1)], 0)
        return b, of, 8, [struct.pack("<Q", v) for v in (2**64 - 1, 1, 2**63)]
    if kind == "small-enum64":  # no compiler makes one
        of = b.enum64("e", 4, [("TWO", 2)], 0)
        return b, of, 4, [b"\2\2\0\0"] * 3
    if kind == "chars":
        of = b.array(b.int("char", 1, 2), 4, m.u32)
        return b, of, 4, [b"ab\"\\", b"\x7f\x01\xff\x80", b"ok\0\xff"]
    sys.exit(__doc__)


def main():
    pin, kind = sys.argv[1:3]
    btf, of, size, values = make(kind, random.Random(sys.argv[-1]))
    fd = btf.load()
    attr = struct.pack("<7I16sIIII", 1, 4, size, 3, 0, 0, 0, b"types", 0, fd,
                       1, of)
    fd = bpf(MAP_CREATE, attr)
    for i, value in enumerate(values):
        key = ctypes.create_string_buffer(struct.pack("<I", i), 4)
        value = ctypes.create_string_buffer(value, size)
        bpf(MAP_UPDATE, struct.pack("<I4xQQQ", fd, ctypes.addressof(key),
                                    ctypes.addressof(value), 0))
    path = ctypes.create_string_buffer(pin.encode())
    bpf(OBJ_PIN, struct.pack("<QII", ctypes.addressof(path), fd, 0))


main()
