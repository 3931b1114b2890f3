# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""
Figures quoted in Markdown. A measured figure is a link to the JSON that has it, and the link's title says where in it.
Links by reference keep sentences short; `[1.37 ns](PATH "TITLE")` does as well:

    Eight regions take [1.37 ns][call-8], the best peer [3.8x][call-8-peer] as long.

    [call-8]: results/MACHINE/RECORDING/headline.json "translate/single/uniform/call/regions:8 ours"
    [call-8-peer]: results/MACHINE/RECORDING/headline.json "translate/single/uniform/call/regions:8 best-peer / ours"

The title is a row (`ID/name` where two have the name) and a field: ours, floor, target, ours_min, floor_min,
best-peer, best-competitor or the name of a peer or re-implementation; or two fields of the row, divided. In gates.json
the row is the id of a gate, and in files without rows the title is fields alone, with a dot between levels:
"slower.caught / slower.injected". What is displayed has to be what is recorded, converted to the unit and rounded to
the digits that are displayed.
"""

import json
import re

import recording
import row as rows

LINK = re.compile(r"\[([^\]\[]*)\](?:\(([^()\s]*\.json)(?:\s+\"([^\"]*)\")?\)|\[([^\]\[]+)\])")
DEFINITION = re.compile(r"^\[([^\]\[]+)\]:[ \t]+(\S+\.json)(?:[ \t]+\"([^\"]*)\")?[ \t]*$", re.M)
FIGURE = re.compile(r"([+-]?\d+(?:\.(\d+))?)\s*(\S*)")
UNITS = {"ns": ("ns", 1), "us": ("ns", 1e-3), "µs": ("ns", 1e-3), "μs": ("ns", 1e-3), "ms": ("ns", 1e-6),
         "s": ("ns", 1e-9), "bytes": ("bytes", 1), "KiB": ("bytes", 2.0 ** -10), "MiB": ("bytes", 2.0 ** -20),
         "GiB": ("bytes", 2.0 ** -30), "x": ("", 1), "%": ("", 100), "": (None, 1)}


class Unrecorded(Exception):
    """A figure has no source; the message says what is missing."""


class Quote:
    """One link to a recorded JSON; `label` is the name of its definition, or None."""

    def __init__(self, match, line, definitions):
        self.shown, self.path, self.title, self.label = match.groups()
        self.line = line
        if self.label:
            self.path, self.title = definitions[self.label]
        number = FIGURE.fullmatch(self.shown.strip())
        self.digits, self.unit = (len(number.group(2) or ""), number.group(3)) if number else (0, "")
        self.is_figure = number is not None

    def number(self, value):
        return f"{value:.{self.digits}f}"

    def display(self, value):
        """The value as this quotation displays it: same unit, same digits."""
        space = "" if self.unit in ("x", "") else " "
        return f"{self.number(value)}{space}{self.unit}"

    def written(self, path, value):
        rest = f"[{self.label}]" if self.label else f'({path} "{self.title}")'
        return f"[{self.display(value)}]{rest}"

    def agrees(self, value):
        return self.number(value) == FIGURE.fullmatch(self.shown.strip()).group(1)


def definitions_of(text):
    """{label: (path, title)} of the definitions that name a JSON."""
    return {match.group(1): match.group(2, 3) for match in DEFINITION.finditer(text)}


def replaced(text, write):
    """The text with each link to a JSON as `write` makes it of the match and its Quote."""
    definitions = definitions_of(text)

    def one(match):
        if match.group(4) and match.group(4) not in definitions:
            return match.group()
        return write(match, Quote(match, text.count("\n", 0, match.start()) + 1, definitions))

    return LINK.sub(one, text)


def quotes(text):
    """All quotations of a text."""
    found = []
    replaced(text, lambda match, quote: found.append(quote) or "")
    return found


def field(row, name):
    """The value of a field of a row."""
    if name in ("best-peer", "best-competitor"):
        found = rows.best(row, "peers" if name == "best-peer" else "competitors")
        value = found[0] if found else None
    else:
        value = row.get(name, {**rows.rivals(row, "competitors"), **rows.rivals(row, "peers")}.get(name))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unrecorded(f"'{name}' has no recorded value there")
    return value


def divided(text, value_of):
    """(value, whether it is a quotient) of `A` or `A / B`."""
    names = text.split(" / ")
    values = [value_of(name.strip()) for name in names]
    if len(values) > 2 or len(values) == 2 and values[1] == 0:
        raise Unrecorded(f"'{text}' is no field and no quotient of two")
    return (values[0], False) if len(values) == 1 else (values[0] / values[1], True)


def recorded(by_name, title, unit):
    """What rows say under a title, in the unit that is displayed. Raises Unrecorded."""
    name, _, fields = (title or "").partition(" ")
    if not fields:
        raise Unrecorded(f"the title of the link has to be a row and a field, not '{title or ''}'")
    if name not in by_name:
        raise Unrecorded(f"there is no row '{name}'")
    value, quotient = divided(fields, lambda part: field(by_name[name], part))
    own = "" if quotient else by_name[name].get("unit", "")
    return converted(value, "" if own == "ratio" else own, unit)


def converted(value, own, unit):
    if unit not in UNITS or UNITS[unit][0] not in (None, own):
        raise Unrecorded(f"its unit is '{own or 'a ratio'}', not '{unit}'")
    return value * UNITS[unit][1]


def level(report, name):
    """The number at `a.b` of nested objects."""
    for key in name.split("."):
        report = report.get(key) if isinstance(report, dict) else None
    if isinstance(report, bool) or not isinstance(report, (int, float)):
        raise Unrecorded(f"it has no number '{name}'")
    return report


def source(path, title, unit):
    """The recorded value, in the displayed unit, of a title in a JSON file. Raises Unrecorded."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unrecorded("there is no such file" if isinstance(error, OSError) else "it is no JSON") from error
    if "rows" in report:
        return recorded(recording.by_name(report), title, unit)
    if "gates" in report:
        return recorded({gate["id"]: gate for gate in report["gates"]}, title, unit)
    if not title:
        raise Unrecorded("the title of the link has to name a field")
    value, _ = divided(title, lambda part: level(report, part))
    return converted(value, "", unit)
