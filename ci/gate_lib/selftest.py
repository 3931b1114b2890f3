# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Proves on this machine that ci/gate neither cries wolf nor sleeps.

A revision against a second build of itself must raise no alarm. Against a build that does one operation in 33
twice (16 for branchy cases, whose limit is higher), each timed case must fail, and against one with one instruction
more for each operation, each counted case.
"""

import json
import time
from pathlib import Path

import measure
import verdict


def regressions(rows):
    return [row["case"] for row in rows if row["verdict"] == "regression"]


def identical(options, sides, judge, tell):
    """(alarms, comparisons, comparisons without an answer): a build against an identical one."""
    alarms, unclear = 0, 0
    for number in range(1, options.comparisons + 1):
        result = judge(options, sides["head"], sides["again"])
        found = regressions(result["exact"] + result["timed"])
        alarms += result["status"] == 1
        unclear += result["status"] == 2
        worst = max(result["timed"], key=lambda row: abs(row["change"]) / row["limit"], default=None)
        far = f"; furthest {worst['case']} {100 * worst['change']:+.2f} %" if worst else ""
        noisy = [row["case"] for row in result["timed"] if row["verdict"] == "unclear"]
        tell(f"identical {number}/{options.comparisons}: {'ALARM ' + ', '.join(found) if found else 'no alarm'}{far}"
             + (f"; no answer: {noisy or result['not_measured']}" if result["status"] == 2 else ""))
    return alarms, options.comparisons, unclear


def slowed(options, sides, timed, tell):
    """(caught, injected) of a slowdown of 3 % in each case, 6 % in branchy ones."""
    limits = verdict.read_limits()
    caught = injected = 0
    for number in range(1, options.injections + 1):
        for kind, percent in (("kernel", 3), ("branchy", 6)):
            only = [name + "/" for name, family in limits["families"].items() if family["class"] == kind]
            rows = timed(options, sides["head"], sides[f"slow{percent}"], limits, only)[0]
            missed = [f"{row['case']} {100 * row['change']:+.2f} % ({row['verdict']})" for row in rows
                      if row["verdict"] != "regression"]
            caught += len(rows) - len(missed)
            injected += len(rows)
            tell(f"{kind} {percent} % slower {number}/{options.injections}: {len(rows) - len(missed)} of {len(rows)} "
                 "caught" + (f"; missed {', '.join(missed)}" if missed else ""))
    return caught, injected


def lengthened(options, sides, tell):
    """(caught, injected) of one instruction more for each operation."""
    limits = verdict.read_limits()
    sides = [measure.counts(options.runner, sides[kind]) for kind in ("head", "nop")]
    rows = [row for row in verdict.judge_exact(*sides, limits) if row["event"] == "instructions"]
    missed = [f"{row['case']} {row['delta']:+.3f}" for row in rows if row["verdict"] != "regression"]
    tell(f"one instruction more: {len(rows) - len(missed)} of {len(rows)} caught"
         + (f"; missed {', '.join(missed)}" if missed else ""))
    return len(rows) - len(missed), len(rows)


def run(options, sides, judge, timed):
    start = time.monotonic()

    def tell(line):
        print(f"[{time.monotonic() - start:4.0f} s] {line}", flush=True)

    try:
        slow, long = slowed(options, sides, timed, tell), lengthened(options, sides, tell)
        alarms, comparisons, unclear = identical(options, sides, judge, tell)
    except measure.CannotMeasure as error:
        print(f"gate self-test: could not measure: {error}")
        return 2
    summary = {"schema": 1, "alarms": alarms, "comparisons": comparisons, "unanswered": unclear,
               "slower": {"caught": slow[0], "injected": slow[1]},
               "longer": {"caught": long[0], "injected": long[1]}}
    Path(options.root, "self-test.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(f"gate self-test: alarms {alarms}/{comparisons} ({unclear} without an answer), slower caught "
          f"{slow[0]}/{slow[1]}, one instruction more caught {long[0]}/{long[1]}")
    wrong = alarms > 0 or slow[1] == 0 or long[1] == 0 or long[0] != long[1] or slow[0] < 0.99 * slow[1]
    return 1 if wrong else 2 if unclear else 0
