# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Proves that `ci/report --check` fails where it should: each test doctors one thing in a small tree that is clean."""

import json
import math
import re
import tempfile
import unittest
from pathlib import Path

import catalogue
import check
import lineplot
import quote
import readme
import recording
import scale

OLD = "results/some-cpu/2026-01-01-ffff/headline.json"
NEW = "results/some-cpu/2026-01-02-aaaa/headline.json"
FIRST = readme.ROWS[0][1]
README = f"""# Title

One takes [1.25 ns][one], [2.0x][two] the floor, a limit is ≤ 7 us, the program says `50 us`.

    indented 3 ns

{readme.BEGIN}
[raw]({NEW})
{readme.END}
| operation | time |
|---|---|
| publish | [1.5 us]({NEW} "{readme.ROWS[1][1]} ours") |

[one]: {NEW} "{FIRST} ours"
[two]: {NEW} "{FIRST} ours / floor"
"""


def row(name, ours):
    return {"id": "T1", "name": name, "unit": "ns", "ours": ours, "floor": 0.625, "target": 2, "met": True,
            "peers": {"lib-2.0": 8.5, "lib-1.0": 9.25}, "competitors": {"tree (re-implementation)": 4}}


def headline(ours):
    rows = [row(name, ours) for _, name in readme.ROWS]
    rows[1]["ours"], rows[2]["ours"] = 1500, 85.25
    rows.append({"id": "A1", "name": "allocate/bump/ranges:16", "unit": "ns", "ours": None, "floor": None, "peers": {},
                 "target": 60, "met": None, "competitors": {}, "no_ours": "not there yet"})
    return json.dumps({"schema": 1, "revision": "x", "machine": {"quiet": True, "cpu": "Some CPU"}, "rows": rows})


class Doctored(unittest.TestCase):
    """A clean tree, and the findings after something in it was changed."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        for path, ours in ((OLD, 3.125), (NEW, 1.25)):
            (self.top / path).parent.mkdir(parents=True)
            (self.top / path).write_text(headline(ours), encoding="utf-8")
        (self.top / "README.md").write_text(README, encoding="utf-8")
        for name, text in check.generated(self.top).items():
            (self.top / name).write_text(text, encoding="utf-8")
        self.assertEqual(self.findings(), [])

    def findings(self):
        return [f"{name}:{line}: {message}" for name, line, message in check.findings(self.top)]

    def change(self, name, old, new):
        text = (self.top / name).read_text(encoding="utf-8")
        self.assertIn(old, text)
        (self.top / name).write_text(text.replace(old, new), encoding="utf-8")

    def finds(self, *parts):
        """One finding has all the parts in it."""
        found = self.findings()
        self.assertTrue(any(all(part in one for part in parts) for one in found), f"{parts} in none of {found}")

    def test_changed_figure(self):
        self.change("README.md", "[1.25 ns][one]", "[1.24 ns][one]")
        self.finds("README.md:3: 1.24 ns is not what is recorded: 1.25 ns", f"{FIRST} ours")

    def test_changed_ratio(self):
        self.change("README.md", "[2.0x][two]", "[2.1x][two]")
        self.finds("README.md:3: 2.1x is not what is recorded: 2.0x")

    def test_changed_figure_in_other_unit(self):
        self.change("README.md", "[1.5 us]", "[1.6 us]")
        self.finds("1.6 us is not what is recorded: 1.5 us")

    def test_figure_in_another_document(self):
        folder = self.top / "core"
        folder.mkdir()
        (folder / "README.md").write_text(f'ok\n\n[9.9 ns](../{NEW} "{FIRST} lib-1.0")\n', encoding="utf-8")
        self.finds("core/README.md:3: 9.9 ns is not what is recorded: 9.2 ns")

    def test_missing_file(self):
        self.change("README.md", f'[one]: {NEW}', f'[one]: {NEW.replace("some-cpu", "no-cpu")}')
        self.finds("README.md:3: 1.25 ns has no recorded source in results/no-cpu", "there is no such file")

    def test_missing_row(self):
        self.change("README.md", f'"{FIRST} ours"', '"translate/nowhere ours"')
        self.finds("README.md:3: 1.25 ns has no recorded source", "there is no row 'translate/nowhere'")

    def test_missing_field(self):
        self.change("README.md", f'"{FIRST} ours"', f'"{FIRST} lib-3.0"')
        self.finds("README.md:3: 1.25 ns has no recorded source", "'lib-3.0' has no recorded value")

    def test_missing_value_of_ours(self):
        self.change("README.md", f'"{FIRST} ours"', '"allocate/bump/ranges:16 ours"')
        self.finds("README.md:3: 1.25 ns has no recorded source", "'ours' has no recorded value")

    def test_missing_definition(self):
        self.change("README.md", "[1.25 ns][one]", "[1.25 ns][three]")
        self.finds("README.md:3: 1.25 ns names no source")

    def test_missing_title(self):
        self.change("README.md", f' "{FIRST} ours"', "")
        self.finds("README.md:3: 1.25 ns has no recorded source", "a row and a field")

    def test_wrong_unit(self):
        self.change("README.md", "[2.0x][two]", "[2.0 ns][two]")
        self.finds("README.md:3: 2.0 ns has no recorded source", "its unit is 'a ratio', not 'ns'")

    def test_unlinked_time(self):
        for figure in ("4.5 ns", "851 us", "3 µs", "2-3 ms", "12 nanoseconds"):
            self.change("README.md", "# Title", f"# Title\n\nTakes {figure} here.")
            self.finds(f"README.md:3: {figure} names no source")

    def test_unlinked_ratio(self):
        for figure in ("1.7x", "3 times quicker", "2×"):
            self.change("README.md", "# Title", f"# Title\n\nTakes {figure}")
            self.finds("README.md:3: " + " ".join(figure.split()[:2]))

    def test_figure_behind_a_limit(self):
        self.change("README.md", "≤ 7 us", "≤ 7 us or 8 us")
        self.finds("README.md:3: 8 us names no source")
        self.assertEqual(len(self.findings()), 1)

    def test_numbers_that_are_no_figures(self):
        self.change("README.md", "# Title", "# 0x80 has 64 times the bits of 2 MiB, x86, 4 KiB, 512 items in 1.2.3")
        self.assertEqual(self.findings(), [])

    def test_changed_table(self):
        self.change("README.md", "| 0.62 | 2.00 | 8.50", "| 0.63 | 2.00 | 8.50")
        self.finds("README.md:", "is not what the recordings give: ", "0.63", "recorded as", "0.62")

    def test_table_has_digits_to_compare(self):
        text = (self.top / "README.md").read_text(encoding="utf-8")
        self.assertIn("| 85.25 | 0.62 | 2.00 | 8.50 (lib-2.0) | 4.00 (tree) |", text)
        self.assertIn("| 1500 |", text)

    def test_proof_of_the_gate(self):
        found = {"schema": 1, "alarms": 1, "comparisons": 100, "unanswered": 0,
                 "slower": {"caught": 99, "injected": 100}, "longer": {"caught": 11, "injected": 12}}
        (self.top / OLD).with_name("gate-proof.json").write_text(json.dumps(found), encoding="utf-8")
        self.finds("results/some-cpu/index.html:", "not run", "1 in 100 comparisons", "run ci/report")
        text = check.generated(self.top)["results/README.md"]
        self.assertIn("1 in 100 comparisons | 0 in 100 | missed |", text)
        self.assertIn("99 of 100 caught | ≥ 99 % | met |", text)
        self.assertIn("11 of 12 caught | always | missed |", text)

    def test_page_says_what_is_missing(self):
        text = check.generated(self.top)["results/some-cpu/index.html"]
        self.assertIn("No rows named reader-speed/writer:KIND/MAP in this recording.", text)
        self.assertIn("guestmem: not there yet.", text)
        self.assertNotRegex(text, r"(src|href)=\"(https?:)?//")

    def test_plots_show_what_is_recorded(self):
        figures = catalogue.translation(recording.machines(self.top)["some-cpu"][0])
        call = next(figure for figure in figures if figure.key == "call")
        self.assertEqual(call.body, [
            ["64", "85.2 ns", "0.62 ns", "8.50 ns", "9.25 ns", "4.00 ns", "tree"],
            ["4096", "1.25 ns", "0.62 ns", "8.50 ns", "9.25 ns", "4.00 ns", "tree"]])
        points = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="4"><title>(.*?)<', call.picture)
        self.assertEqual([title for _, _, title in points], ["guestmem, 64: 85.2 ns", "guestmem, 4096: 1.25 ns"])
        for (_, y, _), value in zip(points, (85.25, 1.25)):  # the axis goes from 0.5 to 100
            share = math.log(value / 0.5) / math.log(200)
            self.assertAlmostEqual(float(y), lineplot.BOTTOM + share * (lineplot.TOP - lineplot.BOTTOM), delta=0.1)
        self.assertLess(float(points[0][0]), float(points[1][0]))

    def test_stale_index(self):
        self.change("results/README.md", "| 1.25 | 0.62 |", "| 1.15 | 0.62 |")
        self.finds("results/README.md:", "1.15", "is recorded as", "1.25", "run ci/report")

    def test_stale_page(self):
        self.change("results/some-cpu/index.html", "<td>1.25</td>", "<td>1.26</td>")
        self.finds("results/some-cpu/index.html:", "1.26", "is recorded as", "1.25")

    def test_lost_page(self):
        (self.top / "results/some-cpu/index.html").unlink()
        self.finds("results/some-cpu/index.html:1: is missing")

    def test_lost_end_of_line(self):
        text = (self.top / "results/README.md").read_text(encoding="utf-8")
        for change in (str.rstrip, lambda text: text + "\n"):
            (self.top / "results/README.md").write_text(change(text), encoding="utf-8")
            self.finds("results/README.md:", "is not what the recordings give")

    def test_shortened_page(self):
        text = (self.top / "results/README.md").read_text(encoding="utf-8")
        (self.top / "results/README.md").write_text(text[:-40], encoding="utf-8")
        self.finds("results/README.md:", "is not what the recordings give")

    def test_new_recording(self):
        newer = self.top / NEW.replace("01-02-aaaa", "01-03-1111")
        newer.parent.mkdir()
        newer.write_text(headline(1.75), encoding="utf-8")
        self.finds("README.md:3: is not what the recordings give", "1.25", "1.75")
        text = check.generated(self.top)["README.md"]
        self.assertIn("[1.75 ns][one], [2.8x][two]", text)
        self.assertIn("01-03-1111", text)
        self.assertNotIn("01-02-aaaa", text)


class Parts(unittest.TestCase):
    """What the check of the whole cannot tell apart."""

    def test_json_without_rows(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "gate-proof.json")
            path.write_text('{"alarms": 0, "slower": {"caught": 99, "injected": 100}}', encoding="utf-8")
            self.assertEqual(quote.source(path, "alarms", ""), 0)
            self.assertAlmostEqual(quote.source(path, "slower.caught / slower.injected", "%"), 99)
            for title in ("slower", "faster.caught", "alarms / alarms", None):
                self.assertRaises(quote.Unrecorded, quote.source, path, title, "")

    def test_ticks_are_round_and_around_the_values(self):
        axis = scale.Log([1.37, 69.6], 280, 30)
        self.assertEqual(axis.ticks(), [1, 2, 5, 10, 20, 50, 100])
        self.assertAlmostEqual(axis.at(10), 155)
        self.assertEqual(scale.Log([0.09, 3], 0, 1).ticks(), [0.05, 0.1, 0.2, 0.5, 1, 2, 5])
        self.assertEqual(scale.Linear([0.57, 0.99], 0, 1).ticks(), [0, 0.2, 0.4, 0.6, 0.8, 1])

    def test_names_do_not_overlap(self):
        places = lineplot.spread([50, 52, 51, 200, 279], 17, 30, 282)
        ordered = sorted(places)
        self.assertTrue(all(b - a > 16 for a, b in zip(ordered, ordered[1:])), places)
        self.assertTrue(30 <= ordered[0] and ordered[-1] <= 282)
        self.assertLess(places[0], places[2])
        self.assertLess(places[2], places[1])


def run():
    """0 when every test passed."""
    result = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromName(__name__))
    return 0 if result.wasSuccessful() and result.testsRun > 0 else 1
