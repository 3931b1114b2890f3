# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""A figure of the page: what it asks, what it shows in one sentence, the picture, and its numbers as a table."""

import barplot
import lineplot
import words


class Figure:
    def __init__(self, key, title):
        self.key, self.title = key, title
        self.point, self.take, self.picture, self.missing = "", "", "", ""
        self.head, self.body = [], []
        self.notes = []


class Axis:
    """How the two axes are named, in which unit values are, and whether the places are steps."""

    def __init__(self, unit, values, places, noun, steps=False):
        self.unit, self.values, self.places, self.noun, self.steps = unit, values, places, noun, steps

    def place(self, x):
        return str(x) if self.steps else words.count(x)


def column(series):
    return ["best re-implementation", "which"] if series.kind == "rival" else [series.label]


def cells(series, x, unit):
    value = words.quantity(series.points[x], unit) if x in series.points else "–"
    return [value, series.notes.get(x, "") or "–"] if series.kind == "rival" else [value]


def fill_table(figure, group, places, axis):
    figure.head = [axis.noun] + [name for series in group for name in column(series)]
    figure.body = [[axis.place(x)] + [cell for series in group for cell in cells(series, x, axis.unit)]
                   for x in places]


def ends(series, axis, first, last):
    """'1.37 ns to 5.37 ns' between two places of a series."""
    values = [words.quantity(series.points[x], axis.unit) for x in dict.fromkeys((first, last)) if x in series.points]
    return " to ".join(values)


def best_peer(group, x, most=False):
    peers = [series for series in group if series.kind.startswith("peer") and x in series.points]
    if not peers:
        return None
    return (max if most else min)(peers, key=lambda series: series.points[x])


def sentence(group, axis, places):
    """What the lines say between the first and the last place, in figures."""
    first, last = places[0], places[-1]
    parts = [f"{series.label} {ends(series, axis, first, last)}" for series in group
             if series.kind.startswith("ours") and ends(series, axis, first, last)]
    peer = best_peer(group, last, axis.unit.endswith("/s"))
    if peer:
        parts.append(f"best peer there ({peer.label}) {ends(peer, axis, first, last)}")
    if first == last:
        return f"At {axis.place(first)} {axis.noun}: {', '.join(parts)}."
    return f"From {axis.place(first)} to {axis.place(last)} {axis.noun}: {'; '.join(parts)}."


def comparison(group, axis, last):
    """The figure's point in a few words, where times are compared: ours, the floor and the best peer at its far end."""
    line = next((series for series in group if series.kind == "ours" and last in series.points), None)
    if line is None or axis.unit != "ns":
        return ""
    ours = line.points[last]
    floor = next((series.points[last] for series in group if series.kind == "floor" and last in series.points), None)
    peer = best_peer(group, last)
    parts = [f"{line.label} takes {ours / floor:.1f} times the floor"] if floor else []
    parts += [f"the best peer {peer.points[last] / ours:.1f} times as long as {line.label}"] if peer else []
    return f"At {axis.place(last)} {axis.noun} {', '.join(parts)}." if parts else ""


def places_of(group, order=None):
    found = {x for series in group for x in series.points}
    return [x for x in order if x in found] if order is not None else sorted(found)


def lines(key, title, group, axis, absent, order=None, notes=()):
    """A figure of lines; `absent` says which rows it would be drawn from."""
    figure = Figure(key, title)
    figure.notes = list(notes)
    measured = [series for series in group if series.kind != "target"]
    if not measured:
        figure.missing = absent
        return figure
    places = places_of(measured, order)
    figure.point, figure.take = comparison(group, axis, places[-1]), sentence(group, axis, places)
    figure.picture = lineplot.picture(key, group, title, figure.take, axis, places)
    fill_table(figure, group, places, axis)
    return figure


def bars(key, title, group, axis, absent, take="", notes=()):
    """A figure of groups of bars, in the order in which the first series has them."""
    figure = Figure(key, title)
    figure.notes = list(notes)
    if not any(series.kind != "target" for series in group):
        figure.missing = absent
        return figure
    places = list(dict.fromkeys(x for series in group for x in series.points))
    figure.take = take
    figure.picture = barplot.picture(key, group, title, take or title, axis.unit, places)
    fill_table(figure, group, places, axis)
    return figure
