# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""README.md: its measured table, and the figures in its sentences, follow the newest recording of their machine."""

import re

import quote
import row as rows
import words

BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"

# What a reader of the first page wants to know, in his words, and the row of the report that answers.
ROWS = (
    ("translate, inlined, real 64 GiB q35", "translate/single/uniform/inline/layout:q35-64g"),
    ("translate, one call each, real 64 GiB q35", "translate/single/uniform/call/layout:q35-64g"),
    ("the same, 64 unaligned regions over 1 TiB", "translate/single/uniform/call/regions:64"),
    ("the same, 4096 regions", "translate/single/uniform/call/regions:4096"),
    ("batch of 256, an address, 8 regions, AVX-512", "translate/batch/uniform/isa:avx512/regions:8"),
    ("batch of 256, an address, 512 regions, AVX-512", "translate/batch/uniform/isa:avx512/regions:512"),
    ("linear space, batch, an address", "translate/batch/linear/unchecked"),
    ("pin and unpin, shared library", "pin-unpin/threads:1/shared"),
    ("pin, translate, unpin, shared library, 8 regions", "pin-translate-unpin/regions:8/shared"),
    ("publish one region, 16 regions", "publish/one-edit/regions:16/shared"),
    ("read 8 bytes of guest memory, 8 regions", "access/u64/read/uniform/tracked/regions:8"),
    ("write 8 bytes, tracked, the page dirty already, 8 regions", "access/u64/write/uniform/tracked/regions:8"),
    ("a descriptor of a recorded virtqueue to an iovec", "virtqueue/split/call/all-queues/trace:linux-virtio-4g"),
    ("allocate and free, 50 000 ranges, 50 000 gaps too short", "allocate/checkerboard/ranges:50000"),
    ("the same, gaps long enough but not aligned", "allocate/alignment-trap/natural/ranges:50000"),
    ("mark a page dirty that is dirty already", "dirty/mark/already-dirty/guest:512m"),
    ("harvest a clean guest of 256 GiB", "dirty/harvest/clean/guest:256g"),
)


def best(row, kind):
    found = rows.best(row, kind)
    return f"{words.cell(found[0])} ({found[1]})" if found else ""


def table(recording):
    """The generated block, without its markers."""
    lines = ["| ns | guestmem | floor | target | best peer | best re-implementation |", "|---|---|---|---|---|---|"]
    for question, name in ROWS:
        row = recording.by_name.get(name)
        if row is None:
            raise SystemExit(f"report: {recording.path} has no row {name}, which the table of README.md wants")
        numbers = " | ".join(words.cell(row.get(key)) for key in ("ours", "floor", "target"))
        lines.append(f"| {question} | {numbers} | {best(row, 'peers')} | {best(row, 'competitors')} |")
    cpu = recording.about.get("cpu", "unknown processor")
    lines += ["", f"{cpu}, revision `{recording.revision}`, medians of one run: [{recording.path}]({recording.path}).",
              "*Floor* is the same loop with a bounds check and an addition; peers are the published libraries;",
              "re-implementations follow the algorithms of others. All rows, also those that miss their target, are in",
              f"[results/](results/README.md), with plots in `results/{recording.machine}/index.html`."]
    return "\n".join(lines) + "\n"


def newest(path, machines):
    """The newest recording of the machine that a path under results/ names, or None."""
    match = re.match(r"results/([^/]+)/", path)
    return machines[match.group(1)][0] if match and match.group(1) in machines else None


def successor(path, title, machines):
    """The newest recording of the machine of a path to a headline.json, where it has what the title names."""
    recording = newest(path, machines) if path.endswith("headline.json") else None
    try:
        quote.recorded(recording.by_name if recording else {}, title, "")
    except quote.Unrecorded:
        return None
    return recording


def follow(text, machines):
    """The text with its quoted figures moved to the newest recording of their machine, where that has the row."""
    def moved(match, found):
        recording = successor(found.path, found.title, machines)
        if recording is None or not found.is_figure:
            return match.group()
        try:
            return found.written(recording.path, quote.recorded(recording.by_name, found.title, found.unit))
        except quote.Unrecorded:
            return match.group()  # a wrong unit, of which --check tells

    def defined(match):
        recording = successor(match.group(2), match.group(3), machines)
        return match.group().replace(match.group(2), recording.path) if recording else match.group()

    return quote.DEFINITION.sub(defined, quote.replaced(text, moved))


def refreshed(text, machines):
    """README.md as it should be."""
    head, rest = text.split(BEGIN)
    old, tail = rest.split(END)
    link = re.search(r"\]\((results/[^)]+)\)", old)
    recording = newest(link.group(1), machines) if link else None
    recording = recording or next(iter(machines.values()))[0]
    whole = follow(head + BEGIN + END + tail, machines)  # at once: links before the table are defined after it
    return whole.replace(BEGIN + END, BEGIN + table(recording) + END)
