# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""The few SVG elements that plots are made of. Colours are classes, so that the page decides about light and dark."""

from html import escape


def place(value):
    return f"{value:.1f}".rstrip("0").rstrip(".")


def element(name, inside="", **attributes):
    """<name attribute="...">inside</name>; `_` in attribute names is `-`, and a trailing one is dropped."""
    parts = [name]
    for key, value in attributes.items():
        text = place(value) if isinstance(value, float) else str(value)
        parts.append(f'{key.rstrip("_").replace("_", "-")}="{escape(text)}"')
    return f"<{' '.join(parts)}>{inside}</{name}>" if inside else f"<{' '.join(parts)}/>"


def text(x, y, words, **attributes):
    return element("text", escape(words), x=float(x), y=float(y), **attributes)


def line(x1, y1, x2, y2, **attributes):
    return element("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), **attributes)


def path(points, **attributes):
    steps = " ".join(f"{'L' if index else 'M'}{place(x)} {place(y)}" for index, (x, y) in enumerate(points))
    return element("path", d=steps, **attributes)


def polygon(x, y, corners):
    return " ".join(f"{place(x + dx)},{place(y + dy)}" for dx, dy in corners)


SHAPES = {
    "square": ((-3.5, -3.5), (3.5, -3.5), (3.5, 3.5), (-3.5, 3.5)),
    "triangle": ((0, -4.5), (4.3, 3.4), (-4.3, 3.4)),
    "diamond": ((0, -5), (4.6, 0), (0, 5), (-4.6, 0)),
    "wedge": ((0, 4.5), (4.3, -3.4), (-4.3, -3.4)),
    "bar": ((-4.5, -1.6), (4.5, -1.6), (4.5, 1.6), (-4.5, 1.6)),
}


def marker(shape, x, y, words):
    """A point of a series; its words show where the pointer rests."""
    title = element("title", escape(words))
    if shape == "circle":
        return element("circle", title, cx=float(x), cy=float(y), r=4)
    return element("polygon", title, points=polygon(x, y, SHAPES[shape]))


def document(key, width, height, title, description, inside):
    """A picture that a screen reader can name and describe."""
    head = (element("title", escape(title), id=f"{key}-title") + element("desc", escape(description), id=f"{key}-desc"))
    return element("svg", head + "\n" + "\n".join(inside), viewBox=f"0 0 {width} {height}", role="img",
                   aria_labelledby=f"{key}-title {key}-desc")
