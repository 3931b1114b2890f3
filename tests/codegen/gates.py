#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Counts the instructions of one hot operation and compares them with results/gates.json.

    gates.py NAME --program GATE --compiler gcc12 --build Release --gates results/gates.json [--pin]

Instructions are exact where times are noise: one instruction more on a path is one more at every run. A
gate holds for the compiler it names (and for a library gate, the kind of build); elsewhere the number is
printed and the test is skipped. More than the pinned number fails. Fewer passes and asks for the gate to be
tightened, since a gate with slack lets the next change be slower. --pin writes what was measured into the
file; the reason for a change is for a person to add, there and as a line "Limits:" of the commit.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

SKIP = 77
FEW, MANY = 102400, 307200  # as many digits each, and both whole batches
SLACK = 0.005  # start-up differs by a few instructions with the environment


def instructions(program, name, count):
    """Instructions of one whole run, or None when the program skips."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "callgrind.out")
        command = ["valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=" + out]
        command += [program, name, str(count)]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if run.returncode == SKIP:
            print(run.stdout.decode())
            return None
        if run.returncode != 0:
            output = run.stdout.decode(errors="replace")
            raise SystemExit(f"{' '.join(command)}: exit {run.returncode}\n{output}")
        with open(out, encoding="utf-8") as file:
            for line in file:
                if line.startswith(("totals:", "summary:")):
                    return int(line.split()[1])
    raise SystemExit("callgrind wrote no total")


def verdict(measured, pinned):
    """(exit status, sentence) for a measured and a pinned number."""
    if measured > pinned + SLACK:
        return 1, f"{measured:.2f} instructions an operation, {pinned} are allowed: it became slower"
    if measured < pinned - SLACK:
        return 0, f"{measured:.2f} instructions an operation, {pinned} are allowed: tighten the gate"
    return 0, f"{measured:.2f} instructions an operation, as pinned"


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def pin(options, measured):
    """Write a measured number down; new gates come without a reason."""
    content = read(options.gates)
    name = f"{options.name}/{options.compiler}"
    gate = next((gate for gate in content["codegen"] if gate["id"] == name), None)
    if gate is None:
        gate = {"id": name, "instructions": 0, "build": options.build, "why": ""}
        content["codegen"].append(gate)
    gate["instructions"] = round(measured, 3)
    with open(options.gates, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")


def self_test():
    cases = ((12.0, 12, 0), (12.001, 12, 0), (12.01, 12, 1), (13, 12, 1), (11, 12, 0))
    wrong = [case for case in cases if verdict(case[0], case[1])[0] != case[2]]
    if "tighten" not in verdict(11, 12)[1]:
        wrong.append("fewer instructions are not told")
    print(f"gates self-test: {len(cases)} cases, {len(wrong)} wrong {wrong or ''}")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?")
    parser.add_argument("--program")
    parser.add_argument("--compiler", help="family and major version: gcc12, clang14")
    parser.add_argument("--build", help="kind of build of the library")
    parser.add_argument("--gates", help="results/gates.json")
    parser.add_argument("--pin", action="store_true", help="write the measured number into the gates")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    if not shutil.which("valgrind"):
        print("SKIPPED: valgrind is not installed")
        return SKIP

    few = instructions(options.program, options.name, FEW)
    if few is None:
        return SKIP
    measured = (instructions(options.program, options.name, MANY) - few) / (MANY - FEW)
    print(f"{options.name}/{options.compiler}, {options.build}: {measured:.3f} instructions an operation")

    if options.pin:
        pin(options, measured)
    gates = {gate["id"]: gate for gate in read(options.gates)["codegen"]}
    gate = gates.get(f"{options.name}/{options.compiler}")
    if gate is None:
        print(f"SKIPPED: no gate is pinned for {options.compiler}")
        return SKIP
    if gate.get("build", options.build) != options.build:
        print(f"SKIPPED: the gate is pinned for a {gate['build']} build, this is {options.build}")
        return SKIP
    status, sentence = verdict(measured, gate["instructions"])
    print(sentence)
    return status


if __name__ == "__main__":
    sys.exit(main())
