# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Turns what ci/gate found into a page that a person can act on: what, how much, how sure, where to look."""

import statistics

HEADLINE = {0: "pass", 1: "REGRESSION", 2: "COULD NOT MEASURE"}


def percent(share):
    return f"{100 * share:+.2f} %"


def plain(value):
    """Without the sign of what rounds to nothing."""
    return f"{value if abs(value) >= 0.0005 else 0:.3f}"


def moved_functions(before, after):
    """The functions whose own instructions changed most, as text."""
    names = set(before) | set(after)
    moved = {name: after.get(name, 0) - before.get(name, 0) for name in names}
    most = sorted((name for name in moved if abs(moved[name]) > 0.002), key=lambda name: -abs(moved[name]))
    return ", ".join(f"`{name}` {moved[name]:+.2f}" for name in most[:4])


def family_of(result, case):
    for name, family in result["families"].items():
        if name == case:
            return family
    return case.rsplit("/", 1)[0]


def where(result, family):
    """Changed files among those that the family depends on, or where it lives when none of them changed."""
    look = result["limits"]["families"].get(family, {}).get("look", [])
    changed = [path for path in result["changed"] if any(path == at or path.startswith(at + "/") for at in look)]
    if not look:
        return "whatever this case calls"
    return ("changed: " if changed else "none changed of: ") + ", ".join(f"`{path}`" for path in changed or look)


def exact_lines(result, verdict):
    for row in result["exact"]:
        if row["verdict"] != verdict:
            continue
        sides = [result["counts"][side].get(row["case"], {}).get("functions", {}) for side in ("base", "head")]
        functions = moved_functions(*sides) if row["event"] == "instructions" else ""
        yield (f"- **{row['case']}**: {row['base']:.3f} → {row['head']:.3f} {row['event']} an operation "
               f"({row['delta']:+.3f}, allowed {row['allowed']:+.3f}); exact."
               + (f" In {functions}." if functions else "")
               + f" Look: {where(result, family_of(result, row['case']))}.")


def instructions_moved(result, case):
    """Whether the instructions of a case changed; None where they were not counted."""
    for row in result["exact"]:
        if row["case"] == case and row["event"] == "instructions":
            return abs(row["delta"]) > result["limits"]["exact"]["instructions_slack"]
    return None


def advice(result, row):
    moved = instructions_moved(result, row["case"])
    if moved is None:
        return "its instructions were not counted (a simulator hides AVX-512 and second threads)"
    if moved:
        return "its instructions changed too"
    if row["change"] > 0.3:
        return "its instructions did not change, yet layout or alignment alone are rarely worth this much"
    return "its instructions did not change: suspect layout or alignment of code and tables before the change itself"


def timed_lines(result, verdict):
    for row in result["timed"]:
        if row["verdict"] != verdict:
            continue
        yield (f"- **{row['case']}**: {percent(row['change'])} time (limit {percent(row['limit'])}, {row['class']}); "
               f"95 % sure of {percent(row['low'])} to {percent(row['high'])} over {row['processes']} processes; "
               f"{advice(result, row)}. Look: {where(result, row['family'])}.")


def claim_lines(result, verdict):
    for row in result["claims"]:
        if row["verdict"] == verdict:
            family = result["families"].get(row["case"], "")
            yield (f"- **{row['case']}**: {row['ratio']:.2f} times {row['over']} (limit {row['limit']:.2f}); 95 % sure "
                   f"of {row['low']:.2f} to {row['high']:.2f} over {row['processes']} processes. {row['why']}. "
                   f"Look: {where(result, family)}.")


def limit_lines(result):
    for change in result["limit_changes"]:
        yield f"- `{change['commit'][:12]}` {change['subject']}: {change['reason'] or 'NO REASON'}"


def section(title, lines):
    lines = list(lines)
    return [f"## {title}", "", *lines, ""] if lines else []


def timed_table(result):
    if not result["timed"]:
        return []
    lines = ["## All times", "", "| case | base, ns | change | 95 % of the median | single processes | limit | |",
             "|---|---|---|---|---|---|---|"]
    for row in result["timed"]:
        each = statistics.median(result["nanoseconds"][row["case"]])
        lines.append(f"| {row['case']} | {each:.2f} | {percent(row['change'])} | {percent(row['low'])} to "
                     f"{percent(row['high'])} | {percent(row['least'])} to {percent(row['most'])} | "
                     f"{percent(row['limit'])} | {row['verdict']} |")
    return [*lines, ""]


def claims_table(result):
    if not result["claims"]:
        return []
    lines = ["## Claims", "", "Times of one revision, held against a floor in the same process.", "",
             "| case | over | ratio | 95 % of the median | limit | |", "|---|---|---|---|---|---|"]
    for row in result["claims"]:
        limit = "" if row["limit"] is None else f"{row['limit']:.2f}"
        lines.append(f"| {row['case']} | {row['over']} | {row['ratio']:.3f} | {row['low']:.3f} to {row['high']:.3f} | "
                     f"{limit} | {row['verdict']} |")
    return [*lines, ""]


def exact_table(result):
    cases = list(dict.fromkeys(row["case"] for row in result["exact"]))
    if not cases:
        return []
    lines = ["## All counts an operation", "", "| case | instructions | data references | mispredicts | |",
             "|---|---|---|---|---|"]
    for case in cases:
        rows = [row for row in result["exact"] if row["case"] == case]
        cells = [plain(row["base"]) + (f" → {plain(row['head'])}" if abs(row["delta"]) >= 0.0005 else "")
                 for row in rows]
        worst = next((row["verdict"] for row in rows if row["verdict"] == "regression"), None)
        lines.append(f"| {case} | {' | '.join(cells)} | "
                     f"{worst or next((r['verdict'] for r in rows if r['verdict'] != 'same'), 'same')} |")
    return [*lines, ""]


def markdown(result):
    lines = [f"# Gate: {HEADLINE[result['status']]}", "",
             f"`{result['base']}` → `{result['head']}`, {result['compiler']}, {result['machine']}.", ""]
    lines += section("Not measured", (f"- {reason}" for reason in result["not_measured"]))
    lines += section("Regressions by count", exact_lines(result, "regression"))
    lines += section("Regressions by time", timed_lines(result, "regression"))
    lines += section("Claims that do not hold", claim_lines(result, "regression"))
    lines += section("Too noisy to say", [*timed_lines(result, "unclear"), *claim_lines(result, "unclear")])
    lines += section("Limits changed", limit_lines(result))
    lines += section("Slower, but the rest of the family is not", timed_lines(result, "contradicted"))
    better = [*exact_lines(result, "better"), *timed_lines(result, "better")]
    lines += section("Better", better)
    lines += claims_table(result) + timed_table(result) + exact_table(result)
    if result["skipped"]:
        lines += section("Not compared", (f"- {case}: no {isa}" for case, isa in result["skipped"].items()))
    return "\n".join(lines)
