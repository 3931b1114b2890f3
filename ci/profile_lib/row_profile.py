# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Profiles one row of guestmem-bench: perf where it can sample, else callgrind. ci/profile builds and calls this."""

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys

import flame
import stacks

SKIPPED = 77
ANNOTATED, ANNOTATED_SHARE = 4, 0.02  # symbols whose code is listed, and their least share
EVENTS = ("cycles", "cpu-clock")  # the second is a timer of the kernel, for machines without a PMU
EXAMPLES = """examples:
  ci/profile T5/pin-unpin/threads:1/static
  ci/profile '^T1/.*/call/layout:q35-64g$' --seconds 10
  ci/profile '^T1/.*/call/regions:4096$' --member binary-search --out /tmp/search
  ci/profile 'publish/one-edit/regions:16/shared'

NAME is a row's name (ci/bench --list), with or without its id, or an extended regular expression that exactly one
row matches. Exit status: 0, 1 (failed), 2 (no such row, or several), 77 (no profiler works here).
"""


class Failed(Exception):
    """Ends the program with a message."""


class Unusable(Exception):
    """There is no profiler here that can do it, and why."""


def run(command, out=None):
    """(status, standard error) of a command whose output goes to a file, or nowhere."""
    with open(out, "wb") if out else open(os.devnull, "wb") as stdout:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stderr.decode(errors="replace").strip()


def last_line(text):
    return text.strip().split("\n")[-1] if text.strip() else "no message"


def choose(program, wanted):
    """The one row that is meant."""
    listed = subprocess.run([program, "--list"], stdout=subprocess.PIPE, check=True, text=True).stdout.split("\n")
    rows = [row for row in listed if row]
    exact = [row for row in rows if wanted in (row, row.partition("/")[2])]
    try:
        found = exact or [row for row in rows if re.search(wanted, row)]
    except re.error as error:
        raise Failed(f"'{wanted}' is no row and no regular expression: {error}") from error
    if len(found) == 1:
        return found[0]
    what = ":" if found else "; these are there:"
    print(f"profile: {len(found) or 'no'} rows match '{wanted}'{what}", file=sys.stderr)
    print("\n".join("  " + row for row in found or rows), file=sys.stderr)
    sys.exit(2)


def program_for(program, row):
    """Rows of the shared library are measured by the program that is linked against it, which lies beside this one."""
    twin = program + "-shared"
    if not row.endswith("/shared"):
        return program
    if not os.access(twin, os.X_OK):
        raise Failed(f"there is no {twin}, which measures rows that end in /shared")
    return twin


def command(arguments, row, *more):
    name = re.sub(r"([][.*+?(){}|^$\\])", r"\\\1", row)
    return [program_for(arguments.program, row), "--no-counters", "--only-member", arguments.member, "--seconds",
            str(arguments.seconds), "--filter", f"^{name}$", "--json", f"{arguments.out}/row.json", *more]


def measured(out):
    """The row as it was measured under the profiler, or why it was not."""
    with open(f"{out}/row.json", encoding="utf-8") as file:
        rows = json.load(file)["rows"]
    if len(rows) != 1 or rows[0].get("skipped"):
        raise Failed(rows[0]["skipped"] if rows else "the row was not measured")
    return rows[0]


# ---- perf ----


def perf_event():
    """(event, None), or (None, why not)."""
    if not shutil.which("perf"):
        return None, "perf is not installed (Debian: linux-perf)"
    # perf record would take another event than it is told to, so it is not asked.
    _, counts = run(["perf", "stat", "-x", ",", "-e", EVENTS[0], "--", "true"])
    event = EVENTS[0] if re.search(r"^\d+,", counts, re.M) else EVENTS[1]
    status, why = run(["perf", "record", "-q", "-e", event, "-o", os.devnull, "--", "true"])
    if status == 0:
        return event, None
    reason = re.search(r"perf_event_paranoid setting is (-?\d+)", why)
    return None, f"kernel.perf_event_paranoid is {reason.group(1)}" if reason else "perf: " + last_line(why)


def with_perf(arguments, row, event):
    out = arguments.out
    data = f"{out}/perf.data"
    status, why = run(["perf", "record", "-q", "-e", event, "-F", "997", "--call-graph", "dwarf,4096", "-o", data, "--",
                       *command(arguments, row)])
    if status != 0:
        raise Failed(f"perf record: {last_line(why)}")
    measured(out)
    texts = []
    for extra, path in ((), f"{out}/stacks.txt"), (("--no-inline",), f"{out}/symbols.txt"):
        status, why = run(["perf", "script", "-i", data, "-F", "comm,period,ip,sym,dso", *extra], path)
        if status != 0:
            raise Failed(f"perf script: {last_line(why)}")
        with open(path, encoding="utf-8", errors="replace") as file:
            texts.append(file.read())
    samples = stacks.from_perf(*texts)
    symbols = stacks.hottest_symbols(texts[1])
    note = f"{samples.inside} of {samples.total} samples ({event}) are in the measured loop and shown here"
    return samples, note, annotated(data, symbols)


def annotated(data, symbols):
    """Source and machine code of the hottest symbols, with the share of each instruction."""
    whole, parts = sum(symbols.values()), []
    for name, weight in symbols.most_common(ANNOTATED):
        if weight < ANNOTATED_SHARE * whole:
            break
        done = subprocess.run(["perf", "annotate", "--stdio", "-i", data, "-s", name], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        text = done.stdout.decode(errors="replace").strip("\n")
        parts.append(f"==== {name}: {flame.percent(weight / whole)} ====\n\n{text or 'no code to be shown'}\n")
    return "\n".join(parts)


# ---- callgrind ----

NOT_TIME = ", counted by callgrind: not time"
LITTLE_ROOM = " (under valgrind, which has no room for guests of more than about 32 GiB)"


def layout_of(arguments, row):
    """valgrind has room for about 32 GiB: only the row's own layout may be loaded, and it has to fit."""
    name = re.search(r"layout:([^/]+)", row)
    path = f"{arguments.layouts}/{name.group(1)}.layout" if name else f"{arguments.layouts}/microvm-2g.layout"
    return ("--layout", path)


def with_callgrind(arguments, row):
    out = arguments.out
    data = f"{out}/callgrind.out"
    status, why = run(["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--toggle-collect={stacks.LOOP}",
                       f"--callgrind-out-file={data}", "--", *command(arguments, row, "--addresses", "131072"),
                       *layout_of(arguments, row)])
    if "debuginfo reader" in why:
        raise Unusable("valgrind cannot read the debug information of this program: -gdwarf-4 helps")
    if status != 0:
        told = re.search(r"^guestmem-bench: (.*)$", why, re.M)
        raise Failed((told.group(1) if told else last_line(why)) + LITTLE_ROOM)
    try:
        measured(out)
    except Failed as error:
        raise Failed(f"{error}{LITTLE_ROOM}") from error
    with open(data, encoding="utf-8", errors="replace") as file:
        samples = stacks.from_callgrind(file.read())
    status, why = run(["callgrind_annotate", "--auto=yes", "--threshold=95", data], f"{out}/symbols.txt")
    if status != 0:
        raise Failed(f"callgrind_annotate: {last_line(why)}")
    with open(f"{out}/symbols.txt", encoding="utf-8", errors="replace") as file:
        return samples, f"{samples.inside:,} instructions of the measured loop{NOT_TIME}", file.read()


# ---- the page ----


def hot_list(shares):
    return "\n".join(f"  {flame.percent(share):>8}  {name}" for name, share in shares)


def write(arguments, row, samples, note, listing):
    title = row if arguments.member == "ours" else f"{row}, {arguments.member}"
    shares = stacks.own_shares(samples.stacks)
    picture, hot = f"{arguments.out}/flame.svg", f"{arguments.out}/hot.txt"
    with open(picture, "w", encoding="utf-8") as file:
        file.write(flame.svg(samples.stacks, title, note, "measured loop"))
    with open(hot, "w", encoding="utf-8") as file:
        file.write(f"{title}\n{note}\n\nfunctions by their own share, inlined ones apart where they are known:\n\n"
                   f"{hot_list(shares[:20])}\n\n{listing}")
    print(f"{title}\n{note}\n\nfunctions by their own share:\n{hot_list(shares[:5])}\n")
    print(f"flame graph: {picture}\nhot spots:   {hot}")
    for between in ("stacks.txt", "symbols.txt", "row.json"):
        with contextlib.suppress(FileNotFoundError):
            os.remove(f"{arguments.out}/{between}")


def profile(arguments, row):
    event, why = (None, "not asked") if arguments.tool == "callgrind" else perf_event()
    if event:
        result = with_perf(arguments, row, event)
    elif arguments.tool != "perf" and shutil.which("valgrind"):
        if arguments.tool is None:
            print(f"profile: no sampling ({why}): counting instructions with callgrind instead", file=sys.stderr)
        result = with_callgrind(arguments, row)
    else:
        raise Unusable(f"{why}; valgrind is not {'wanted' if arguments.tool == 'perf' else 'installed'}")
    if not result[0].stacks:
        raise Failed("nothing was seen in the measured loop; try more --seconds")
    write(arguments, row, *result)


def parse(argv):
    parser = argparse.ArgumentParser(prog="ci/profile", epilog=EXAMPLES, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description="Where the time of one benchmark row goes: a flame graph and the\n"
                                     "hottest code. Needs perf, or valgrind where perf is missing or forbidden.")
    parser.add_argument("name", metavar="NAME", help="of a row; see below")
    parser.add_argument("--seconds", type=int, default=5, help="of measuring (default 5)")
    parser.add_argument("--out", metavar="DIR", help="where the files go (default build/profile/<row>)")
    parser.add_argument("--member", default="ours", help="ours (default), floor, a competitor or a peer of the row")
    parser.add_argument("--with", dest="tool", choices=("perf", "callgrind"), help="this or nothing")
    parser.add_argument("--parse-only", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--program", help=argparse.SUPPRESS)
    parser.add_argument("--layouts", help=argparse.SUPPRESS)
    parser.add_argument("--root", default=".", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv):
    arguments = parse(argv)
    if not 1 <= arguments.seconds <= 3600:
        print("profile: --seconds takes a number from 1 to 3600", file=sys.stderr)
        return 2
    if arguments.parse_only:
        return 0
    try:
        row = choose(arguments.program, arguments.name)
        slug = re.sub(r"[^a-zA-Z0-9.-]+", "_", f"{row}-{arguments.member}" if arguments.member != "ours" else row)
        arguments.out = arguments.out or f"{arguments.root}/{slug}"
        os.makedirs(arguments.out, exist_ok=True)
        profile(arguments, row)
    except (Failed, OSError) as error:
        print(f"profile: {error}", file=sys.stderr)
        return 1
    except Unusable as why:
        print(f"SKIPPED: no profiler works here: {why}")
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
