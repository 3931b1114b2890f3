# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Groups of bars that lie, each with its value at its end; a mark in a bar's lane is the target."""

import scale
import svg
import words

WIDTH = 480
LEFT, RIGHT = 8, 424
BAR, HEAD, GAP = 13, 18, 8


def key_row(group):
    """The names of the bars, once, above all."""
    out, x, y = [], LEFT, 14
    for series in group:
        width = 30 + 7.9 * len(series.label)
        if x + width > WIDTH:
            x, y = LEFT, y + 18
        if series.kind == "target":
            out.append(svg.line(x + 6, y - 11, x + 6, y + 3, class_="mark"))
        else:
            out.append(svg.element("rect", x=float(x), y=float(y - 9), width=12, height=10,
                                   class_=f"bar {series.kind}"))
        out.append(svg.text(x + 17, y, series.label, class_="name"))
        x += width
    return out, y


def bar(series, x, y, across, unit):
    """(the bar, its value)"""
    shown, end = words.quantity(series.points[x], unit), across.at(series.points[x])
    title = svg.element("title", svg.escape(f"{series.label}, {x}: {shown}"))
    return (svg.element("rect", title, x=float(LEFT), y=float(y), width=float(end - LEFT), height=BAR - 2,
                        class_=f"bar {series.kind}"),
            svg.text(end + 5, y + 9.5, shown, class_="value"))


def lane(group, targets, x, y, across, unit):
    """The bars of one group, and where they end. The target lies over the bars, the values over the target."""
    name, top = svg.text(LEFT, y + 12, str(x), class_="tick"), y + HEAD
    found = [bar(series, x, top + BAR * index, across, unit)
             for index, series in enumerate(series for series in group if x in series.points)]
    y = top + BAR * len(found)
    out = [name, *(rectangle for rectangle, _ in found)]
    if targets and x in targets.points:
        at = across.at(targets.points[x])
        out.append(svg.line(at, top, at, y - 2, class_="mark"))
    out += [value for _, value in found]
    return out, y + GAP


def picture(key, group, title, description, unit, order):
    """The SVG of groups named by x, in the given order."""
    values = [value for series in group for value in series.points.values()]
    across = scale.Linear(values, LEFT, RIGHT)
    targets = next((series for series in group if series.kind == "target"), None)
    drawn = [series for series in group if series.kind != "target"]
    inside, y = key_row(group)
    y += 12
    for x in order:
        bars, y = lane(drawn, targets, x, y, across, unit)
        inside += bars
    return svg.document(key, WIDTH, int(y), title, description, inside)
