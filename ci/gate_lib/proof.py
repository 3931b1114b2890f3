# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Where a proof was made, and where it is kept: results/<machine>/<date>-<revision>/gate-proof.json, as ci/bench names
its folders; ci/soak keeps its own beside it. What is kept is never replaced by a luckier run."""

import json
import os
import platform
import re
import time
from pathlib import Path

import history
from compare import cpu


def environment(options):
    revision = history.git(options.top, "describe", "--always", "--dirty", "--abbrev=10").strip()
    processors = len(os.sched_getaffinity(0))
    return {"machine": re.sub(r"[^a-z0-9]+", "-", f"{cpu()} {processors} cpu".lower()).strip("-"), "cpu": cpu(),
            "cpus": processors, "kernel": f"{platform.system()} {platform.release()}", "compiler": options.compiler,
            "revision": revision or "unknown", "load1": round(os.getloadavg()[0], 2),
            "date": time.strftime("%Y-%m-%d", time.gmtime())}


def place(folder, env, name):
    return Path(folder, env["machine"], f"{env['date']}-{env['revision']}", name)


def refusal(folder, env, name="gate-proof.json"):
    """Why a proof cannot be kept, or None; asked before the long run that makes it."""
    if env["revision"].endswith("-dirty"):
        return "changes that are not committed are in no revision that a proof could name"
    path = place(folder, env, name)
    return f"{path} is there already" if path.exists() else None


def keep(folder, env, summary, name="gate-proof.json"):
    path = place(folder, env, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "x", encoding="utf-8") as file:
        json.dump(summary, file, indent=1)
        file.write("\n")
    return path
