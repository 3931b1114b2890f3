# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Numbers as people read them: as many digits as say something, and units that fit."""

DURATIONS = ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns"))
SIZES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "bytes"))


def number(value):
    """1.37, 63.2, 4812; nothing for what was not measured."""
    if value is None:
        return ""
    size = abs(value)
    return f"{value:.{3 if size < 0.1 and size > 0 else 2 if size < 10 else 1 if size < 100 else 0}f}"


def cell(value):
    """As number, but in a column of nanoseconds that are to be compared: two digits up to a hundred."""
    return "" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def scaled(value, steps):
    size, unit = next((step for step in steps if abs(value) >= step[0]), steps[-1])
    return f"{number(value / size)} {unit}"


def quantity(value, unit):
    """With its unit: 5.37 ns, 1.88 us, 25.1 KiB, 95 %."""
    if value is None:
        return "not measured"
    if unit == "ns":
        return scaled(value, DURATIONS)
    if unit == "bytes":
        return scaled(value, SIZES)
    if unit == "ratio":
        return f"{100 * value:.0f} %"
    if unit == "x floor":
        return f"{value:.2f} x floor"
    return f"{number(value)} {unit}"


def tick(value, unit):
    """A round value at an axis: 0.5 ns, 20 us, 100 %."""
    if unit == "ns":
        size, name = next((step for step in DURATIONS if value >= step[0]), DURATIONS[-1])
        return f"{value / size:g} {name}"
    if unit == "ratio":
        return f"{100 * value:g} %"
    if unit == "bytes":
        size, name = next((step for step in SIZES if value >= step[0]), SIZES[-1])
        return f"{value / size:g} {name}"
    return f"{value:g}"


def count(value):
    """A number on an axis of counts: 512, 4096, 50k, 1M."""
    if value >= 1e6 and value % 1e5 == 0:
        return f"{value / 1e6:g}M"
    if value >= 10000 and value % 1000 == 0:
        return f"{value / 1000:g}k"
    return f"{value:g}"


def rough(value):
    """Of a count, what is enough on an axis: 834k, 1.2M."""
    return f"{value / 1e6:.1f}M" if value >= 1e6 else f"{value / 1e3:.0f}k" if value >= 1e4 else f"{value:.0f}"


def plural(many, one, several=None):
    return f"{many} {one if many == 1 else several or one + 's'}"
