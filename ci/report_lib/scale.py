# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Scales of plots: from values to places, and the round values that are named at an axis."""

import math


class Log:
    """A logarithmic scale; it grows outwards to values of the series 1, 2, 5, 10."""

    def __init__(self, values, start, end):
        self.start, self.end = start, end
        low, high = min(values), max(values)
        self.low = max((tick for tick in around(low) if tick <= low * 1.0001), default=low)
        self.high = min((tick for tick in around(high) if tick >= high * 0.9999), default=high)
        if self.high <= self.low:
            self.high = self.low * 10

    def at(self, value):
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self):
        """Powers of ten where there are many, else 1, 2, 5 of each."""
        bottom = math.floor(math.log10(self.low)) - 1
        steps = (1,) if self.high / self.low > 20000 else (1, 2, 5)
        every = [step * 10.0 ** power for power in range(bottom, bottom + 14) for step in steps]
        return [round_off(tick) for tick in every if self.low * 0.9999 <= tick <= self.high * 1.0001]


class Exact(Log):
    """A logarithmic scale from the least value to the greatest, whose ticks are the values themselves."""

    def __init__(self, values, start, end):
        super().__init__(values, start, end)
        self.values = sorted(set(values))
        self.low, self.high = self.values[0], self.values[-1]
        if len(self.values) == 1:
            self.low, self.high = self.low / 2, self.high * 2

    def ticks(self):
        return self.values


class Linear:
    """From zero to a round value."""

    def __init__(self, values, start, end):
        self.start, self.end = start, end
        high = max([*values, 1e-9])
        size = 10.0 ** math.floor(math.log10(high))
        self.step = next(step * size for step in (0.2, 0.25, 0.5, 1, 2) if high / (step * size) <= 6)
        self.high = math.ceil(high / self.step - 1e-9) * self.step

    def at(self, value):
        return self.start + value / self.high * (self.end - self.start)

    def ticks(self):
        return [round_off(self.step * index) for index in range(round(self.high / self.step) + 1)]


class Steps:
    """Places for things that have an order and no distance: revisions, for instance."""

    def __init__(self, values, start, end):
        self.values, self.start, self.end = list(dict.fromkeys(values)), start, end

    def at(self, value):
        gap = (self.end - self.start) / max(len(self.values), 1)
        return self.start + gap * (self.values.index(value) + 0.5)

    def ticks(self):
        return self.values


def around(value):
    power = math.floor(math.log10(value))
    return [step * 10.0 ** at for at in (power - 1, power, power + 1) for step in (1, 2, 5)]


def round_off(value):
    """Without the dust of binary fractions, so that a tick reads 0.2 and not 0.20000000000000001."""
    return float(f"{value:.6g}")
