# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""The recordings under results/: one for each machine, day and revision, as `ci/bench --record results` leaves them."""

import json
import re

FOLDER = re.compile(r"(\d{4}-\d{2}-\d{2})-(\w+)$")
PROOF = "gate-proof.json"


class Recording:
    """One report with its environment and, where it was run, the proof of the gate."""

    def __init__(self, top, folder):
        self.folder = folder.relative_to(top).as_posix()
        self.machine = folder.parent.name
        self.date, self.revision = FOLDER.search(folder.name).groups()
        self.path = f"{self.folder}/headline.json"
        report = json.loads((folder / "headline.json").read_text(encoding="utf-8"))
        self.about = report["machine"]
        self.isa = report.get("isa", "unknown")
        self.peers_skipped = report.get("peers_skipped")
        self.rows = report["rows"]
        self.by_name = by_name(report)
        self.env = environment(folder / "env.txt")
        self.proof = None
        if (folder / PROOF).exists():
            self.proof = json.loads((folder / PROOF).read_text(encoding="utf-8"))

    def ids(self):
        """The target ids in the order of the report."""
        return list(dict.fromkeys(row["id"] for row in self.rows))

    def age(self):
        """Sorts recordings; those of one day by the time that env.txt may name, else by revision."""
        return self.date, self.env.get("recorded", ""), self.revision


def by_name(report):
    """Rows by name, and by ID/name, since two ids may ask about the same thing; the first has the bare name."""
    found = {}
    for row in report["rows"]:
        found.setdefault(row["name"], row)
        found[f"{row['id']}/{row['name']}"] = row
    return found


def environment(path):
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def machines(top):
    """{machine: its recordings, newest first}, in order of the machines' names."""
    found = {}
    for path in sorted((top / "results").glob("*/*/headline.json")):
        if FOLDER.search(path.parent.name):
            recording = Recording(top, path.parent)
            found.setdefault(recording.machine, []).append(recording)
    return {name: sorted(found[name], key=Recording.age, reverse=True) for name in sorted(found)}
