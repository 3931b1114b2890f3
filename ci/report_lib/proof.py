# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""What the self-test of ci/gate found (G1 to G3): alarms about identical builds, and injected slowdowns that it saw."""

import recording

HEAD = ["id", ("question", "name"), "found", "target", ""]
ABSENT = f"Not recorded yet: ci/gate --self-test=long writes self-test.json, which is kept as {recording.PROOF}."


def share(found):
    return f"{found['caught']} of {found['injected']} caught"


def newest(recordings):
    """The newest recording of a machine that has a proof, or None."""
    return next((one for one in recordings if one.proof), None)


def table(recordings):
    """The three lines, with "not run" where there is no proof."""
    if newest(recordings) is None:
        return [["G1", ("identical builds raise an alarm", "name"), "not run", "0 in 100", ""],
                ["G2", ("a slowdown of 3 % is seen", "name"), "not run", "≥ 99 %", ""],
                ["G3", ("one instruction more is seen", "name"), "not run", "always", ""]]
    found = newest(recordings).proof
    slower, longer = found["slower"], found["longer"]
    unanswered = f", {found['unanswered']} without an answer" if found["unanswered"] else ""
    verdicts = (found["alarms"] == 0 and found["comparisons"] >= 100,
                slower["injected"] > 0 and slower["caught"] >= 0.99 * slower["injected"],
                0 < longer["injected"] == longer["caught"])
    lines = (("G1", ("identical builds raise an alarm", "name"),
              f"{found['alarms']} in {found['comparisons']} comparisons{unanswered}", "0 in 100"),
             ("G2", ("a slowdown of 3 % is seen", "name"), share(slower), "≥ 99 %"),
             ("G3", ("one instruction more is seen", "name"), share(longer), "always"))
    return [[*line, ("met", "met") if good else ("missed", "missed")] for line, good in zip(lines, verdicts)]


def source(recordings):
    found = newest(recordings)
    return f"From {found.folder}/{recording.PROOF}." if found else ABSENT
