# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""What a row of a report says: its values, who was best beside ours, and whether the target is met."""

QUESTIONS = {
    "T1": "one translation, uniform addresses",
    "T2": "one translation, 94 % of addresses in one region",
    "T3": "translation in batches of 256",
    "T4": "translation in a linear space, in batches of 256",
    "T5": "pin and unpin",
    "T6": "pin, translate and unpin for each address",
    "T7": "virtqueue descriptors to host memory",
    "T8": "a reader's speed while a writer publishes, of its speed alone",
    "T8-rate": "commits in a second, beside T8",
    "TN": "translation by several threads at once",
    "TR": "recorded traces",
    "PG": "translation and a read, by page size",
    "S1": "publishing an edit, the writer's own time",
    "S2": "toggling an overlay",
    "S3": "bytes that translation reads",
    "A1": "allocating a range in an arena that fills up",
    "A2": "allocating and freeing a range, where the place is hard to find",
    "A3": "the same, where alignment or a window hides it",
    "A4": "finding the only gap",
    "A5": "freeing any natural block and allocating another",
    "A6": "nodes visited by an allocation",
    "A7": "allocating an id",
    "A8": "memory for each allocated range",
    "D1": "marking a page that is already dirty",
    "D2": "marking a clean page",
    "D3": "marking 256 pages at once",
    "D4": "taking the dirty pages of a guest that has none",
    "D5": "taking the dirty pages of a guest of 256 GiB",
    "D6": "merging a log that is not aligned",
    "M1": "eight bytes of guest memory",
    "M2": "atomics on guest memory",
    "M3": "copies",
}

VERDICTS = ("met", "missed", "without a target", "without ours", "skipped")


def verdict(row):
    """One of VERDICTS; the same sorting as the summary of guestmem-bench."""
    if row.get("skipped"):
        return "skipped"
    if row.get("no_ours"):
        return "without ours"
    if row.get("met") is None:
        return "without a target"
    return "met" if row["met"] else "missed"


def counts(rows):
    """{verdict: number of rows}"""
    found = [verdict(row) for row in rows]
    return {name: found.count(name) for name in VERDICTS}


def reason(row):
    """Why there is no value of ours, or None."""
    return row.get("skipped") or row.get("no_ours")


def more_is_better(row):
    return row["unit"] == "ratio" or row["unit"].endswith("/s")


def ratio(row):
    """Ours to the floor; None where ours already is a share of the floor or a difference to it."""
    if row["unit"] == "ratio" or "less-translation" in row["name"]:
        return None
    if row.get("ours") is None or not row.get("floor"):
        return None
    return row["ours"] / row["floor"]


def plain_name(name):
    """Without "(re-implementation)", which the JSON adds."""
    return name.split(" (")[0]


def rivals(row, kind):
    """{name: value} of `peers`, which are real, or `competitors`, which are not; newest versions first."""
    measured = {plain_name(name): value for name, value in (row.get(kind) or {}).items() if value is not None}
    return {name: measured[name] for name in sorted(measured, reverse=True)}


def best(row, kind):
    """(value, name) of the quickest, or None."""
    values = [(value, name) for name, value in rivals(row, kind).items()]
    if not values:
        return None
    return max(values) if row["unit"].endswith("/s") else min(values)
