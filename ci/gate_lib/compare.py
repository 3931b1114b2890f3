# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Measures two sides as far as it takes to judge them, and writes the report."""

import json
import os
import platform
import sys
from pathlib import Path

import measure
import report
import verdict

FIRST = 8  # processes that settle what is clear; an even number, since they take turns in who comes first


def cpu():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def progress(what):
    def tell(process, last):
        if sys.stderr.isatty():
            end = "\n" if process == last else ""
            print(f"\r{what}: process {process + 1} of {last + 1} ", end=end, file=sys.stderr, flush=True)
    return tell


def families_of(rows):
    """The cases to measure more of: those of all families with such a row, since families are judged together."""
    return {row["family"] for row in rows}


def names_of(times, families):
    return [name for name, (family, _) in times.cases.items() if family in families]


def timed(options, base, head, limits, only=()):
    """(rows, times). Eight processes settle a case whose ratios all lie within its limit; the other families get the
    rest of the processes, and those with a case beyond its limit as many again, and are judged on all."""
    times, sides = measure.Times(), (base, head)
    first = min(FIRST, options.processes)
    measure.fresh(options.runner, sides, options, range(first), only, times, progress("times"))
    if not times.ratios:
        raise measure.CannotMeasure("the runner timed nothing")
    unknown = {kind for _, kind in times.cases.values()} - set(limits["classes"])
    if unknown:
        raise measure.CannotMeasure(f"no limit for cases of class {', '.join(sorted(unknown))}")

    rows = verdict.judge_timed(times.ratios, times.cases, limits)
    more = families_of(row for row in rows if not verdict.is_settled(row))
    for start, end in ((first, options.processes), (options.processes, 2 * options.processes)):
        if more and start < end:
            measure.fresh(options.runner, sides, options, range(start, end), names_of(times, more), times,
                          progress("more times"))
            rows = verdict.judge_timed(times.ratios, times.cases, limits)
        more = families_of(row for row in rows if row["verdict"] not in ("same", "better"))
    return rows, times


def claims(options, side, limits):
    """(rows, times) of one side against its floors; what is beyond its limit is measured once more."""
    times = measure.Times()
    measure.fresh(options.runner, (side,), options, range(options.processes), (), times, progress("claims"))
    lost = verdict.lost_claims(limits["claims"], times.ratios, times.skipped)
    if lost:
        raise measure.CannotMeasure(f"claims on cases without a floor: {', '.join(lost)}")
    rows = verdict.judge_claims(times.ratios, limits["claims"])
    more = [row["case"] for row in rows if row["verdict"] in ("regression", "unclear")]
    if more:
        again = range(options.processes, 2 * options.processes)
        measure.fresh(options.runner, (side,), options, again, more, times, progress("claims again"))
        rows = verdict.judge_claims(times.ratios, limits["claims"])
    return rows, times


def judge_part(part, options, base, head, limits, result):
    if part == "exact":
        for name, side in (("base", base), ("head", head)):
            result["counts"][name] = measure.counts(options.runner, side)
        result["exact"] = verdict.judge_exact(*result["counts"].values(), limits)
        return
    rows, times = timed(options, base, head, limits) if part == "timed" else claims(options, head, limits)
    result["timed" if part == "timed" else "claims"] = rows
    result["skipped"].update(times.skipped)
    result["families"].update({name: family for name, (family, _) in times.cases.items()})
    if part == "timed":
        result.update(nanoseconds=times.nanoseconds, ratios=times.ratios)
    else:
        result["floors"] = times.nanoseconds


def judge(options, base, head, limits):
    """Everything about two sides, as report.json has it."""
    result = {"schema": 2, "exact": [], "timed": [], "claims": [], "not_measured": [], "skipped": {},
              "nanoseconds": {}, "floors": {}, "counts": {"base": {}, "head": {}}, "families": {},
              "limit_changes": [], "changed": [], "limits": limits}
    for part in (options.only,) if options.only else ("exact", "timed", "ratio"):
        try:
            judge_part(part, options, base, head, limits, result)
        except measure.CannotMeasure as error:
            if part == "ratio" and not limits["claims"]:
                continue  # another project's cases need no floors
            result["not_measured"].append(f"{part}: {error}")
    return result


def finish(options, result, **facts):
    """Adds the verdict, writes report.md and report.json, and returns the exit status."""
    silent = [change["commit"] for change in result["limit_changes"] if change["reason"] is None]
    if silent:
        result["not_measured"].append("limits were changed without a line \"Limits: why\" in the message of "
                                      + ", ".join(commit[:12] for commit in silent))
    status = verdict.overall(result["exact"], result["timed"], result["claims"])
    result["status"] = 2 if status == 0 and result["not_measured"] else status
    result.update(facts, machine=cpu())
    text = report.markdown(result)
    os.makedirs(options.root, exist_ok=True)
    Path(options.root, "report.md").write_text(text + "\n", encoding="utf-8")
    Path(options.root, "report.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(text)
    found = len([row for row in result["exact"] + result["timed"] + result["claims"]
                 if row["verdict"] == "regression"])
    print(f"gate: {report.HEADLINE[result['status']]}, {found} regressions, {len(result['exact'])} counts, "
          f"{len(result['timed'])} cases timed, {len(result['claims'])} claims, {result['seconds']:.0f} s; "
          f"{options.root}/report.md")
    return result["status"]
