#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Adds up what drains of a map of move_load printed with -j, in files that hold
such documents; prints the sums of its counters. What else is in a value has to be
what the program wrote.

usage: drain.py [--others] FILE...
"""
import json
import sys


def values(doc):
    """All values in a document, those of each CPU by themselves"""
    if isinstance(doc, list):
        for each in doc:
            yield from values(each)
    elif isinstance(doc, dict) and "formatted" in doc:
        entry = doc["formatted"]
        if "values" in entry:
            yield from (each["value"] for each in entry["values"])
        else:
            yield entry["value"]
    elif isinstance(doc, dict) and isinstance(doc.get("value"), list):
        yield words(doc["value"])
    elif isinstance(doc, dict):
        for each in doc.values():
            yield from values(each)


def words(value):
    """A value without types, as the elements of queues are printed"""
    raw = bytes(int(byte, 16) for byte in value)
    word = [int.from_bytes(raw[i:i + 4], "little") for i in range(0, len(raw), 4)]
    return {"events": word[0], "pair": word[2:4], "slots": word[9:17]}


def main(args):
    others = "--others" in args
    events = first = second = slots = 0
    for name in args:
        if name.startswith("--"):
            continue
        with open(name, encoding="utf-8") as file:
            for line in filter(str.strip, file):
                doc = json.loads(line)
                for value in values(doc):
                    events += value["events"]
                    first += value["pair"][0]
                    second += value["pair"][1]
                    slots += sum(value["slots"])
                    if others and value["events"] and (
                            value["name"], value["time"], value["flags"],
                            value["last"]) != ("counter", 42, 7, 9):
                        sys.exit(f"{name}: {value}")
    print(events, first, second // 2 if second % 2 == 0 else "odd", slots)


main(sys.argv[1:])
