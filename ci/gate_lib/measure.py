# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Runs bench/gate's runner: counts under callgrind, and duets in fresh processes.

A side is a folder with a plug-in and its library. Each process gets new copies of both: the physical pages of a file
stay where they are as long as they are cached, and have been seen to make one of two identical libraries 6 % slower in
every process. Whatever keeps a number from being measured raises CannotMeasure: a gate
that passes because it could not look is worse than none.
"""

import glob
import os
import re
import shutil
import subprocess
import tempfile

FEW, MANY = 16384, 65536  # multiples of GATE_STEP in bench/gate/gate.h
CALLGRIND = ("valgrind", "-q", "--tool=callgrind", "--branch-sim=yes", "--cache-sim=yes",
             "--I1=32768,8,64", "--D1=32768,8,64", "--LL=8388608,16,64",
             "--zero-before=gate_point", "--dump-after=gate_point")


class CannotMeasure(Exception):
    """Says why."""


def run(command):
    """The lines that the runner printed, split at tabs."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, text=True)
    if done.returncode != 0:
        raise CannotMeasure(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr.strip()}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def read_dump(path):
    """(totals {event: count}, {function: instructions of its own}) of one dump of callgrind."""
    names, totals, functions = {}, {}, {}
    function, skip = None, False
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("events:"):
                events = line.split()[1:]
            elif line.startswith("summary:"):  # totals: at the end lacks some of it
                totals = dict(zip(events, map(int, line.split()[1:])))
            elif match := re.match(r"c?fn=\((\d+)\)(?: (.*))?$", line):
                if match.group(2):
                    names[match.group(1)] = match.group(2)
                if not line.startswith("c"):
                    function = names.get(match.group(1), "?")
            elif line.startswith("calls="):
                skip = True  # the next line is what the callee cost, and counted there
            elif re.match(r"[0-9+*-]", line):
                if not skip and len(fields := line.split()) > 1:
                    functions[function] = functions.get(function, 0) + int(fields[1])
                skip = False
    if not totals.get("Ir"):
        raise CannotMeasure(f"{path} has no totals")
    return totals, functions


def events_of(totals):
    """callgrind leaves out zeros at the end of a line."""
    count = {event: totals.get(event, 0) for event in ("Ir", "Dr", "Dw", "Bcm", "Bim")}
    return {"instructions": count["Ir"], "data": count["Dr"] + count["Dw"],
            "mispredicts": count["Bcm"] + count["Bim"]}


def per_operation(few, many):
    return {key: (many.get(key, 0) - few.get(key, 0)) / (MANY - FEW) for key in {**few, **many}}


def counts(runner, side, only=()):
    """{case: {event: per operation, "functions": {name: instructions per operation}}} of one side."""
    if not shutil.which("valgrind"):
        raise CannotMeasure("valgrind is not installed")
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "dump")
        command = [*CALLGRIND, "--callgrind-out-file=" + out, runner, "count", side, str(FEW), str(MANY), *only]
        names = [fields[1] for fields in run(command) if fields[0] == "point"]
        if not names or len(glob.glob(out + ".*")) != len(names):
            raise CannotMeasure(f"callgrind wrote {len(glob.glob(out + '.*'))} dumps for {len(names)} points")
        found = {}
        for number in range(0, len(names), 2):
            few, many = (read_dump(f"{out}.{number + part}") for part in (1, 2))
            found[names[number]] = {**per_operation(events_of(few[0]), events_of(many[0])),
                                    "functions": per_operation(few[1], many[1])}
    return found


def duets(runner, base, head, processes, rounds, only=(), progress=None):
    """({case: (family, [ratio of each process])}, {case: [ns of base]}, {case: what it lacks})."""
    samples, nanoseconds, skipped = {}, {}, {}
    for process in range(processes):
        if progress:
            progress(process, processes)
        # Which side is copied, loaded, set up and timed first changes from process to process.
        with tempfile.TemporaryDirectory(dir=os.path.dirname(runner)) as folder:
            for side in sorted({"base": base, "head": head}.items(), reverse=process % 2 == 1):
                shutil.copytree(side[1], os.path.join(folder, side[0]), symlinks=True)
            places = [os.path.join(folder, name) for name in ("base", "head")]
            lines = run([runner, "duet", *places, str(rounds), str(process % 2), *only])
        for fields in lines:
            if fields[0] == "skip":
                skipped[fields[1]] = fields[2]
            elif fields[0] == "case":
                samples.setdefault(fields[1], (fields[2], []))[1].append(float(fields[3]))
                nanoseconds.setdefault(fields[1], []).append(float(fields[4]))
    if not samples:
        raise CannotMeasure("the runner timed nothing")
    return samples, nanoseconds, skipped
