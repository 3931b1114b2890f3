# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Whether every quoted figure is what is recorded, and every generated page what the recordings give."""

import os

import index
import naked
import page
import quote
import readme
import recording

SKIPPED = {"build", "target", "results", ".git", ".cache"}


def generated(top):
    """{path: text} of everything that is made from the recordings."""
    machines = recording.machines(top)
    if not machines:
        raise SystemExit(f"report: there is no recording in {top / 'results'}")
    pages = {f"results/{name}/index.html": page.html(recordings) for name, recordings in machines.items()}
    pages["results/README.md"] = index.markdown(top, machines)
    text = (top / "README.md").read_text(encoding="utf-8")
    if text.count(readme.BEGIN) != 1 or text.count(readme.END) != 1:
        raise SystemExit(f"report: README.md has not its two markers, {readme.BEGIN.strip()} and {readme.END.strip()}")
    pages["README.md"] = readme.refreshed(text, machines)
    return pages


def documents(top):
    """The Markdown of the project that people write."""
    for path, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith("build"))
        for name in sorted(names):
            if name.endswith(".md"):
                yield os.path.relpath(os.path.join(path, name), top).replace(os.sep, "/")


def quoted(top, name, text):
    """Findings about the figures that name a source."""
    outside = naked.BLOCK.sub(naked.blank, naked.FENCE.sub(naked.blank, text))
    outside = naked.INDENTED.sub(naked.blank, outside)
    for found in quote.quotes(outside):
        if not found.is_figure and not found.title:
            continue  # a link to a file, no figure
        try:
            if not found.is_figure:
                raise quote.Unrecorded("the words of the link have to be a number and a unit")
            value = quote.source((top / name).parent / found.path, found.title, found.unit)
        except quote.Unrecorded as error:
            yield found.line, f"{found.shown} has no recorded source in {found.path}: {error}"
            continue
        if not found.agrees(value):
            yield found.line, f"{found.shown} is not what is recorded: {found.display(value)} ({found.title})"


def unlinked(text):
    for line, figure in naked.figures(text):
        yield line, (f"{figure} names no source: link it to its recording, put ≤ or ≥ before it if it is a limit, or "
                     "set it as code if the program says it")


def around(text, at):
    """The part of a line where two texts differ, whole words."""
    return text[text.rfind(" ", 0, max(at - 20, 0)) + 1:at + 60].strip() or "nothing"


def stale(name, text, wanted):
    """The first place where a generated text is not what it should be."""
    if text is None:
        return [(1, "is missing; run ci/report")]
    have, want = text.splitlines(), wanted.splitlines()
    for number, (old, new) in enumerate(zip(have + [""] * len(want), want + [""] * len(have)), 1):
        if old != new:
            at = next((at for at, pair in enumerate(zip(old, new)) if pair[0] != pair[1]), min(len(old), len(new)))
            return [(number, f"is not what the recordings give: '{around(old, at)}' is recorded as "
                             f"'{around(new, at)}'; run ci/report")]
    return [] if text == wanted else [(len(have), "is not what the recordings give; run ci/report")]


def findings(top):
    """(file, line, message) of all that is wrong, in the order of files."""
    for name in documents(top):
        text = (top / name).read_text(encoding="utf-8")
        for line, message in sorted([*quoted(top, name, text), *unlinked(text)]):
            yield name, line, message
    for name, wanted in sorted(generated(top).items()):
        path = top / name
        text = path.read_text(encoding="utf-8") if path.exists() else None
        for line, message in stale(name, text, wanted):
            yield name, line, message
