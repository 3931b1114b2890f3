#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Decides what ci/gate found: numbers in, findings out, nothing measured here.

Apart from the measuring, so that the rules can be tested on numbers made for the purpose: verdict.py --self-test.

Counts are exact, so one run of each side decides. Times are judged over processes, because what disturbs a process
(where its pages and its code lie) stays with it for life: the median over many processes decides, the order statistics
around it say how sure it is, and a slowdown that the other members of its family contradict is not believed.
"""

import json
import math
import statistics
import sys
from pathlib import Path

LIMITS = Path(__file__).resolve().parent / "limits.json"
EVENTS = ("instructions", "data", "mispredicts")
CONFIDENCE = 0.95


def read_limits(path=LIMITS):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def allowance(event, base, limits):
    """How much more of an event an operation may have before it is a regression."""
    exact = limits["exact"]
    if event == "instructions":
        return max(min(exact["instructions_share"] * base, exact["instructions"] * 0.999), exact["instructions_slack"])
    if event == "data":
        return max(exact["data_share"] * base, exact["data_slack"])
    return exact["mispredicts"]


def judge_exact(base, head, limits):
    """One row for each case and event: {name: {event: per operation}} twice in, rows with a verdict out."""
    rows = []
    for name in base:
        for event in EVENTS:
            if name not in head:
                continue
            before, after = base[name][event], head[name][event]
            delta, allowed = after - before, allowance(event, before, limits)
            verdict = "regression" if delta > allowed else "better" if delta < -allowed else "same"
            rows.append({"case": name, "event": event, "base": before, "head": after, "delta": delta,
                         "allowed": allowed, "verdict": verdict})
    return rows


def interval(samples):
    """The order statistics that hold the median of the population between them with at least CONFIDENCE."""
    values, count = sorted(samples), len(samples)
    outside, rank = 0.0, 0
    while rank < count // 2:
        outside += 2 * math.comb(count, rank) / 2**count
        if outside > 1 - CONFIDENCE:
            break
        rank += 1
    rank = max(rank - 1, 0)
    return values[rank], values[count - 1 - rank]


def summary(name, family, samples, limits):
    kind = limits["families"][family]["class"]
    low, high = interval(samples)
    return {"case": name, "family": family, "class": kind, "limit": limits["classes"][kind]["limit"],
            "change": statistics.median(samples) - 1, "low": low - 1, "high": high - 1, "processes": len(samples),
            "least": min(samples) - 1, "most": max(samples) - 1}


def judge_timed(samples, limits):
    """samples: {name: (family, [ratio of each process])}. A regression is beyond its limit, surely slower at all, and
    in a family that is slower on average; beyond the limit but perhaps no slower at all is a failed measurement."""
    rows = [summary(name, family, ratios, limits) for name, (family, ratios) in samples.items()]
    for row in rows:
        family = statistics.mean(other["change"] for other in rows if other["family"] == row["family"])
        row["family_change"] = family
        if row["change"] > row["limit"] and family > 0:
            row["verdict"] = "regression" if row["low"] > 0 else "unclear"
        elif row["change"] > row["limit"]:
            row["verdict"] = "contradicted"
        elif row["change"] < -row["limit"] and row["high"] < 0:
            row["verdict"] = "better"
        else:
            row["verdict"] = "same"
    return rows


def overall(exact, timed):
    """0 pass, 1 regression, 2 could not measure."""
    verdicts = {row["verdict"] for row in exact + timed}
    return 1 if "regression" in verdicts else 2 if "unclear" in verdicts or not verdicts else 0


def spread(center, width, count=15):
    return [center + width * (2 * i / (count - 1) - 1) for i in range(count)]


def timed_checks(limits):
    """Name and truth of each check of the rules for times."""
    def verdict(**cases):
        named = {name.replace("branchy", "iov/three-pieces"): value for name, value in cases.items()}
        rows = judge_timed({f"{family}/{i}": (family, ratios) for family, lists in named.items()
                            for i, ratios in enumerate(lists)}, limits)
        return [row["verdict"] for row in rows]

    yield "no change passes", verdict(handle=[spread(1.0, 0.005)]) == ["same"]
    yield "3 % in a kernel fails", verdict(handle=[spread(1.03, 0.01)]) == ["regression"]
    yield "3 % in a branchy case passes", verdict(branchy=[spread(1.03, 0.01)]) == ["same"]
    yield "6 % in a branchy case fails", verdict(branchy=[spread(1.06, 0.01)]) == ["regression"]
    yield "a process gone astray changes nothing", verdict(handle=[spread(1.0, 0.005, 14) + [2.0]]) == ["same"]
    yield "3 % within wide noise is unclear", verdict(handle=[spread(1.03, 0.5)]) == ["unclear"]
    yield "a family that says otherwise", \
        verdict(span=[spread(1.03, 0.005), spread(0.95, 0.005)])[0] == "contradicted"
    yield "a family that agrees", verdict(span=[spread(1.03, 0.005), spread(1.001, 0.005)]) == ["regression", "same"]
    yield "3 % quicker is told", verdict(handle=[spread(0.97, 0.01)]) == ["better"]
    yield "the interval of 15 leaves out three at each end", interval(list(range(15))) == (3, 11)


def exact_checks(limits):
    """Name and truth of each check of the rules for counts."""
    def verdict(event, before, after):
        zero = dict.fromkeys(EVENTS, 0.0)
        rows = judge_exact({"c": {**zero, event: before}}, {"c": {**zero, event: after}}, limits)
        return next(row["verdict"] for row in rows if row["event"] == event)

    yield "the same count passes", verdict("instructions", 24.0, 24.0) == "same"
    yield "one instruction of 24", verdict("instructions", 24.0, 25.0) == "regression"
    yield "one instruction of 2400", verdict("instructions", 2400.0, 2401.0) == "regression"
    yield "0.6 % of a batch", verdict("instructions", 8.0, 8.048) == "regression"
    yield "0.4 % of a batch", verdict("instructions", 8.0, 8.032) == "same"
    yield "an instruction less", verdict("instructions", 24.0, 23.0) == "better"
    yield "3 % more data", verdict("data", 6.0, 6.18) == "regression"
    yield "1 % more data", verdict("data", 6.0, 6.06) == "same"
    yield "0.06 mispredicts", verdict("mispredicts", 0.0, 0.06) == "regression"
    yield "0.04 mispredicts", verdict("mispredicts", 0.0, 0.04) == "same"
    yield "a regression outweighs what is unclear", overall([{"verdict": "regression"}], [{"verdict": "unclear"}]) == 1
    yield "unclear is not passed", overall([{"verdict": "same"}], [{"verdict": "unclear"}]) == 2
    yield "nothing measured is not passed", overall([], []) == 2


def self_test():
    limits = read_limits()
    checks = list(timed_checks(limits)) + list(exact_checks(limits))
    wrong = [name for name, true in checks if not true]
    print(f"verdict self-test: {len(checks)} checks, {len(wrong)} wrong {wrong or ''}")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:] != ["--self-test"]:
        sys.exit("usage: verdict.py --self-test")
    sys.exit(self_test())
