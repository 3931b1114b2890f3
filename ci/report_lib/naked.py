# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""
Finds figures in prose that look measured and name no source: times (ns, us, ms) and ratios (1.7x, 3 times quicker).

Not measured, and visibly so: what has a sign of limit before it (≤ 5 us, ≥, <=, >=, <, >), what is set as code, because
the program says it (`50 us`), and what is between the markers of a generated block.
"""

import re

import quote

TIME = r"\d[\d.,]*(?:\s?[-–]\s?\d[\d.,]*)?\s?(?:ns|us|µs|μs|ms|nanoseconds?|microseconds?|milliseconds?)\b"
RATIO = r"(?<!\w)\d[\d.,]*\s?(?:x\b(?!\w)|×)|\d[\d.,]*\s(?:times|fold)\s(?:as|faster|slower|quicker|more|less|better)\b"
FIGURE = re.compile(f"(?<![\\w.])(?:{TIME}|{RATIO})")
LIMIT = re.compile(r"(?:≤|≥|<=|>=|<|>|&lt;|&gt;)\s*$")
FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.S | re.M)
INDENTED = re.compile(r"(?:(?<=\n\n)|\A)(?: {4}[^\n]*\n)+")
BLOCK = re.compile(r"<!-- (\w+): begin -->.*?<!-- \1: end -->", re.S)
SPAN = re.compile(r"(`+)(?!`)(?:(?!\n\n).)*?(?<!`)\1(?!`)", re.S)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def prose(text):
    """The same lines without code, generated blocks and figures that have their source."""
    for pattern in (BLOCK, FENCE, INDENTED, SPAN):
        text = pattern.sub(blank, text)
    return quote.DEFINITION.sub(blank, quote.replaced(text, lambda match, _: blank(match)))


def figures(text):
    """(line, figure) of each figure without a source."""
    text = prose(text)
    for match in FIGURE.finditer(text):
        if not LIMIT.search(text[:match.start()]):
            yield text.count("\n", 0, match.start()) + 1, match.group()
