#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""What ci/gate does once both sides are built: measure, judge, report.

The exit status is ten more than that of ci/gate, so that a crash of the interpreter, which is 1, is no verdict.

    gate.py compare --top . --root build/gate --base NAME FOLDER --head NAME FOLDER
    gate.py self-test --top . --root build/gate --side KIND FOLDER ... --slow CLASS EVERY FOLDER ...
"""

import argparse
import sys
import time

import compare
import history
import selftest
import verdict


def run(options):
    start = time.monotonic()
    result = compare.judge(options, options.base[1], options.head[1], verdict.read_limits())
    result["changed"] = history.git(options.top, "diff", "--name-only", options.base[0], options.head[0]).splitlines()
    result["limit_changes"] = history.limit_changes(options.top, options.base[0], options.head[0])
    return compare.finish(options, result, base=options.base[0][:12], head=options.head[0][:12],
                          compiler=options.compiler, seconds=round(time.monotonic() - start, 1))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("compare", "self-test"))
    parser.add_argument("--top", required=True, help="the repository")
    parser.add_argument("--root", required=True, help="where the report goes")
    parser.add_argument("--scratch", required=True, help="where sides are copied to for each process")
    parser.add_argument("--runner", required=True)
    parser.add_argument("--base", nargs=2)
    parser.add_argument("--head", nargs=2)
    parser.add_argument("--side", nargs=2, action="append", default=[])
    parser.add_argument("--slow", nargs=3, action="append", default=[], help="a class, n and a folder where one "
                        "operation in n is done twice")
    parser.add_argument("--compiler", default="")
    parser.add_argument("--processes", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=51)
    parser.add_argument("--only", choices=("exact", "timed", "ratio"))
    parser.add_argument("--comparisons", type=int, default=5)
    parser.add_argument("--injections", type=int, default=1)
    parser.add_argument("--record", help="the folder of results that the proof is added to")
    return parser.parse_args()


def main():
    options = parse()
    return run(options) if options.what == "compare" else selftest.run(options)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(10 + main())
