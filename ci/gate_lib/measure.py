# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Runs bench/gate's runner: counts under callgrind, and duets in fresh processes.

A side is a shared object with cases, or a folder with plugin.so and what it needs beside it; the folder may also hold a
program, which is the runner with the same cases linked in, as users link them. Each process gets new copies of all: the
physical pages of a file stay where they are as long as they are cached, and have been seen to make one of two
identical libraries 6 % slower in every process. Whatever keeps a number from being measured raises CannotMeasure: a
gate that passes because it could not look is worse than none.
"""

import glob
import os
import re
import shutil
import subprocess
import tempfile

FEW, MANY = 16384, 49152  # multiples of GATE_STEP in bench/gate/gate.h
CALLGRIND = ("valgrind", "-q", "--tool=callgrind", "--branch-sim=yes", "--cache-sim=yes",
             "--I1=32768,8,64", "--D1=32768,8,64", "--LL=8388608,16,64",
             "--zero-before=gate_point", "--dump-after=gate_point")
FLAGS = ("-std=gnu17", "-D_GNU_SOURCE", "-O2", "-falign-functions=64")


class CannotMeasure(Exception):
    """Says why."""


def run(command):
    """The lines that the runner printed, split at tabs."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, text=True)
    except OSError as error:
        raise CannotMeasure(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise CannotMeasure(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr.strip()}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def build_runner(compiler, sources, out):
    """The runner, made from its sources; they come with the gate wherever it is installed."""
    files = sorted(glob.glob(os.path.join(sources, "*.c")))
    if not files:
        raise CannotMeasure(f"{sources} has no sources of the runner")
    run([compiler, *FLAGS, *files, "-o", out, "-ldl", "-pthread"])


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


def alone(runner, side, what):
    """The command that does something with one side: its program if it has one, else its plug-in."""
    program = os.path.join(side, "program")
    return [program, what, "-"] if os.path.exists(program) else [runner, what, side]


def cases(runner, side):
    """{case: (family, class)} of one side."""
    return {fields[1]: (fields[2], fields[3]) for fields in run(alone(runner, side, "list"))}


def counts(runner, side, only=()):
    """{case: {event: per operation, "functions": {name: instructions per operation}}} of one side."""
    if not shutil.which("valgrind"):
        raise CannotMeasure("valgrind is not installed")
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "dump")
        command = [*CALLGRIND, "--callgrind-out-file=" + out, *alone(runner, side, "count"), str(FEW), str(MANY)]
        names = [fields[1] for fields in run([*command, *only]) if fields[0] == "point"]
        if not names or len(glob.glob(out + ".*")) != len(names):
            raise CannotMeasure(f"callgrind wrote {len(glob.glob(out + '.*'))} dumps for {len(names)} points")
        found = {}
        for number in range(0, len(names), 2):
            few, many = (read_dump(f"{out}.{number + part}") for part in (1, 2))
            found[names[number]] = {**per_operation(events_of(few[0]), events_of(many[0])),
                                    "functions": per_operation(few[1], many[1])}
    return found


def copy(side, folder, name):
    """A new copy of a side; a shared object becomes a folder of its own."""
    place = os.path.join(folder, name)
    if os.path.isdir(side):
        shutil.copytree(side, place, symlinks=True)
    else:
        os.mkdir(place)
        shutil.copy(side, os.path.join(place, "plugin.so"))
    return place


class Times:
    """What fresh processes measured: ratios {case: [one of each process]}, nanoseconds of the side that is compared
    with, what each case is, and what the machine cannot run."""

    def __init__(self):
        self.ratios, self.nanoseconds, self.cases, self.skipped = {}, {}, {}, {}

    def add(self, lines):
        for fields in lines:
            if fields[0] == "skip":
                self.skipped[fields[1]] = fields[2]
            elif fields[0] == "case":
                self.cases[fields[1]] = (fields[2], fields[3])
                self.ratios.setdefault(fields[1], []).append(float(fields[4]))
                self.nanoseconds.setdefault(fields[1], []).append(float(fields[5]))


def fresh(runner, sides, options, processes, only, times, progress=None):
    """Adds so many processes to the times: of two sides against each other, or of one against its floors."""
    for process in processes:
        if progress:
            progress(process, processes[-1])
        # Which side is copied, loaded, set up and timed first changes from process to process.
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            order = list(enumerate(sides))[::-1 if process % 2 else 1]
            places = [place for _, place in sorted((index, copy(side, folder, f"side{index}"))
                                                   for index, side in order)]
            command = [runner, "duet", *places] if len(sides) == 2 else alone(runner, places[0], "claims")
            times.add(run([*command, str(options.rounds), str(process % 2), *only]))
    return times
