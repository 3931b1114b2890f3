# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""What `ci/soak --record` found: the torture tests, run for long."""

import json

ABSENT = "Not recorded yet: ci/soak --record results does."
HEAD = ["test", "seconds", "what it said", "at least", ""]


def newest(top, machine):
    """(recording, path) of the newest soak of a machine, or None."""
    paths = (top / "results" / machine).glob("*/soak.json")
    found = [(json.loads(path.read_text(encoding="utf-8")), path) for path in paths]
    return max(found, key=lambda one: one[0]["finished"]) if found else None


def lines(top, machine):
    """A table of the newest soak, or one line that says that there is none."""
    import index

    found = newest(top, machine)
    if found is None:
        return [ABSENT]
    recording, path = found
    body = [[f"`{one['name']}`", str(one["seconds"]), "<br>".join(one["says"]),
             f"{one['counted']:,} of {one['least']:,}" if "least" in one else "",
             "passed" if one["passed"] else "FAILED"] for one in recording["soaks"]]
    return [*index.table(HEAD, body), "", f"From {path.relative_to(top).as_posix()}."]
