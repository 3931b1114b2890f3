# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Which figures the page has, and from which rows each is drawn. Rows are found by their regular names, so that a
figure fills itself when its rows are first recorded, and until then says what it waits for."""

import figure
import row as rows
import series
import words
from figure import Axis

REGIONS = r"regions:(?P<x>\d+)"
COSTS = Axis("ns", "time each, log scale", "regions in the guest's map, log scale", "regions")


def absent(name):
    return f"No rows named {name} in this recording."


def over_regions(recording, key, title, name, parts, target=False):
    """Lines over the region count; parts: (pattern, what ours is called there). The first has floor and peers too."""
    group, pairs_of_all = [], []
    for index, (pattern, ours) in enumerate(parts):
        pairs = series.matching(recording, pattern)
        pairs_of_all += pairs
        if index == 0:
            group += series.of_rows(pairs, ours, target)
        else:
            group += [found for found in [series.one(pairs, ours, f"ours{index}", "ours")] if found.points]
    return figure.lines(key, title, group, COSTS, absent(name), notes=series.reasons(pairs_of_all))


def translation(recording):
    single, batch = "translate/single/", "translate/batch/uniform/isa:"
    yield over_regions(recording, "call", "One translation, independent addresses",
                       f"{single}uniform/call/regions:N", [(f"{single}uniform/call/{REGIONS}", "guestmem")])
    yield over_regions(recording, "dependent", "One translation, each address waiting for the answer before it",
                       f"{single}uniform/dependent/regions:N", [(f"{single}uniform/dependent/{REGIONS}", "guestmem")])
    yield over_regions(recording, "hot", "One translation, 94 % of addresses in one region",
                       f"{single}hot94/call/regions:N", [(f"{single}hot94/call/{REGIONS}", "guestmem")])
    yield over_regions(recording, "one-by-one", "Pin, translate and unpin for each address",
                       "pin-translate-unpin/regions:N",
                       [(f"pin-translate-unpin/{REGIONS}/static", "guestmem, static"),
                        (f"pin-translate-unpin/{REGIONS}/shared", "guestmem, shared")])
    yield over_regions(recording, "batch", "Batches of 256, time of each address", f"{batch}ISA/regions:N",
                       [(f"{batch}avx512/{REGIONS}", "AVX-512"), (f"{batch}avx2/{REGIONS}", "AVX2"),
                        (f"{batch}scalar/{REGIONS}", "scalar")])
    yield layouts(recording)
    yield over_regions(recording, "region-of", "Which region an address is in", "region-of/uniform/call/regions:N",
                       [(f"region-of/uniform/call/{REGIONS}", "guestmem")])


def layouts(recording):
    """Real machines: is ours at the floor on every one?"""
    name = "translate/single/uniform/call/layout:"
    pairs = series.matching(recording, f"{name}(?P<x>.+)")
    ratios = [row["ours"] / row["floor"] for _, row in pairs if row.get("ours") and row.get("floor")]
    others = [rows.best(row, "peers")[0] / row["ours"] for _, row in pairs
              if row.get("ours") and rows.best(row, "peers")]
    parts = [f"guestmem takes {min(ratios):.2f} to {max(ratios):.2f} times the floor"] if ratios else []
    parts += [f"the best peer {min(others):.1f} to {max(others):.1f} times as long as guestmem"] if others else []
    take = f"{', '.join(parts)}." if parts else ""
    axis = Axis("ns", "", "", "recorded machine", steps=True)
    group = [found for found in series.of_rows(pairs, target=True) if found.kind != "rival"]
    return figure.bars("layouts", "One translation on memory maps of real machines", group, axis, absent(f"{name}NAME"),
                       take, series.reasons(pairs))


def changes(recording):
    publish = "publish/one-edit/"
    yield over_regions(recording, "publish", "Publishing one region, the writer's own time", f"{publish}regions:N",
                       [(f"{publish}{REGIONS}/static", "guestmem"),
                        (f"{publish}reader:1/{REGIONS}/static", "while one reads")], target=True)
    yield reader_bars(recording)
    yield from commit_rates(recording)
    yield memory(recording)


def reader_bars(recording):
    """What is left of a reader's speed; the busy processor in the writer's place is the control."""
    pairs = series.matching(recording, "reader-speed/writer:(?P<x>.+)")
    control = [pair for pair in pairs if pair[0].startswith("none")]
    group = [series.one([pair for pair in pairs if pair not in control], "share of its speed alone", "ours", "ours"),
             series.one(control, "control: busy CPU, no writer", "floor", "ours"),
             series.one(pairs, "target", "target", "target")]
    axis = Axis("ratio", "", "", "writer / map", steps=True)
    kept = group[0].points
    worst = min(kept, key=kept.get, default=None)
    take = f"At the worst ({worst}) {words.quantity(kept[worst], 'ratio')} of the speed is left." if kept else ""
    return figure.bars("readers", "A reader while a writer publishes without pause",
                       [found for found in group if found.points], axis, absent("reader-speed/writer:KIND/MAP"), take,
                       series.reasons(pairs))


def memory(recording):
    """A table alone: sizes follow from the layout, and there is nobody to compare with."""
    found = figure.Figure("memory", "Bytes that translation reads")
    pairs = series.matching(recording, "map-bytes/(?P<x>.+)")
    if not pairs:
        found.missing = absent("map-bytes/MAP")
        return found
    found.head = ["map", "bytes", "limit", "met"]
    found.body = [[x, words.quantity(row.get("ours"), "bytes"), words.quantity(row.get("target"), "bytes"),
                   {True: "yes", False: "no"}.get(row.get("met"), "–")] for x, row in pairs]
    real = {x: row["ours"] for x, row in pairs if x.startswith("layout:") and row.get("ours")}
    if real:
        most = max(real, key=real.get)
        found.take = f"At most {words.quantity(real[most], 'bytes')} on a real machine's map ({most[7:]})."
    return found


def commit_rates(recording):
    """A throttled writer, from nothing to as fast as it can; how fast that was is a row of its own."""
    title, name = "A reader against the rate of commits", "readers/commit-rate:N/MAP"
    found = series.families(recording, "readers/", "commit-rate", "ratio")
    axis = Axis("ratio", "share of its speed alone", "commits a second", "commits a second", steps=True)
    if not found:
        yield figure.lines("rates", title, [], axis, absent(name))
    for index, (family, pairs) in enumerate(found.items()):
        placed = [(words.count(x) if isinstance(x, float) else x, row) for x, row in pairs]
        rate = next((recording.by_name.get(f"T8-rate/{row['name']}", {}).get("ours") for x, row in pairs if x == "max"),
                    None)
        plot = figure.lines(f"rates-{index}", f"{title} ({family})" if len(found) > 1 else title,
                            series.of_rows(placed, target=True), axis, absent(name), order=[x for x, _ in placed],
                            notes=series.reasons(pairs))
        plot.take += f" Max was {words.rough(rate)} a second." if rate else ""
        yield plot


def over_count(recording, prefix, count, key, title, axis, name):
    """A figure for each family of rows under prefix that differ in `count:N` alone."""
    found = series.families(recording, prefix, count)
    if not found:
        yield figure.lines(key, title, [], axis, absent(name))
    for index, (family, pairs) in enumerate(found.items()):
        pairs = sorted((pair for pair in pairs if isinstance(pair[0], float)), key=lambda pair: pair[0])
        yield figure.lines(f"{key}-{index}", f"{title}: {family}", series.of_rows(pairs, target=True), axis,
                           absent(name), notes=series.reasons(pairs))


def bars_of(pairs, key, title, name):
    """Bars of rows that have no order."""
    group = [found for found in series.of_rows(pairs, target=True) if found.kind != "rival"]
    return figure.bars(key, title, group, Axis("ns", "", "", "load", steps=True), absent(name), "",
                       series.reasons(pairs))


def allocation(recording):
    axis = Axis("ns", "time each, log scale", "ranges already allocated, log scale", "ranges")
    yield from over_count(recording, "allocate/", "ranges", "allocate", "Allocating", axis, "allocate/LOAD/ranges:N")
    yield bars_of(series.matching(recording, "ids/(?P<x>.+)"), "ids", "Ids, of a million", "ids/LOAD/threads:N")


SHARES = {"clean": "clean", "dirty:1-in-10000": "0.01 %", "dirty:1-in-100": "1 %", "dirty:all": "100 %"}
GUESTS = {"256g": "256 GiB", "1t": "1 TiB"}


def dirty(recording):
    marks = {}
    for x, row in series.matching(recording, "dirty/mark/(?P<x>.+)"):
        marks.setdefault(row["id"], []).append((x, row))
    for name in marks or ("D1",):  # of different sizes, so that one scale does not fit them
        title = rows.QUESTIONS.get(name, name).capitalize()
        yield bars_of(marks.get(name, []), f"mark-{name}", title, "dirty/mark/KIND/guest:SIZE")
    yield from harvests(recording)


def harvests(recording):
    """Against the share of dirty pages, for each size of guest; a size with one share gets bars."""
    title, name, found = "Taking the dirty pages", "dirty/harvest/SHARE/guest:SIZE", {}
    for x, row in series.matching(recording, "dirty/harvest/(?P<x>.+)"):
        what, _, guest = x.partition("/guest:")
        found.setdefault(guest, []).append((SHARES.get(what, what), row))
    axis = Axis("ns", "time of a harvest, log scale", "share of pages that is dirty", "dirty", steps=True)
    if not found:
        yield figure.lines("harvest", title, [], axis, absent(name))
    for guest, pairs in found.items():
        of = f"{title} of {GUESTS.get(guest, guest)}"
        if len(pairs) == 1:
            yield bars_of(pairs, f"harvest-{guest}", of, name)
        else:
            yield figure.lines(f"harvest-{guest}", of, series.of_rows(pairs, target=True), axis, absent(name),
                               order=[x for x, _ in pairs], notes=series.reasons(pairs))


def access(recording):
    yield from over_count(recording, "access/u64/", "regions", "access", "Eight bytes", COSTS,
                          "access/u64/KIND/regions:N")
    atomics = series.matching(recording, "access/atomic/(?P<x>.+)/tracked/regions:8")
    yield bars_of(atomics, "atomic", "Atomic operations, 8 regions", "access/atomic/KIND/regions:N")
    copies = series.matching(recording, "access/copy/(?P<x>.+/regions:8)")
    yield bars_of(copies, "copy", "Copies of 64 to 4096 bytes", "access/copy/KIND/regions:N")
    yield bars_of(series.matching(recording, "virtqueue/(?P<x>.+)/trace:.*"), "virtqueue",
                  "Descriptors of a recorded virtqueue", "virtqueue/KIND/trace:NAME")


KEY_ROWS = (("call, q35-64g", "translate/single/uniform/call/layout:q35-64g"),
            ("call, 64 regions", "translate/single/uniform/call/regions:64"),
            ("call, 4096 regions", "translate/single/uniform/call/regions:4096"),
            ("dependent, 64 regions", "translate/single/uniform/dependent/regions:64"),
            ("AVX-512, 8 regions", "translate/batch/uniform/isa:avx512/regions:8"),
            ("one by one, 8 regions", "pin-translate-unpin/regions:8/static"))


def history(recordings):
    """Ratios to the floor of the same run, so that days and noise of the machine cancel out."""
    group, order = [], []
    for index, (label, name) in enumerate(KEY_ROWS):
        line = series.Series(label, f"ours{index}" if index else "ours")
        for recording in reversed(recordings):
            row = recording.by_name.get(name, {})
            again = sum(one.revision == recording.revision for one in recordings) > 1
            at = recording.revision[:7] + (f" {recording.date[5:]}" if again else "")
            order.append(at)
            if row.get("ours") and row.get("floor"):
                line.add(at, row["ours"] / row["floor"])
        group.append(line)
    axis = Axis("x floor", "times the floor, log scale", "revision of the recording, oldest first", "", steps=True)
    name = "Ratio to the floor, from recording to recording"
    found = figure.lines("history", name, [line for line in group if line.points], axis,
                         absent("that this history follows"), order=list(dict.fromkeys(order)))
    found.take = f"{words.plural(len(recordings), 'recording')} of this machine; lower is better, 1 is the floor."
    return found


def sections(recordings):
    """(heading, figures) of the page, top to bottom."""
    newest = recordings[0]
    yield "Translation", list(translation(newest))
    yield "Changing the map", list(changes(newest))
    yield "Allocation", list(allocation(newest))
    yield "Dirty tracking", list(dirty(newest))
    yield "Memory access", list(access(newest))
    yield "History", [history(recordings)]
