#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Convert QEMU's `info mtree -f` to layout files, and check and summarise such files.

A benchmark on a memory map that somebody invented says little about a real machine. QEMU prints the flattened
map of a running guest, so this turns that print into a text small enough to keep in the repository and simple
enough for a C program to read with one sscanf() a line. Writer, checker and summary live together because all
three have to agree on one thing: the format, which README.md beside this file defines.
"""

import argparse
import re
import sys
from collections import Counter, namedtuple

MAGIC = "# guestmem layout 1"
PAGE, BLOCK = 1 << 12, 1 << 21
TOP = (1 << 64) - 1

Range = namedtuple("Range", "first last kind object offset name")

# One line of a flat view. Owners are there when the monitor was asked for `-o`, and "KVM" stands at the end
# when KVM holds the range as a memory slot.
VIEW_LINE = re.compile(
    r"^\s+([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, (?:nv-)?(ram|ramd|rom|romd|i/o)\): "
    r"(.+?)(?: @([0-9a-f]{16}))?((?: orphan| (?:owner|parent):\{[^}]*\})*)(?: KVM)?$")
LAYOUT_LINE = re.compile(
    r"(0x[0-9a-f]{1,16}) (0x[0-9a-f]{1,16}) (ram|rom|device) ([!-~]+) (0x[0-9a-f]{1,16}) ([!-~]+)")
KIND = {"ram": "ram", "ramd": "ram", "rom": "rom", "romd": "rom", "i/o": "device"}


class LayoutError(Exception):
    """Something a user can mend: says where and what."""


def system_views(lines, source):
    """Yield the lines of each flat view of the address space "memory" whose root is "system"."""
    view = None
    for text in (line.rstrip("\r\n") for line in lines):
        if view is None:
            view = [] if text == ' AS "memory", root: system' else None
        elif not text:
            yield view
            view = None
        elif not re.match(r" (AS|Root memory region:?) ", text):
            view.append(text)
    if view is not None:
        raise LayoutError(f"{source}: the flat view ends without its empty line: output was cut off")


def settled_view(lines, source):
    """The map must stand still: a recording asks twice, and a difference means that firmware is not done."""
    views = list(system_views(lines, source))
    if not views:
        raise LayoutError(f'{source}: no flat view of address space "memory" with root "system"')
    if any(view != views[0] for view in views):
        raise LayoutError(f"{source}: the map still changes: let the machine run longer")
    return views[0]


def plain(name):
    return re.sub(r"[^A-Za-z0-9._+]+", "-", name).strip("-") or "unnamed"


def object_name(known, name, owner):
    """Many devices give their memory the same name; the owner tells them apart, a number makes it visible."""
    if (name, owner) not in known:
        twins = sum(1 for seen in known.values() if seen.split("~")[0] == plain(name))
        known[name, owner] = plain(name) + (f"~{twins + 1}" if twins else "")
    return known[name, owner]


def parse_view(view, source):
    ranges, known = [], {}
    for text in view:
        match = VIEW_LINE.match(text)
        if not match:
            raise LayoutError(f"{source}: not a line of a flat view: {text!r}")
        first, last, mtype, name, offset, owner = match.groups()
        kind = KIND[mtype]
        where = ("-", 0) if kind == "device" else (object_name(known, name, owner), int(offset or "0", 16))
        ranges.append(Range(int(first, 16), int(last, 16), kind, *where, plain(name)))
    return ranges


def convert(path, notes):
    with open(path, encoding="ascii", errors="replace") if path != "-" else sys.stdin as mtree:
        ranges = parse_view(settled_view(mtree, path), path)
    print(MAGIC)
    for note in notes:
        print(f"# {note}")
    for r in ranges:
        print(f"{r.first:#018x} {r.last:#018x} {r.kind} {r.object} {r.offset:#x} {r.name}")


def range_fault(r, before):
    """What is wrong with a range that follows another one (or None), in words; None if nothing is."""
    if r.last < r.first:
        return "last is below first"
    if before and r.first <= before.last:
        return "overlaps the range before" if r.last >= before.first else "not sorted"
    if (r.object == "-") != (r.kind == "device"):
        return "device ranges have the object -, and only they"
    if r.kind == "device" and r.offset:
        return "device ranges have the offset 0x0"
    if r.offset > TOP - (r.last - r.first):
        return "offset and length exceed 64 bits"
    return None


def read_layout(path):
    """Return (notes, ranges), or raise LayoutError at the first line that breaks the format."""
    notes, ranges = {}, []
    with open(path, encoding="ascii", errors="replace", newline="\n") as layout:
        lines = layout.read().split("\n")
    if lines[0] != MAGIC:
        raise LayoutError(f"{path}:1: the first line is not {MAGIC!r}")
    if lines.pop() != "":
        raise LayoutError(f"{path}:{len(lines) + 1}: the last line does not end in a newline")
    for number, text in enumerate(lines[1:], 2):
        if not text.isascii():
            raise LayoutError(f"{path}:{number}: not ASCII")
        if text.startswith("#"):
            key, _, value = text[1:].partition(":")
            notes.setdefault(key.strip(), value.strip())
            continue
        match = LAYOUT_LINE.fullmatch(text)
        if not match:
            raise LayoutError(f"{path}:{number}: not 'first last ram|rom|device object offset name'")
        first, last, kind, obj, offset, name = match.groups()
        found = Range(int(first, 16), int(last, 16), kind, obj, int(offset, 16), name)
        fault = range_fault(found, ranges[-1] if ranges else None)
        if fault:
            raise LayoutError(f"{path}:{number}: {fault}")
        ranges.append(found)
    if not ranges:
        raise LayoutError(f"{path}:{len(lines)}: no ranges")
    return notes, ranges


def check(paths):
    faults = 0
    for path in paths:
        try:
            print(f"{path}: ok, {len(read_layout(path)[1])} ranges")
        except (LayoutError, OSError) as fault:
            faults += 1
            print(fault, file=sys.stderr)
    return 1 if faults else 0


def pieces_per_block(ranges, size):
    """Pieces (ranges and holes) of each block of `size` with several, from the cuts strictly inside it."""
    cuts = {cut for r in ranges for cut in (r.first, r.last + 1)}
    return {block: n + 1 for block, n in Counter(cut // size for cut in cuts if cut % size).items()}


def busiest(pieces, size):
    """The most crowded block and where it is; the lowest one of several."""
    if not pieces:
        return "1"
    block = max(sorted(pieces), key=pieces.get)
    return f"{pieces[block]} at {block * size:#x}"


def ragged(ranges, size):
    return sum(1 for r in ranges if r.first % size or (r.last + 1) % size)


def rows(title, paths, cells):
    print("| " + " | ".join(title) + " |\n|" + "---|" * len(title))
    for path in paths:
        name = path.rsplit("/", 1)[-1].removesuffix(".layout")
        print("| " + " | ".join([name, *(str(cell) for cell in cells(*read_layout(path)))]) + " |")


def what_cells(notes, ranges):
    kinds = Counter(r.kind for r in ranges)
    memory = [r for r in ranges if r.kind != "device"]
    size = sum(r.last - r.first + 1 for r in ranges if r.kind == "ram")
    top = max((r.last for r in ranges if r.kind == "ram"), default=0)
    return (notes.get("machine", "?"), f"{size / 2**30:.3f}",
            len(ranges), kinds["ram"], kinds["rom"], kinds["device"],
            len({r.object for r in memory}), f"{top:#x}", f"{ranges[-1].last:#x}")


def shape_cells(_notes, ranges):
    memory = [r for r in ranges if r.kind != "device"]
    device = [r for r in ranges if r.kind == "device"]
    skewed = sum(1 for r in memory if (r.first - r.offset) % BLOCK)
    blocks, pages = pieces_per_block(ranges, BLOCK), pieces_per_block(ranges, PAGE)
    return (ragged(memory, PAGE), ragged(memory, BLOCK), skewed, ragged(device, PAGE),
            len(blocks), len(pieces_per_block(memory, BLOCK)), busiest(blocks, BLOCK),
            len(pages), busiest(pages, PAGE))


def summary(paths):
    rows(("file", "machine", "GiB of ram", "ranges", "ram", "rom", "device", "objects", "last ram byte",
          "largest address"), paths, what_cells)
    print()
    rows(("file", "ram/rom off 4 KiB", "ram/rom off 2 MiB", "ram/rom skewed", "device off 4 KiB",
          "2 MiB blocks shared", "of them cut by ram/rom", "most pieces in a block",
          "4 KiB pages shared", "most pieces in a page"),
         paths, shape_cells)


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--check", action="store_true", help="validate layout files; report file:line on error")
    args.add_argument("--summary", action="store_true", help="print Markdown tables about layout files")
    args.add_argument("--note", action="append", default=[], help="comment line for a converted file")
    args.add_argument("files", nargs="*",
                      help="layout files, or the output of one monitor (default: standard input)")
    opts = args.parse_args()
    if not opts.files and (opts.check or opts.summary):
        args.error("name the layout files")
    try:
        if opts.check:
            return check(opts.files)
        if opts.summary:
            return summary(opts.files)
        if len(opts.files) > 1:
            args.error("convert one file at a time")
        return convert(*(opts.files or ["-"]), opts.note)
    except (LayoutError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
