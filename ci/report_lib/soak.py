# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""What `ci/soak --record` found: the torture tests, run for long."""

import json

ABSENT = "Not recorded yet: ci/soak --record results does."
HEAD = ["test", "revision", "seconds", "what it said", "at least", ""]


def newest(top, machine):
    """[(recording, one of its tests)]: of each test the newest run, in the order of its first recording."""
    paths = (top / "results" / machine).glob("*/soak.json")
    recordings = sorted((json.loads(path.read_text(encoding="utf-8")) for path in paths),
                        key=lambda recording: recording["finished"])
    return list({one["name"]: (recording, one) for recording in recordings for one in recording["soaks"]}.values())


def cells(recording, one):
    enough = f"{one['counted']:,} of {one['least']:,}" if "least" in one else ""
    return [f"`{one['name']}`", f"`{recording['revision']}`", str(one["seconds"]), "<br>".join(one["says"]), enough,
            "passed" if one["passed"] else "FAILED"]


def lines(top, machine):
    """A table of the newest runs, or one line that says that there are none."""
    import index

    found = newest(top, machine)
    return index.table(HEAD, [cells(*one) for one in found]) if found else [ABSENT]
