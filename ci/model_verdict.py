#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Judges one run of a model: model_verdict.py MUTANT PROGRAM, or --self-test.

Mutant 0 is the protocol as it is compiled and has to pass after at least one execution. Every other mutant
holds a bug and has to be *reported by the checker*: a crash, a time-out or an early exit is no proof that
anything was seen.
"""

import re
import subprocess
import sys

REPORTS = (
    "USER ASSERT FAILED",
    "USER INVARIANT FAILED",
    "DATA RACE",
    "ACCESS TO FREED MEMORY",
    "DOUBLE FREE",
    "MEMORY LEAK",
    "RESOURCE LEAK",
    "ACCESS TO UNINITIALIZED VARIABLE",
    "DEADLOCK",
    "LIVELOCK",
)


def judge(mutant, status, output):
    """(True, what was seen) or (False, what is wrong)."""
    report = next((text for text in REPORTS if text in output), None)
    executions = [int(count) for count in re.findall(r"^iterations: (\d+)$", output, re.M)]
    if status < 0:
        return False, f"ended by signal {-status}"
    if mutant == 0:
        if status != 0 or report:
            return False, f"exit {status}, {report or 'no report'}: the protocol does not hold"
        if not executions or min(executions) == 0:
            return False, "no execution was explored"
        return True, f"holds in {sum(executions)} executions"
    if status == 0:
        return False, f"mutant {mutant} passes: the model does not see its bug"
    if not report:
        return False, f"mutant {mutant}: exit {status} without a report of the checker"
    return True, f"mutant {mutant} is caught: {report}"


def self_test():
    good, bad = "iterations: 12\n", "USER ASSERT FAILED (assertion: x)\niteration: 3\n"
    cases = (
        (0, 0, good, True),
        (0, 0, "", False),
        (0, 0, "iterations: 0\n", False),
        (0, 1, bad, False),
        (0, 0, good + bad, False),
        (0, -11, good, False),
        (1, 1, bad, True),
        (1, 0, good, False),
        (1, 1, "cannot open\n", False),
        (1, -6, bad, False),
        (1, -11, "", False),
    )
    wrong = [case for case in cases if judge(*case[:3])[0] != case[3]]
    for case in wrong:
        print("misjudged:", case, judge(*case[:3]))
    print(f"model verdict self-test: {len(cases)} cases, {len(wrong)} wrong")
    return 1 if wrong else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) != 2:
        print(__doc__)
        return 2
    run = subprocess.run(arguments[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    output = run.stdout.decode(errors="replace")
    right, message = judge(int(arguments[0]), run.returncode, output)
    if not right:
        print(output[-6000:])
    print(message)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
