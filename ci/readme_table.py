#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""
The measured table of README.md comes from a recorded report, never from a hand.

readme_table.py REPORT     writes the table between the markers of README.md from results/.../headline.json
readme_table.py --check    fails when the table is not what its own link gives
"""
import json
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
README = os.path.join(TOP, "README.md")
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
)


def cell(value):
    return "" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def best(row, kind):
    rivals = sorted((value, name) for name, value in row.get(kind, {}).items() if value is not None)
    return f"{cell(rivals[0][0])} ({rivals[0][1].split(' (')[0]})" if rivals else ""


def table(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        report = json.load(file)
    rows = {row["name"]: row for row in report["rows"]}
    cpu = report["machine"].get("cpu", "unknown processor")
    lines = ["| ns | guestmem | floor | target | best peer | best re-implementation |", "|---|---|---|---|---|---|"]
    for words, name in ROWS:
        row = rows.get(name)
        if row is None:
            raise SystemExit(f"readme table: {path} has no row {name}")
        numbers = " | ".join(cell(row.get(key)) for key in ("ours", "floor", "target"))
        lines.append(f"| {words} | {numbers} | {best(row, 'peers')} | {best(row, 'competitors')} |")
    lines.append("")
    lines.append(f"{cpu}, revision `{report['revision'][:10]}`, medians of one run: [{path}]({path}).")
    lines.append("*Floor* is the same loop with a bounds check and an addition; peers are the published libraries;")
    lines.append("re-implementations follow the algorithms of others. `ci/bench` prints all rows, also those that miss")
    lines.append("their target.")
    return "\n".join(lines) + "\n"


def main(arguments):
    if len(arguments) != 1:
        print(__doc__)
        return 2
    with open(README, encoding="utf-8") as file:
        text = file.read()
    head, rest = text.split(BEGIN)
    old, tail = rest.split(END)
    if arguments[0] == "--check":
        link = re.search(r"\]\((results/[^)]+)\)", old)
        if link is None or old != table(link.group(1)):
            print("README.md: its table is not what the report it links to says; run ci/readme_table.py REPORT")
            return 1
        return 0
    with open(README, "w", encoding="utf-8") as file:
        file.write(head + BEGIN + table(os.path.relpath(arguments[0], TOP)) + END + tail)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
