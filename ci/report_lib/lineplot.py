# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""A plot of lines over a logarithmic or a stepwise axis, each line named at its end."""

import scale
import svg
import words

WIDTH, HEIGHT = 480, 330
LEFT, RIGHT, TOP, BOTTOM = 56, 318, 30, 282
NAMES_AT = RIGHT + 16
NAME_GAP = 17
LETTER = 7.9  # how wide a letter of a name is at most, nearly
SHAPE = {"ours": "circle", "ours1": "diamond", "ours2": "square", "ours3": "triangle", "ours4": "wedge",
         "ours5": "bar", "peer0": "square", "peer1": "triangle", "peer2": "diamond", "peer3": "wedge",
         "peer4": "circle", "peer5": "bar", "rival": "bar"}


def spread(wanted, gap, low, high):
    """Places as near to the wanted ones as keeps them a gap apart, within low and high."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    places = [min(max(wanted[index], low), high) for index in order]
    for _ in range(60):
        for at in range(1, len(places)):
            short = gap - (places[at] - places[at - 1])
            if short > 0:
                places[at - 1] -= short / 2
                places[at] += short / 2
        places = [min(max(place, low + gap * at), high - gap * (len(places) - 1 - at))
                  for at, place in enumerate(places)]
    result = [0.0] * len(wanted)
    for at, index in enumerate(order):
        result[index] = places[at]
    return result


def last_point(series, across, up):
    x = max(series.points, key=across.at)
    return across.at(x), up.at(series.points[x])


def axes(across, up, axis):
    out = []
    for value in up.ticks():
        y = up.at(value)
        out.append(svg.line(LEFT, y, RIGHT, y, class_="grid"))
        out.append(svg.text(LEFT - 6, y + 4, words.tick(value, axis.unit), class_="tick", text_anchor="end"))
    previous = -100.0
    for value in across.ticks():
        x, label = across.at(value), axis.place(value)
        out.append(svg.line(x, BOTTOM, x, BOTTOM + 4, class_="axis"))
        half = 3.6 * len(label)
        if x - half > previous + 3:
            out.append(svg.text(x, BOTTOM + 18, label, class_="tick", text_anchor="middle"))
            previous = x + half
    out.append(svg.line(LEFT, BOTTOM, RIGHT, BOTTOM, class_="axis"))
    out.append(svg.text((LEFT + RIGHT) / 2, BOTTOM + 38, axis.places, class_="axis-name", text_anchor="middle"))
    out.append(svg.text(4, 15, axis.values, class_="axis-name"))
    return out


def draw(series, across, up, axis):
    points = [(across.at(x), up.at(series.points[x])) for x in sorted(series.points, key=across.at)]
    if series.kind == "target" or len(points) == 1 and series.kind not in SHAPE:  # each place by itself
        return "".join(svg.line(x - 9, y, x + 9, y, class_=f"line {series.kind}") for x, y in points)
    out = [svg.path(points, class_=f"line {series.kind}")]
    if series.kind in SHAPE:
        for x, value in series.points.items():
            note = f" ({series.notes[x]})" if series.notes[x] else ""
            tip = f"{series.label}{note}, {axis.place(x)}: {words.quantity(value, axis.unit)}"
            out.append(svg.marker(SHAPE[series.kind], across.at(x), up.at(value), tip))
    return svg.element("g", "".join(out), class_=f"series {series.kind}")


def names(group, across, up):
    """Each line's name at its end; where names would collide they move, and a thin line leads to them."""
    ends = [last_point(series, across, up) for series in group]
    places = spread([y for _, y in ends], NAME_GAP, TOP + 2, BOTTOM)
    for series, (x, y), place in zip(group, ends, places):
        yield svg.path([(x + 5, y), (RIGHT + 6, place if x > RIGHT - 2 else y), (NAMES_AT - 3, place)],
                       class_=f"leader {series.kind}")
        yield svg.text(NAMES_AT, place + 4, series.label, class_=f"name {series.kind}")


def order_drawn(series):
    """What matters most is drawn last, on top."""
    first = ("target", "floor", "rival")
    return first.index(series.kind) if series.kind in first else 4 if series.kind.startswith("ours") else 3


def picture(key, group, title, description, axis, places):
    """The SVG of some series over the given places; the scales follow the values."""
    values = [value for series in group for value in series.points.values()]
    across = scale.Steps(places, LEFT, RIGHT) if axis.steps else scale.Exact(places, LEFT + 8, RIGHT - 8)
    shares = axis.unit == "ratio" or axis.unit.endswith("/s")
    up = scale.Linear(values, BOTTOM, TOP) if shares else scale.Log(values, BOTTOM, TOP)
    inside = axes(across, up, axis) + list(names(group, across, up))
    inside += [draw(series, across, up, axis) for series in sorted(group, key=order_drawn)]
    width = max(WIDTH, int(NAMES_AT + LETTER * max(len(series.label) for series in group)))
    return svg.document(key, width, HEIGHT, title, description, inside)
