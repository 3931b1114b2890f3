# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""results/README.md: what was recorded, where and with what result, and every row of the newest recordings."""

import environ
import page
import proof
import row as rows
import soak

INTRODUCTION = """<!-- Made by ci/report from the recordings below; edit ci/report_lib/index.py, not this file. -->
# Recorded measurements

Recordings are append-only: a folder is added, never edited. `ci/bench --record results` measures and adds one,
`ci/report` then makes this page, a page with plots for each machine, and the table of the first page; `ci/report
--check`, which is a test, fails when any of them, or a figure quoted anywhere, is not what is recorded.

- `<machine>/<date>-<revision>/headline.json`: the report, in the format that [bench/README.md](../bench/README.md)
  describes; `env.txt` beside it says on what machine and under what load it was taken; `gate-proof.json`, where it is
  there, is what `ci/gate --self-test=long` found on that machine, and `soak.json` what `ci/soak` found.
- `<machine>/index.html`: plots of the newest recording and the history of the machine; needs nothing but itself.
- `gates.json`: limits, each with its reason; edited only by commits that say why in a line `Limits:`. `codegen` has
  exact counts for the compiler that each entry names, `gate` what `ci/gate` fails on.

Absolute times move between machines, and by a few percent between runs; ratios taken within one run are what to
compare.
"""


def table(head, body):
    """Markdown; cells may be (text, class), of which only the text is used."""
    lines = [f"| {' | '.join(cell if isinstance(cell, str) else cell[0] for cell in line)} |" for line in (head, *body)]
    return [lines[0], f"|{'---|' * len(head)}", *lines[1:]]


def by_id(recording):
    body = []
    for name in recording.ids():
        counts = rows.counts([row for row in recording.rows if row["id"] == name])
        body.append([name, rows.QUESTIONS.get(name, ""), *(str(counts[kind] or "") for kind in rows.VERDICTS)])
    counts = rows.counts(recording.rows)
    body.append(["all", "", *(str(counts[kind] or "") for kind in rows.VERDICTS)])
    return table(["id", "question", *rows.VERDICTS], body)


def every_row(recording):
    head = ["row", "ours", "floor", "ratio", "best peer", "best re-implementation", "target", ""]
    for name in recording.ids():
        mine = [row for row in recording.rows if row["id"] == name]
        units = ", ".join(dict.fromkeys(row["unit"] for row in mine))
        yield f"### {name}: {rows.QUESTIONS.get(name, '')} [{units}]"
        yield ""
        yield from table(head, ([f"`{cells[0]}`", *cells[1:]] for cells in map(page.row_cells, mine)))
        yield ""


def reasons(recording):
    """What was skipped, and why, each reason once with the number of its rows."""
    found = {}
    for row in recording.rows:
        if rows.reason(row):
            found.setdefault(rows.reason(row), []).append(row["name"])
    if recording.peers_skipped:
        yield f"- peers: {recording.peers_skipped}"
    for reason, names in found.items():
        yield f"- {reason}: `{'`, `'.join(names)}`"
    if not found and not recording.peers_skipped:
        yield "- nothing"


def machine(top, name, recordings):
    """The section of one machine."""
    newest = recordings[0]
    yield from (f"## {name}", "", f"Plots: [{name}/index.html]({name}/index.html). Recordings, newest first:", "")
    for one in recordings:
        folder = one.folder.split("/", 1)[1]
        counts = rows.counts(one.rows)
        yield (f"- {one.date}, revision `{one.revision}`: {counts['met']} of {counts['met'] + counts['missed']} "
               f"targets met, {len(one.rows)} rows; [headline.json]({folder}/headline.json), "
               f"[env.txt]({folder}/env.txt)"
               + (f", [gate-proof.json]({folder}/gate-proof.json)" if one.proof else ""))
    yield from ("", f"What follows is the newest, of {newest.date}: {environ.sentence(newest)}", "")
    yield from by_id(newest)
    yield from ("", "Skipped, or without a value of ours:", "", *reasons(newest), "", "Proof of the gate:", "")
    yield from table(proof.HEAD, proof.table(recordings))
    yield from ("", proof.source(recordings), "", "Torture tests, run for long:", "", *soak.lines(top, name), "")
    yield from every_row(newest)


def markdown(top, machines):
    """The text of results/README.md."""
    lines = []
    for name, recordings in machines.items():
        lines += ["", *machine(top, name, recordings)]
    return INTRODUCTION + "\n".join(lines).rstrip() + "\n"
