# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""From rows to what a plot draws: one series for ours, the floor, each peer and the best re-implementation."""

import re

import row as rows


class Series:
    """Points of one member; `kind` is its colour and shape, `notes` say more about a point."""

    def __init__(self, label, kind):
        self.label, self.kind = label, kind
        self.points, self.notes = {}, {}

    def add(self, x, value, note=""):
        if value is not None and value > 0:
            self.points[x] = value
            self.notes[x] = note


def matching(recording, pattern):
    """(x, row) of the rows whose whole name matches; x is the pattern's group of that name, a number if it is one."""
    found = []
    for row in recording.rows:
        match = re.fullmatch(pattern, row["name"])
        if match:
            found.append((as_number(match.group("x")), row))
    return sorted(found, key=lambda pair: pair[0]) if all(isinstance(x, float) for x, _ in found) else found


def families(recording, prefix, axis, unit=None):
    """{family: (x, row)s} of the rows under prefix that have `axis:x` in their names; the rest names the family."""
    found = {}
    for row in recording.rows:
        match = re.fullmatch(rf"(.*?)/?\b{re.escape(axis)}:([^/]+)(.*)", row["name"][len(prefix):])
        if row["name"].startswith(prefix) and match and unit in (None, row["unit"]):
            family = (match.group(1) + match.group(3)).strip("/")
            found.setdefault(family, []).append((as_number(match.group(2)), row))
    return found


def as_number(text):
    try:
        return float(text)
    except ValueError:
        return text


def one(pairs, label, kind, field):
    series = Series(label, kind)
    for x, row in pairs:
        series.add(x, row.get(field))
    return series


def peers(pairs):
    names = sorted({name for _, row in pairs for name in rows.rivals(row, "peers")}, reverse=True)
    for index, name in enumerate(names):
        series = Series(name, f"peer{index % 6}")
        for x, row in pairs:
            series.add(x, rows.rivals(row, "peers").get(name))
        yield series


def best_competitor(pairs):
    series = Series("best re-implementation", "rival")
    for x, row in pairs:
        found = rows.best(row, "competitors")
        if found:
            series.add(x, found[0], found[1])
    return series


def of_rows(pairs, ours="guestmem", target=False):
    """All series of some rows; those without any point are left out."""
    found = [one(pairs, ours, "ours", "ours"), *peers(pairs), best_competitor(pairs)]
    if all(row["unit"] != "ratio" for _, row in pairs):  # else the floor is a time, and ours a share of it
        found.insert(1, one(pairs, "floor", "floor", "floor"))
    if target:
        found.append(one(pairs, "target", "target", "target"))
    return [series for series in found if series.points]


def reasons(pairs):
    """Why ours is missing, each reason once."""
    return list(dict.fromkeys(rows.reason(row) for _, row in pairs if rows.reason(row)))
