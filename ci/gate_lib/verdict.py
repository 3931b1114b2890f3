#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Decides what the gate found: numbers in, findings out, nothing measured here.

Apart from the measuring, so that the rules can be tested on numbers made for the purpose: verdict.py --self-test.

Counts are exact, so one run of each side decides. Times are judged over processes, because what disturbs a process
(where its pages and its code lie) stays with it for life: the median over many processes decides, the order statistics
around it say how sure it is, and a slowdown that the other members of its family contradict is not believed. Claims
are about one revision, whose operations are held against a floor in the same process; they are judged likewise.
"""

import json
import math
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIMITS = next((path for path in (HERE.parents[1] / "results/gates.json", HERE / "gates.json") if path.exists()), None)
SECTIONS = ("exact", "classes", "families", "claims")
EVENTS = ("instructions", "data", "mispredicts")
CONFIDENCE = 0.95


def read_limits(path=None):
    """The limits of guestmem's own cases."""
    with open(path or LIMITS, encoding="utf-8") as file:
        return json.load(file)["gate"]


def limits_of_others(path=None):
    """The limits of another project's cases: ours for counts and classes, and what its own file says instead."""
    limits = {**read_limits(), "families": {}, "claims": {}}
    if path:
        with open(path, encoding="utf-8") as file:
            own = json.load(file)
        unknown = set(own) - set(SECTIONS)
        if unknown:
            raise ValueError(f"{path} has sections that mean nothing: {', '.join(sorted(unknown))}")
        limits = {section: {**limits[section], **own.get(section, {})} for section in SECTIONS}
    return limits


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


def summary(name, family, kind, samples, limits):
    low, high = interval(samples)
    return {"case": name, "family": family, "class": kind, "limit": limits["classes"][kind]["limit"],
            "change": statistics.median(samples) - 1, "low": low - 1, "high": high - 1, "processes": len(samples),
            "least": min(samples) - 1, "most": max(samples) - 1}


def judge_timed(ratios, cases, limits):
    """ratios: {name: [of each process]}, cases: {name: (family, class)}. A regression is beyond its limit, surely
    slower at all, and in a family that is slower on average; beyond the limit but perhaps no slower at all is a failed
    measurement."""
    rows = [summary(name, *cases[name], samples, limits) for name, samples in ratios.items()]
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


def is_settled(row):
    """Whether more processes could not change the answer: with few of them, the interval is all of them."""
    return -row["limit"] < row["low"] and row["high"] < row["limit"]


def judge_claims(ratios, claims):
    """One row for each case with a floor; a case without a claim is shown and not judged."""
    rows = []
    for name, samples in ratios.items():
        claim, (low, high) = claims.get(name, {}), interval(samples)
        row = {"case": name, "ratio": statistics.median(samples), "low": low, "high": high,
               "limit": claim.get("limit"), "over": claim.get("over", "floor"), "why": claim.get("why", ""),
               "processes": len(samples), "verdict": "holds"}
        if row["limit"] is None:
            row["verdict"] = "no claim"
        elif row["ratio"] > row["limit"]:
            row["verdict"] = "regression" if low > row["limit"] else "unclear"
        rows.append(row)
    return rows


def lost_claims(claims, measured, skipped):
    """Claims about cases that do not exist: whoever renames a case takes its claim along."""
    return sorted(set(claims) - set(measured) - set(skipped))


def overall(*tables):
    """0 pass, 1 regression, 2 could not measure."""
    verdicts = {row["verdict"] for table in tables for row in table}
    return 1 if "regression" in verdicts else 2 if "unclear" in verdicts or not verdicts else 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    if sys.argv[1:] != ["--self-test"]:
        sys.exit("usage: verdict.py --self-test")
    import verdict_checks

    sys.exit(verdict_checks.run())
