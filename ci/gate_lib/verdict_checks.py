# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Tests the rules of verdict.py, history.py, selftest.py and proof.py on numbers and commits made for the purpose."""

import json
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import compare
import history
import measure
import proof
import selftest
import verdict
from verdict import interval, judge_claims, judge_exact, judge_timed, overall


def spread(center, width, count=15):
    return [center + width * (2 * i / (count - 1) - 1) for i in range(count)]


def timed_checks(limits):
    """Name and truth of each check of the rules for times."""
    def judged(kind="kernel", **families):
        ratios = {f"{family}/{i}": samples for family, lists in families.items() for i, samples in enumerate(lists)}
        rows = judge_timed(ratios, {name: (name.rsplit("/", 1)[0], kind) for name in ratios}, limits)
        return [row["verdict"] for row in rows]

    def settled(samples):
        return verdict.is_settled(verdict.summary("a/1", "a", "kernel", samples, limits))

    yield "no change passes", judged(a=[spread(1.0, 0.005)]) == ["same"]
    yield "3 % in a kernel fails", judged(a=[spread(1.03, 0.01)]) == ["regression"]
    yield "3 % in a branchy case passes", judged("branchy", a=[spread(1.03, 0.01)]) == ["same"]
    yield "6 % in a branchy case fails", judged("branchy", a=[spread(1.06, 0.01)]) == ["regression"]
    two = limits["classes"]["two-threads"]["limit"]
    yield "two threads below their limit", judged("two-threads", a=[spread(1 + 0.9 * two, 0.01)]) == ["same"]
    yield "two threads beyond their limit", judged("two-threads", a=[spread(1 + 1.1 * two, 0.01)]) == ["regression"]
    yield "a process gone astray changes nothing", judged(a=[spread(1.0, 0.005, 14) + [2.0]]) == ["same"]
    yield "3 % within wide noise is unclear", judged(a=[spread(1.03, 0.5)]) == ["unclear"]
    yield "a family that says otherwise", judged(a=[spread(1.03, 0.005), spread(0.95, 0.005)])[0] == "contradicted"
    yield "a family that agrees", judged(a=[spread(1.03, 0.005), spread(1.001, 0.005)]) == ["regression", "same"]
    yield "another family says nothing", judged(a=[spread(1.03, 0.005)], b=[spread(0.9, 0.005)])[0] == "regression"
    yield "3 % quicker is told", judged(a=[spread(0.97, 0.01)]) == ["better"]
    yield "the interval of 15 leaves out three at each end", interval(list(range(15))) == (3, 11)
    yield "the interval of 8 leaves out none", interval(list(range(8))) == (0, 7)
    yield "eight alike settle it", settled(spread(1.0, 0.015, 8))
    yield "one of eight beyond the limit does not", not settled(spread(1.0, 0.005, 7) + [1.021])
    yield "nor one that is quicker", not settled(spread(1.0, 0.005, 7) + [0.979])


def exact_checks(limits):
    """Name and truth of each check of the rules for counts."""
    def judged(event, before, after):
        zero = dict.fromkeys(verdict.EVENTS, 0.0)
        rows = judge_exact({"c": {**zero, event: before}}, {"c": {**zero, event: after}}, limits)
        return next(row["verdict"] for row in rows if row["event"] == event)

    yield "the same count passes", judged("instructions", 24.0, 24.0) == "same"
    yield "one instruction of 24", judged("instructions", 24.0, 25.0) == "regression"
    yield "one instruction of 2400", judged("instructions", 2400.0, 2401.0) == "regression"
    yield "0.6 % of a batch", judged("instructions", 8.0, 8.048) == "regression"
    yield "0.4 % of a batch", judged("instructions", 8.0, 8.032) == "same"
    yield "an instruction less", judged("instructions", 24.0, 23.0) == "better"
    yield "3 % more data", judged("data", 6.0, 6.18) == "regression"
    yield "1 % more data", judged("data", 6.0, 6.06) == "same"
    yield "0.06 mispredicts", judged("mispredicts", 0.0, 0.06) == "regression"
    yield "0.04 mispredicts", judged("mispredicts", 0.0, 0.04) == "same"
    yield "a regression outweighs what is unclear", overall([{"verdict": "regression"}], [{"verdict": "unclear"}]) == 1
    yield "unclear is not passed", overall([{"verdict": "same"}], [{"verdict": "unclear"}]) == 2
    yield "nothing measured is not passed", overall([], [], []) == 2
    yield "a claim alone can fail", overall([{"verdict": "same"}], [], [{"verdict": "regression"}]) == 1
    yield "claims that hold pass", overall([], [], [{"verdict": "holds"}]) == 0


def claim_checks(limits):
    """Name and truth of each check of the rules for claims, and of the file of limits."""
    def judged(samples, claims):
        return judge_claims({"a": samples}, claims)[0]["verdict"]

    yield "a claim that holds", judged(spread(1.5, 0.1), {"a": {"limit": 1.7}}) == "holds"
    yield "a claim that is broken", judged(spread(1.9, 0.1), {"a": {"limit": 1.7}}) == "regression"
    yield "a claim that is perhaps broken", judged(spread(1.75, 0.3), {"a": {"limit": 1.7}}) == "unclear"
    yield "a floor without a claim", judged(spread(9.0, 0.1), {}) == "no claim"
    yield "a claim whose case is gone", verdict.lost_claims({"a": {}, "b": {}, "c": {}}, {"a"}, {"b"}) == ["c"]
    yield "each limit has a reason", all(entry.get("why") for section in ("classes", "claims")
                                         for entry in limits[section].values())
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder, "limits.json")
        own.write_text(json.dumps({"classes": {"kernel": {"limit": 0.1}}, "claims": {"x": {"limit": 2}}}))
        others = verdict.limits_of_others(own)
        own.write_text(json.dumps({"clases": {}}))
        try:
            refused = not verdict.limits_of_others(own)
        except ValueError:
            refused = True
    yield "a project's own limit", others["classes"]["kernel"]["limit"] == 0.1
    yield "what it does not say stays", others["classes"]["branchy"] == limits["classes"]["branchy"]
    yield "our claims are not its own", set(others["claims"]) == {"x"}
    yield "a section misspelt is refused", refused


def commit(folder, message, gates):
    """A commit of a repository made here, with these limits; None leaves them as they are."""
    Path(folder, "results").mkdir(exist_ok=True)
    if gates is not None:
        Path(folder, "results/gates.json").write_text(json.dumps(gates))
    Path(folder, "other").write_text(message)
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for command in (["add", "-A"], [*who, "commit", "-qm", message], ["rev-parse", "HEAD"]):
        done = subprocess.run(["git", "-C", folder, *command], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def history_checks():
    """Name and truth of each check of the rule that a change of limits says why."""
    def said(since, until):
        return [change["reason"] for change in history.limit_changes(folder, since, until)]

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "init", "-q", folder], check=True)
        old = commit(folder, "before the rule", {"schema": 1})
        first = commit(folder, "the rule begins", {"schema": 2, "gate": {"limit": 1}})
        none = commit(folder, "nothing about limits", None)
        silent = commit(folder, "looser\n\nno word about it: Limits: are looser", {"schema": 2, "gate": {"limit": 2}})
        told = commit(folder, "tighter\n\nWork.\n\nLimits: 3 because it is quicker",
                      {"schema": 2, "gate": {"limit": 3}})
        empty = commit(folder, "again\n\nLimits:", {"schema": 2, "gate": {"limit": 4}})
        yield "what came before the rule", said(old, first) == []
        yield "a commit that leaves limits alone", said(first, none) == []
        yield "limits changed in silence", said(none, silent) == [None]
        yield "limits changed with a reason", said(silent, told) == ["3 because it is quicker"]
        yield "a reason without words", said(told, empty) == [None]
        yield "all of them", said(first, empty) == [None, "3 because it is quicker", None]


def effort(ratios, part, limits):
    """({case: processes that were spent on it}, rows): a comparison of made-up processes, ratios {case: by number}."""
    def fresh(_runner, _sides, _options, processes, only, times, _progress=None):
        for number in processes:
            times.add([["case", name, name.split("/")[0], "kernel", str(ratio(number)), "1.0"]
                       for name, ratio in ratios.items() if not only or name in only])

    options = SimpleNamespace(runner="", processes=15)
    with mock.patch.object(measure, "fresh", fresh):
        rows = part(options, limits)[0]
    return [row["processes"] for row in rows], [row["verdict"] for row in rows]


def effort_checks(limits):
    """Name and truth of each check of how many processes are spent before something is said."""
    def timed(**ratios):
        ratios = {name.replace("_", "/"): ratio for name, ratio in ratios.items()}
        return effort(ratios, lambda options, of: compare.timed(options, "base", "head", of), limits)

    def claimed(ratio, limit):
        own = {**limits, "claims": {"a/1": {"limit": limit}}}
        return effort({"a/1": ratio}, lambda options, of: compare.claims(options, "head", of), own)

    yield "what is clear after eight", timed(a_1=lambda n: 1.001, b_1=lambda n: 0.999) == ([8, 8], ["same", "same"])
    yield "one astray takes its family along", timed(a_1=lambda n: 1 + (n == 3), a_2=lambda n: 1, b_1=lambda n: 1) == (
        [15, 15, 8], ["same", "same", "same"])
    yield "a regression is looked at twice", timed(a_1=lambda n: 1.03, b_1=lambda n: 1) == (
        [30, 8], ["regression", "same"])
    yield "fifteen bad ones do not outweigh what follows", timed(a_1=lambda n: 1.03 if n < 15 else 0.99) == (
        [30], ["same"])
    yield "better is not looked at twice", timed(a_1=lambda n: 0.9) == ([15], ["better"])
    yield "a claim that holds", claimed(lambda n: 1.5, 1.7) == ([15], ["holds"])
    yield "a broken claim is looked at twice", claimed(lambda n: 1.8, 1.7) == ([30], ["regression"])
    try:
        effort({"b/1": lambda n: 1}, lambda options, of: compare.claims(options, "head", of), limits)
        lost = False
    except measure.CannotMeasure:
        lost = True
    yield "claims whose cases are gone", lost


def proof_checks():
    """Name and truth of each check of what the self-test makes of what it saw, and where that is kept."""
    def status(**changes):
        proved = {"alarms": 0, "unanswered": 0, "claims": {"broken": [], "unclear": []},
                  "slower": {"caught": 200, "injected": 200, "missed": []}, "longer": {"caught": 9, "injected": 9},
                  "repeated": {"caught": 9, "injected": 9}}
        return selftest.status_of({**proved, **changes})

    yield "a proof", status() == 0
    yield "an alarm", status(alarms=1) == 1
    yield "no answer", status(unanswered=1) == 2
    yield "an alarm and no answer", status(alarms=1, unanswered=1) == 1
    yield "a broken claim", status(claims={"broken": ["a"], "unclear": []}) == 1
    yield "an unclear claim", status(claims={"broken": [], "unclear": ["a"]}) == 2
    yield "an instruction not seen", status(longer={"caught": 8, "injected": 9}) == 1
    yield "no instruction injected", status(longer={"caught": 0, "injected": 0}) == 1
    yield "3 % of the operations not seen", status(repeated={"caught": 8, "injected": 9}) == 1
    yield "two of 200 missed", status(slower={"caught": 198, "injected": 200, "missed": ["a"] * 2}) == 0
    yield "three of 200 missed", status(slower={"caught": 197, "injected": 200, "missed": ["a"] * 3}) == 1
    yield "one of 49 missed", status(slower={"caught": 48, "injected": 49, "missed": ["a"]}) == 0
    yield "two of 49 missed", status(slower={"caught": 47, "injected": 49, "missed": ["a"] * 2}) == 1
    yield "one of 49 in noise", status(slower={"caught": 48, "injected": 49, "missed": []}) == 2
    yield "three of 200 in noise", status(slower={"caught": 197, "injected": 200, "missed": []}) == 2
    yield "nothing slowed", status(slower={"caught": 0, "injected": 0, "missed": []}) == 1
    yield "sure of less than was injected", selftest.is_missed({"verdict": "same", "high": 0.02}, 0.03)
    yield "not sure of less", not selftest.is_missed({"verdict": "same", "high": 0.04}, 0.03)
    yield "beyond the limit and unclear", not selftest.is_missed({"verdict": "unclear", "high": 0.02}, 0.03)
    env = {"machine": "a-2-cpu", "date": "2030-01-02", "revision": "abc"}
    with tempfile.TemporaryDirectory() as folder:
        first, path = proof.refusal(folder, env), proof.keep(folder, env, {"alarms": 0})
        yield "where a proof is kept", path == Path(folder, "a-2-cpu/2030-01-02-abc/gate-proof.json") and not first
        yield "what is kept", json.loads(path.read_text()) == {"alarms": 0}
        yield "a second proof is refused", bool(proof.refusal(folder, env))
        try:
            replaced = bool(proof.keep(folder, env, {"alarms": 1}))
        except FileExistsError:
            replaced = False
        yield "even when nobody asked before", not replaced
        yield "so is what is not committed", bool(proof.refusal(folder, {**env, "revision": "abd-dirty"}))


def run():
    limits = verdict.read_limits()
    checks = [*timed_checks(limits), *exact_checks(limits), *claim_checks(limits), *effort_checks(limits),
              *history_checks(), *proof_checks()]
    wrong = [name for name, true in checks if not true]
    print(f"verdict self-test: {len(checks)} checks, {len(wrong)} wrong {wrong or ''}")
    return 1 if wrong else 0
