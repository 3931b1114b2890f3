# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Call stacks with weights, from what perf and callgrind write. A stack is a tuple of frames, the outermost first, and
begins below the frame where guestmem-bench calls what it measures: everything else only prepares it."""

import collections
import os
import re

LOOP = "bench_timed"  # bench/lib/bench.h
LEAST = 0.0005  # a smaller share of a call graph cannot be seen in a picture

Frame = collections.namedtuple("Frame", "name kind")
Samples = collections.namedtuple("Samples", "stacks inside total")

FRAME = re.compile(r"^\s+([0-9a-f]+) (.*) \(([^()]*(?:\(deleted\))?)\)$")
ALLOCATOR = re.compile(r"(gm_)?je(malloc)?_")


def plain(name):
    """Without what the compiler appends to a function that it changed, and without arguments."""
    name = re.sub(r"\.(lto_priv|constprop|isra|part|cold)(\.\d+)*", "", name)
    return re.sub(r"\(anonymous namespace\)::", "", name).split("@@")[0]


def kind_of(name, dso, caller):
    """Whose code a frame is, by its file and its name; a static function belongs to who calls it."""
    if dso.startswith("[") and dso not in ("[vdso]", "[unknown]"):
        return "kernel"
    if "guestmem" not in os.path.basename(dso):
        return "other"
    if ALLOCATOR.match(name):
        return "allocator"
    if name.startswith("gm_"):
        return "library"
    return caller if caller in ("library", "allocator") else "library" if "libguestmem" in dso else "bench"


def with_kinds(named):
    """Frames from (name, file) pairs."""
    frames, caller = [], "bench"
    for name, dso in named:
        frames.append(Frame(plain(name), kind_of(name, dso, caller)))
        caller = frames[-1].kind
    return tuple(frames)


def blocks(text):
    """The header and the (address, name, file) of each frame of `perf script`, the outermost first."""
    for block in text.split("\n\n"):
        lines = [line for line in block.split("\n") if line.strip()]
        if lines:
            matches = [FRAME.match(line) for line in lines[1:]]
            yield lines[0], [match.groups() for match in reversed(matches) if match]


def period(header):
    return int(header.split()[-1])


def files_of(text):
    """The file of each address, from frames that are not inlined: for inlined ones perf does not tell it."""
    return {address: dso for _, frames in blocks(text) for address, _, dso in frames}


def from_perf(text, symbols):
    """Of `perf script -F comm,period,ip,sym,dso`, with inlined functions and, in symbols, without."""
    stacks, total, inside, files = collections.Counter(), 0, 0, files_of(symbols)
    for header, frames in blocks(text):
        total += 1
        names = [plain(name) for _, name, _ in frames]
        if LOOP in names:
            inside += 1
            measured = frames[names.index(LOOP) + 1:]
            stacks[with_kinds((name, files.get(address, dso)) for address, name, dso in measured)] += period(header)
    return Samples(stacks, inside, total)


def hottest_symbols(text):
    """Functions as the linker knows them, by their weight below the loop, of `perf script --no-inline`."""
    symbols = collections.Counter()
    for header, frames in blocks(text):
        if LOOP in (plain(name) for _, name, _ in frames):
            symbols[frames[-1][1]] += period(header)
    return symbols


class CallGraph:
    """Own costs and calls between functions, as callgrind writes them. Names are written once and numbered."""

    def __init__(self, text):
        self.own, self.calls, self.files = collections.Counter(), {}, {}
        names = {"fn": {}, "ob": {}}
        function, callee, dso = None, None, ""
        for line in text.split("\n"):
            key, _, value = line.partition("=")
            if key == "fn":
                function = self.name(names["fn"], value)
                self.files[function] = dso
            elif key == "cfn":
                callee = self.name(names["fn"], value)
            elif key == "ob":
                dso = self.name(names["ob"], value)
            elif key == "cob":
                self.name(names["ob"], value)  # may be where the number gets its name
            elif re.match(r"[+\-*\d]", line) and function is not None:
                self.cost(function, callee, line.split())
                callee = None

    @staticmethod
    def name(known, value):
        number, _, text = value.partition(" ")
        return known.setdefault(number, text)

    def cost(self, function, callee, fields):
        value = int(fields[1]) if len(fields) > 1 else 0
        if callee is None:
            self.own[function] += value
        else:
            self.calls.setdefault(function, collections.Counter())[callee] += value

    def whole(self, function):
        return self.own[function] + sum(self.calls.get(function, {}).values())


def from_callgrind(text):
    """A call graph knows who called whom, not through whom: costs are shared out in proportion to the calls."""
    graph = CallGraph(text)
    loop = next((name for name in graph.files if plain(name) == LOOP), None)
    stacks = collections.Counter()
    whole = graph.whole(loop) if loop else 0

    def walk(function, weight, path):
        total = graph.whole(function)
        if total == 0 or weight < LEAST * whole:
            return
        own = graph.own[function]
        for callee, cost in graph.calls.get(function, {}).items():
            if callee in path or callee == function:
                own += cost  # recursion stays with its function
            else:
                walk(callee, weight * cost / total, path + (callee,))
        if own and path:
            stacks[with_kinds((name, graph.files.get(name, "")) for name in path)] += weight * own / total

    if loop:
        walk(loop, whole, ())
    return Samples(stacks, whole, sum(graph.own.values()))


def own_shares(stacks):
    """(name, share) of the innermost functions, the greatest first."""
    own = collections.Counter()
    for stack, weight in stacks.items():
        own[stack[-1].name if stack else LOOP] += weight
    whole = sum(own.values())
    return [(name, weight / whole) for name, weight in own.most_common()]
