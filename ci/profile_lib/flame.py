# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""A flame graph: each function is a box as wide as its share of the cost, on top of the one that called it. The file
needs nothing else to be looked at; pointing at a box tells its shares."""

import colorsys
import zlib
from xml.sax.saxutils import escape

WIDTH, MARGIN, HEAD, FOOT = 1200, 12, 70, 40
ROW, FONT, CHAR = 20, 12, 7.25  # CHAR: the width of a letter of that size
LEAST_WIDTH = 1.5
HOW_TO_READ = "width: share of the cost; point at a box"

# Hue, saturation and lightness, and what it stands for.
KINDS = {
    "library": ((27, 0.93, 0.67), "guestmem"),
    "allocator": ((48, 0.80, 0.70), "its allocator"),
    "bench": ((212, 0.28, 0.83), "the benchmark's loop"),
    "kernel": ((268, 0.50, 0.80), "kernel"),
    "other": ((150, 0.38, 0.74), "C library and others"),
}

STYLE = """
  text { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 12px; fill: #1c1c1c; }
  .title { font-family: "DejaVu Sans", Verdana, Helvetica, sans-serif; font-size: 17px; font-weight: bold; }
  .note { font-family: "DejaVu Sans", Verdana, Helvetica, sans-serif; font-size: 12px; fill: #555; }
  .box rect { stroke: #fff; stroke-width: 1; }
  .box:hover rect { stroke: #111; stroke-width: 1.5; }
"""


class Node:
    def __init__(self, name, kind):
        self.name, self.kind, self.weight, self.own, self.children = name, kind, 0, 0, {}

    def depth(self, least):
        """Levels of boxes that are wide enough to be drawn."""
        return 1 + max((child.depth(least) for child in self.children.values() if child.weight >= least), default=0)


def tree(stacks, root_name):
    root = Node(root_name, "bench")
    for stack, weight in stacks.items():
        node = root
        node.weight += weight
        for frame in stack:
            node = node.children.setdefault(frame, Node(*frame))
            node.weight += weight
        node.own += weight
    return root


def colour(name, kind):
    """Boxes of a kind differ a little, so that neighbours can be told apart; a name always looks the same."""
    (hue, saturation, lightness), _ = KINDS[kind]
    shade = (zlib.crc32(name.encode()) % 17 - 8) / 8
    rgb = colorsys.hls_to_rgb((hue + 4 * shade) / 360, lightness + 0.03 * shade, saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)


def percent(share):
    return f"{100 * share:.1f} %"


def label(name, share, width):
    """As much as fits: the name and its share, the name, or the beginning of it."""
    room = int((width - 8) / CHAR)
    both = f"{name}  {percent(share)}"
    if len(both) <= room:
        return both
    if len(name) <= room:
        return name
    return name[: room - 1] + "…" if room >= 4 else ""


def box(node, x, y, width, whole):
    share, own = node.weight / whole, node.own / whole
    hint = f"{node.name}\n{percent(share)} with what it calls, {percent(own)} itself\n{KINDS[node.kind][1]}"
    fill = colour(node.name, node.kind)
    text = label(node.name, share, width)
    lines = [f'<g class="box"><title>{escape(hint)}</title>',
             f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{ROW}" rx="3" fill="{fill}"/>']
    if text:
        lines.append(f'<text x="{x + 5:.2f}" y="{y + ROW - 6}">{escape(text)}</text>')
    return "".join(lines) + "</g>"


def boxes(node, x, level, bottom, scale, whole):
    """This box and those on top of it, the widest at the left."""
    width = node.weight * scale
    if width < LEAST_WIDTH:
        return
    yield box(node, x, bottom - (level + 1) * ROW, width, whole)
    for child in sorted(node.children.values(), key=lambda child: (-child.weight, child.name)):
        yield from boxes(child, x, level + 1, bottom, scale, whole)
        x += child.weight * scale


def legend(kinds, y):
    x = MARGIN
    for kind in KINDS:
        if kind in kinds:
            yield f'<rect x="{x:.0f}" y="{y}" width="13" height="13" rx="3" fill="{colour("", kind)}"/>'
            yield f'<text class="note" x="{x + 19:.0f}" y="{y + 11}">{KINDS[kind][1]}</text>'
            x += 46 + 6.2 * len(KINDS[kind][1])
    yield f'<text class="note" x="{WIDTH - MARGIN}" y="{y + 11}" text-anchor="end">{HOW_TO_READ}</text>'


def svg(stacks, title, note, root_name):
    root = tree(stacks, root_name)
    scale = (WIDTH - 2 * MARGIN) / root.weight
    bottom = HEAD + ROW * root.depth(LEAST_WIDTH / scale)
    height = bottom + FOOT
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    kinds = {frame.kind for stack in stacks for frame in stack} | {"bench"}
    parts = ['<?xml version="1.0" encoding="UTF-8"?>',
             f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
             f"<style>{STYLE}</style>", f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
             f'<text class="title" x="{MARGIN}" y="28">{escape(title)}</text>',
             f'<text class="note" x="{MARGIN}" y="49">{escape(note)}</text>']
    parts += boxes(root, MARGIN, 0, bottom, scale, root.weight)
    parts += legend(kinds, bottom + 16)
    return "\n".join(parts) + "\n</svg>\n"
