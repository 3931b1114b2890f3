# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Proves on this machine that the gate neither cries wolf nor sleeps.

A revision against a second build of itself must raise no alarm, and its claims must hold. Against a build that does one
operation in so many twice (more of them for classes with a higher limit), each timed case must fail. Against one with
one instruction more for each operation, and against one that does one operation in 33 twice, each counted case must:
3 % of the work is seen in every kernel by one part of the gate or the other.

A slowdown that was not seen is missed when the gate was sure of less than was injected, and unanswered when the machine
was too noisy to be sure. Only the first is the gate's fault.
"""

import json
import os
import time
from pathlib import Path

import compare
import measure
import proof
import verdict


class Progress:
    """Says what happened and about how long the rest takes."""

    def __init__(self, steps):
        self.start, self.done, self.steps = time.monotonic(), 0, steps

    def tell(self, line, steps=0):
        self.done += steps
        seconds = time.monotonic() - self.start
        left = seconds / self.done * (self.steps - self.done) if self.done else 0
        print(f"[{seconds:4.0f} s, {left:4.0f} s left] {line}", flush=True)


def is_missed(row, injected):
    """Whether a slowdown that raised no alarm is the gate's fault: it was sure of less than there was."""
    return row["verdict"] == "same" and row["high"] < injected


def slowed(options, sides, limits, progress):
    """{caught, injected, missed, unanswered}: of a slowdown in each timed case."""
    found = {"caught": 0, "injected": 0, "missed": [], "unanswered": []}
    cases = measure.cases(options.runner, sides["head"])
    for number in range(1, options.injections + 1):
        for kind, every, folder in options.slow:
            only = [name for name, (_, of) in cases.items() if of == kind]
            rows = [row for row in compare.timed(options, sides["head"], folder, limits, only)[0]
                    if row["case"] in only]
            lost = [row for row in rows if row["verdict"] != "regression"]
            missed = [row for row in lost if is_missed(row, 1 / int(every))]
            found["injected"] += len(rows)
            found["caught"] += len(rows) - len(lost)
            found["missed"] += [row["case"] for row in missed]
            found["unanswered"] += [row["case"] for row in lost if row not in missed]
            told = ", ".join(f"{row['case']} {100 * row['change']:+.2f} % ({row['verdict']})" for row in lost)
            progress.tell(f"{kind} {100 / int(every):.0f} % slower {number}/{options.injections}: "
                          f"{len(rows) - len(lost)} of {len(rows)} caught" + (f"; not {told}" if told else ""), 1)
    return found


def counted(what, head, worse, limits, progress):
    """{caught, injected, missed} of more instructions: counts are exact, so once is enough."""
    rows = [row for row in verdict.judge_exact(head, worse, limits) if row["event"] == "instructions"]
    missed = [row["case"] for row in rows if row["verdict"] != "regression"]
    progress.tell(f"{what}: {len(rows) - len(missed)} of {len(rows)} caught by counts"
                  + (f"; missed {', '.join(missed)}" if missed else ""), 1)
    return {"caught": len(rows) - len(missed), "injected": len(rows), "missed": missed}


def lengthened(options, sides, limits, progress):
    """What counts find of one instruction more for each operation, of 3 % of the operations done twice, and whether a
    second build of the same counts the same."""
    head, again, nop, more = (measure.counts(options.runner, sides[kind]) for kind in ("head", "again", "nop", "more"))
    longer = counted("one instruction more", head, nop, limits, progress)
    repeated = counted("3 % of the operations twice", head, more, limits, progress)
    differ = [f"{row['case']} {row['event']}" for row in verdict.judge_exact(head, again, limits)
              if row["verdict"] != "same"]
    if differ:
        progress.tell(f"ALARM, counts of identical builds differ: {', '.join(differ)}")
    return longer, repeated, differ


def held(options, sides, limits, progress):
    """{held, broken, unclear} of the claims, and the ratios that were seen."""
    rows, _ = compare.claims(options, sides["head"], limits)
    names = {kind: [row["case"] for row in rows if row["verdict"] == kind] for kind in ("regression", "unclear")}
    found = {"held": len([row for row in rows if row["verdict"] == "holds"]), "broken": names["regression"],
             "unclear": names["unclear"], "ratios": {row["case"]: round(row["ratio"], 4) for row in rows}}
    progress.tell(f"claims: {found['held']} hold"
                  + (f"; broken {', '.join(found['broken'])}" if found["broken"] else "")
                  + (f"; unclear {', '.join(found['unclear'])}" if found["unclear"] else ""), 1)
    return found


def furthest(rows):
    """{class: the change of an identical build that came closest to the limit}: what limits are calibrated by."""
    most = {}
    for row in rows:
        most[row["class"]] = max(most.get(row["class"], 0), abs(row["change"]))
    return most


def identical(options, sides, limits, progress):
    """{alarms, comparisons, unanswered, spread}: a build against an identical one."""
    found = {"alarms": 0, "comparisons": options.comparisons, "unanswered": 0, "spread": {}}
    for number in range(1, options.comparisons + 1):
        rows, _ = compare.timed(options, sides["head"], sides["again"], limits)
        alarms = [row["case"] for row in rows if row["verdict"] == "regression"]
        noisy = [row["case"] for row in rows if row["verdict"] == "unclear"]
        found["alarms"] += bool(alarms)
        found["unanswered"] += bool(noisy and not alarms)
        for kind, most in furthest(rows).items():
            found["spread"][kind] = round(max(found["spread"].get(kind, 0), most), 5)
        far = max(rows, key=lambda row: abs(row["change"]) / row["limit"])
        progress.tell(f"identical {number}/{options.comparisons}: "
                      + (f"ALARM {', '.join(alarms)}" if alarms else "no alarm") +
                      f"; furthest {far['case']} {100 * far['change']:+.2f} %"
                      + (f"; no answer: {', '.join(noisy)}" if noisy else ""), 1)
    return found


def status_of(summary):
    """0: proved, 1: the gate is wrong, 2: the machine is too noisy to tell."""
    slower, longer, claims = summary["slower"], summary["longer"], summary["claims"]
    if summary["alarms"] or claims["broken"]:
        return 1
    if any(kind["caught"] < kind["injected"] or not kind["injected"] for kind in (longer, summary["repeated"])):
        return 1
    injected, missed = slower["injected"], len(slower["missed"])
    few = 0.01 * injected
    if not injected or missed > max(1, few):  # one of fifty says nothing against one in a hundred; the long form does
        return 1
    noisy = summary["unanswered"] or claims["unclear"] or injected - slower["caught"] - missed > few
    return 2 if noisy else 0


def run(options):
    sides, limits, env = dict(options.side), verdict.read_limits(), proof.environment(options)
    refused = options.record and proof.refusal(options.record, env)
    if refused:
        print(f"gate self-test: {refused}")
        return 2
    progress = Progress(3 + options.comparisons + options.injections * len(options.slow))
    try:
        longer, repeated, differ = lengthened(options, sides, limits, progress)
        claims = held(options, sides, limits, progress)
        slower = slowed(options, sides, limits, progress)
        summary = {"schema": 2, **identical(options, sides, limits, progress), "slower": slower, "longer": longer,
                   "repeated": repeated, "claims": claims}
    except measure.CannotMeasure as error:
        print(f"gate self-test: could not measure: {error}")
        return 2
    summary["alarms"] += bool(differ)
    summary.update(environment={**env, "load1_after": round(os.getloadavg()[0], 2)}, limits=limits["classes"],
                   processes=options.processes, rounds=options.rounds,
                   seconds=round(time.monotonic() - progress.start), status=status_of(summary))
    text = json.dumps(summary, indent=1) + "\n"
    Path(options.root, "self-test.json").write_text(text, encoding="utf-8")
    if options.record:
        print(f"kept in {proof.keep(options.record, env, summary)}")
    print(f"gate self-test: alarms {summary['alarms']}/{summary['comparisons']} ({summary['unanswered']} without an "
          f"answer), slower caught {slower['caught']}/{slower['injected']}, one instruction more caught "
          f"{longer['caught']}/{longer['injected']}, 3 % by counts {repeated['caught']}/{repeated['injected']}, claims "
          f"{claims['held']} hold, {len(claims['broken'])} broken")
    return summary["status"]
