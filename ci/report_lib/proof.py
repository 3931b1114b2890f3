# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""What the self-test of ci/gate found (G1 to G3): alarms about identical builds, and injected slowdowns that it saw."""

import recording

HEAD = ["id", ("question", "name"), "found", "target", ""]
ABSENT = "Not recorded yet: ci/gate --self-test=long --record results does."


def share(found):
    return f"{found['caught']} of {found['injected']} caught"


def newest(recordings):
    """The newest recording of a machine that has a proof, or None."""
    return next((one for one in recordings if one.proof), None)


ALARMS = ("G1", ("identical builds raise an alarm", "name"), "0 in 100")
TIMED = ("G2", ("slower by 3 %, or 6 to 8 % where the limit is 5 %: seen in the times", "name"), "≥ 99 %")
REPEATED = ("G2", ("3 % of the operations done twice: seen in the counts", "name"), "≥ 99 %")
LONGER = ("G3", ("one instruction more is seen in the counts", "name"), "always")


def line(about, found, good):
    name, question, target = about
    return [name, question, found, target, ("met", "met") if good else ("missed", "missed")]


def table(recordings):
    """A line for each question, with "not run" where there is no proof."""
    if newest(recordings) is None:
        return [[name, question, "not run", target, ""] for name, question, target in (ALARMS, TIMED, REPEATED, LONGER)]
    found = newest(recordings).proof
    slower, longer = found["slower"], found["longer"]
    repeated = found.get("repeated", {"caught": 0, "injected": 0})
    unanswered = f", {found['unanswered']} without an answer" if found["unanswered"] else ""
    return [line(ALARMS, f"{found['alarms']} in {found['comparisons']} comparisons{unanswered}",
                 found["alarms"] == 0 and found["comparisons"] >= 100),
            line(TIMED, share(slower), slower["injected"] > 0 and slower["caught"] >= 0.99 * slower["injected"]),
            line(REPEATED, share(repeated), 0 < repeated["injected"] == repeated["caught"]),
            line(LONGER, share(longer), 0 < longer["injected"] == longer["caught"])]


def source(recordings):
    found = newest(recordings)
    return f"From {found.folder}/{recording.PROOF}." if found else ABSENT
