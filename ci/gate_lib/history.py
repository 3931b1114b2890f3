# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Commits that change the limits say why: a line "Limits: ..." in the message of each, or the gate gives no verdict.

Without this a change could loosen the limit that it exceeds, and pass.
"""

import json
import re
import subprocess

FILE = "results/gates.json"


def git(top, *arguments):
    done = subprocess.run(["git", "-C", str(top), *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=False, text=True)
    return done.stdout if done.returncode == 0 else ""


def had_limits(top, commit):
    """Whether the file held the gate's limits before this commit; where it did not, it set them for the first time."""
    try:
        return "gate" in json.loads(git(top, "show", f"{commit}^:{FILE}"))
    except ValueError:
        return False


def limit_changes(top, base, head):
    """[{commit, subject, reason}] of each commit after base that changed limits, newest last; reason: None if it
    gives none."""
    changes = []
    for commit in git(top, "log", "--reverse", "--no-merges", "--format=%H", f"{base}..{head}", "--", FILE).split():
        if not had_limits(top, commit):
            continue
        subject, _, body = git(top, "show", "-s", "--format=%B", commit).partition("\n")
        said = re.search(r"^Limits:[ \t]*(\S.*)$", body, re.M)
        changes.append({"commit": commit, "subject": subject, "reason": said.group(1).strip() if said else None})
    return changes
