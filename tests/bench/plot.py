#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Draws lines "PANEL<tab>SERIES<tab>NUMBER<tab>MICROSECONDS" as SVG, a panel
beside the other, both axes logarithmic.

usage: plot.py SUBTITLE <TABLE >SVG
"""
import math
import sys
from html import escape

WIDTH, HEIGHT, LEFT, TOP, GAP = 340, 260, 70, 50, 110
COLOURS = ["#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad"]


def read(lines):
    panels = {}
    for line in lines:
        panel, series, number, us = line.rstrip("\n").split("\t")
        panels.setdefault(panel, {}).setdefault(series, []).append(
            (float(number), float(us) / 1000))
    return panels


def decades(values):
    low, high = min(values), max(values)
    return (math.floor(math.log10(low)),
            max(math.ceil(math.log10(high)), math.floor(math.log10(low)) + 1))


def number(power):
    return f"{10 ** power:,.0f}" if power >= 0 else f"{10.0 ** power:g}"


def text(x, y, what, anchor="middle", colour="#333"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" '
            f'fill="{colour}">{escape(what)}</text>')


def axes(name, left, x_range, y_range, place):
    out = []
    bottom = TOP + HEIGHT
    for power in range(x_range[0], x_range[1] + 1):
        x = place(10.0 ** power, 10.0 ** y_range[0])[0]
        out.append(f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="#ddd"/>')
        out.append(text(x, bottom + 16, number(power)))
    for power in range(y_range[0], y_range[1] + 1):
        y = place(10.0 ** x_range[0], 10.0 ** power)[1]
        out.append(f'<path d="M{left} {y:.1f}h{WIDTH}" stroke="#ddd"/>')
        out.append(text(left - 6, y + 4, number(power), "end"))
    out.append(text(left + WIDTH / 2, bottom + 34, name))
    out.append(text(left - 6, TOP - 12, "ms", "end"))
    return out


def panel(name, series, left):
    points = [p for line in series.values() for p in line]
    x_range = decades([p[0] for p in points])
    y_range = decades([p[1] for p in points])

    def place(x, y):
        across = (math.log10(x) - x_range[0]) / (x_range[1] - x_range[0])
        up = (math.log10(y) - y_range[0]) / (y_range[1] - y_range[0])
        return left + across * WIDTH, TOP + HEIGHT * (1 - up)

    out = axes(name, left, x_range, y_range, place)
    for i, (label, line) in enumerate(sorted(series.items())):
        colour = COLOURS[i % len(COLOURS)]
        places = [place(*p) for p in sorted(line)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" '
                   'stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
                for x, y in places]
        out.append(text(left + 8, TOP + 16 + 16 * i, label, "start", colour))
    return out


def main():
    panels = read(sys.stdin)
    width = LEFT + len(panels) * (WIDTH + GAP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
           f'height="{TOP + HEIGHT + 50}" font-family="sans-serif" '
           'font-size="12">',
           "<!-- SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause -->",
           '<rect width="100%" height="100%" fill="#fff"/>',
           text(LEFT, 18, sys.argv[1], "start")]
    for i, (name, series) in enumerate(panels.items()):
        out += panel(name, series, LEFT + i * (WIDTH + GAP))
    print("\n".join(out + ["</svg>"]))


main()
