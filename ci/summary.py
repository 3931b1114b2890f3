#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Adds up what the tiers did: summary.py REPORTS, or --self-test.

Each folder of REPORTS is one tier and holds ctest's JUnit files, steps.tsv (result, name, reason) and
tier.tsv (exit status, seconds). The last line is the count of all, alone; the exit status is 0 only when
nothing failed and each tier ran something.
"""

import re
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path


class Tier:
    def __init__(self, folder):
        self.name = folder.name
        self.passed = 0
        self.failed = []  # (name, reason)
        self.skipped = []
        self.seconds = 0
        status = 1
        if (folder / "tier.tsv").exists():
            status, self.seconds = map(int, (folder / "tier.tsv").read_text().split())
        if (folder / "steps.tsv").exists():
            for line in (folder / "steps.tsv").read_text().splitlines():
                self.count(*line.split("\t"))
        for path in sorted(folder.glob("*.xml")):
            self.read_junit(path)
        if self.passed == 0 and not self.failed:
            self.failed.append((self.name, "ran nothing"))
        if status != 0 and not self.failed:
            self.failed.append((self.name, f"ended with status {status}"))

    def count(self, result, name, reason=""):
        if result == "passed":
            self.passed += 1
        elif result == "skipped":
            self.skipped.append((name, reason or "no reason given"))
        else:
            self.failed.append((name, reason))

    def read_junit(self, path):
        """ctest knows run, fail, notrun and disabled; a skip is notrun with a skipped element."""
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            name = f"{path.stem}: {case.get('name')}"
            output = case.findtext("system-out") or ""
            said = re.search(r"^SKIPPED: (.*)$", output, re.M)
            if case.find("skipped") is not None and case.get("status") != "fail":
                reason = said.group(1) if said else case.find("skipped").get("message", "")
                self.count("skipped", name, reason)
            elif case.get("status") == "run":
                self.count("passed", name)
                # parts of a program that cmocka skipped while the program went on
                for part in dict.fromkeys(re.findall(r"^\[  SKIPPED \] (\S+)$", output, re.M)):
                    self.count("skipped", f"{name}: {part}", said.group(1) if said else "")
            else:
                failure = case.find("failure")
                said = re.search(r"^.*(?:FAIL|ERROR|rror:|Sanitizer|wrong).*$", output, re.M)
                reason = failure.get("message") if failure is not None else "not run"
                last = (output.strip().splitlines() or ["nothing"])[-1]
                self.count("failed", name, reason or (said.group()[:200] if said else f"its output ends: {last}"))


def table(tiers):
    print(f"\n{'tier':<14}{'passed':>8}{'failed':>8}{'skipped':>9}{'time':>8}")
    for tier in tiers:
        time = f"{tier.seconds // 60}:{tier.seconds % 60:02}"
        print(f"{tier.name:<14}{tier.passed:>8}{len(tier.failed):>8}{len(tier.skipped):>9}{time:>8}")
    for title, pick in (("skipped", lambda tier: tier.skipped), ("failed", lambda tier: tier.failed)):
        rows = [(tier.name, *row) for tier in tiers for row in pick(tier)]
        if rows:
            print(f"\n{title}:")
        for tier, name, reason in rows:
            print(f"  {tier}  {name}: {reason}")


def summarise(reports):
    tiers = [Tier(folder) for folder in sorted(Path(reports).iterdir()) if folder.is_dir()]
    table(tiers)
    failed = sum(len(tier.failed) for tier in tiers)
    passed = sum(tier.passed for tier in tiers)
    skipped = sum(len(tier.skipped) for tier in tiers)
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if tiers and failed == 0 and passed > 0 else 1


JUNIT = """<testsuite>
<testcase name="good" status="run"><system-out>[  SKIPPED ] part_of_it
[  SKIPPED ] part_of_it
</system-out></testcase>
<testcase name="bad" status="fail"><failure message="exit 1"/><system-out/></testcase>
<testcase name="away" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>
<system-out>SKIPPED: no such machine
</system-out></testcase>
<testcase name="lost" status="notrun"><failure message="unable to find"/></testcase>
</testsuite>"""

# steps.tsv, tier.tsv, JUnit, then passed, failed, skipped, exit status
CASES = (
    ("passed\ta\t\n", "0 3", None, (1, 0, 0, 0)),
    ("passed\ta\t\nskipped\tb\twhy\n", "0 3", None, (1, 0, 1, 0)),
    ("passed\ta\t\nfailed\tb\twhy\n", "0 3", None, (1, 1, 0, 1)),
    ("skipped\tb\twhy\n", "0 3", None, (0, 1, 1, 1)),
    ("passed\ta\t\n", "1 3", None, (1, 1, 0, 1)),
    ("passed\ta\t\n", None, None, (1, 1, 0, 1)),
    ("", "0 3", None, (0, 1, 0, 1)),
    ("", "0 3", JUNIT, (1, 2, 2, 1)),
)


def self_test():
    wrong = 0
    for steps, tier, junit, expected in CASES:
        with tempfile.TemporaryDirectory() as reports:
            folder = Path(reports, "10-one")
            folder.mkdir()
            (folder / "steps.tsv").write_text(steps)
            if tier:
                (folder / "tier.tsv").write_text(tier)
            if junit:
                (folder / "gcc-release-1.xml").write_text(junit)
            found = Tier(folder)
            seen = (found.passed, len(found.failed), len(found.skipped), summarise(reports))
            if seen != expected:
                print(f"WRONG: {steps!r} {tier} gives {seen}, not {expected}")
                wrong += 1
    print(f"summary self-test: {len(CASES)} cases, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(self_test() if sys.argv[1] == "--self-test" else summarise(sys.argv[1]))
