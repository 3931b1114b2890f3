#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""What ci/gate does once both sides are built: measure, judge, report.

The exit status is ten more than that of ci/gate, so that a crash of the interpreter, which is 1, is no verdict.

    gate.py compare --root build/gate --base NAME FOLDER --head NAME FOLDER
    gate.py self-test --root build/gate --side KIND FOLDER ... [--comparisons N]
"""

import argparse
import json
import platform
import sys
import time
from pathlib import Path

import measure
import report
import selftest
import verdict


def machine():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def progress(what):
    def tell(process, processes):
        if sys.stderr.isatty():
            end = "\n" if process + 1 == processes else ""
            print(f"\r{what}: process {process + 1} of {processes} ", end=end, file=sys.stderr, flush=True)
    return tell


def timed(options, base, head, limits, only=()):
    """Samples of all cases; families with a case beyond its limit are measured once more and judged on both."""
    samples, nanoseconds, skipped = measure.duets(options.runner, base, head, options.processes, options.rounds,
                                                  only, progress("times"))
    rows = verdict.judge_timed(samples, limits)
    again = sorted({row["family"] for row in rows if row["verdict"] not in ("same", "better")})
    if again:
        more = measure.duets(options.runner, base, head, options.processes, options.rounds,
                             [family + "/" for family in again], progress("once more"))[0]
        for name, (_, ratios) in more.items():
            samples[name][1].extend(ratios)
        rows = verdict.judge_timed(samples, limits)
    return rows, samples, nanoseconds, skipped


def judge(options, base, head):
    """Everything about two sides, as report.json has it."""
    limits = verdict.read_limits()
    result = {"schema": 1, "exact": [], "timed": [], "not_measured": [], "skipped": {}, "nanoseconds": {},
              "counts": {"base": {}, "head": {}}, "families": {}, "limits": limits}
    if options.only != "timed":
        try:
            for name, side in (("base", base), ("head", head)):
                result["counts"][name] = measure.counts(options.runner, side)
            result["exact"] = verdict.judge_exact(*result["counts"].values(), limits)
        except measure.CannotMeasure as error:
            result["not_measured"].append(f"counts: {error}")
    if options.only != "exact":
        try:
            rows, samples, result["nanoseconds"], result["skipped"] = timed(options, base, head, limits)
            result["timed"] = rows
            result["families"] = {name: family for name, (family, _) in samples.items()}
            result["ratios"] = {name: ratios for name, (_, ratios) in samples.items()}
        except measure.CannotMeasure as error:
            result["not_measured"].append(f"times: {error}")
    status = verdict.overall(result["exact"], result["timed"])
    result["status"] = 2 if status == 0 and result["not_measured"] else status
    return result


def compare(options):
    start = time.monotonic()
    changed = [line for line in (options.changed or "").splitlines() if line]
    result = judge(options, options.base[1], options.head[1])
    result.update(base=options.base[0], head=options.head[0], changed=changed, machine=machine(),
                  compiler=options.compiler, seconds=round(time.monotonic() - start, 1))
    text = report.markdown(result)
    Path(options.root, "report.md").write_text(text + "\n", encoding="utf-8")
    Path(options.root, "report.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(text)
    found = len([row for row in result["exact"] + result["timed"] if row["verdict"] == "regression"])
    print(f"gate: {report.HEADLINE[result['status']]}, {found} regressions, {len(result['timed'])} cases timed, "
          f"{len(result['exact'])} counts, {result['seconds']:.0f} s; {options.root}/report.md")
    return result["status"]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("compare", "self-test"))
    parser.add_argument("--root", required=True)
    parser.add_argument("--runner", required=True)
    parser.add_argument("--base", nargs=2)
    parser.add_argument("--head", nargs=2)
    parser.add_argument("--side", nargs=2, action="append", default=[])
    parser.add_argument("--changed", help="paths that differ, a line each")
    parser.add_argument("--compiler", default="")
    parser.add_argument("--processes", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--only", choices=("exact", "timed"))
    parser.add_argument("--comparisons", type=int, default=5)
    parser.add_argument("--injections", type=int, default=1)
    return parser.parse_args()


def main():
    options = parse()
    if options.what == "compare":
        return compare(options)
    return selftest.run(options, dict(options.side), judge, timed)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(10 + main())
