# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Checks ci/profile: stacks from known texts, the picture made of them, and one short profile with each profiler that
works here. Arguments: guestmem-bench and the folder of layouts. Exit status 0, 1, or 77: no profiler works here."""

import contextlib
import io
import os
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

import flame
import row_profile
import stacks

NAMESPACE = "{http://www.w3.org/2000/svg}"

PERF = """guestmem-bench    1000
\t  10 gm_leaf (inlined)
\t  10 translate.lto_priv.0 (inlined)
\t  20 run<a&b>(int) (inlined)
\t  30 body (/b/guestmem-bench)
\t  40 bench_timed (/b/guestmem-bench)
\t  50 main (/b/guestmem-bench)

guestmem-bench    3000
\t  60 memcpy (inlined)
\t  70 je_arena_malloc (/b/guestmem-bench)
\t  80 gm_commit (/b/guestmem-bench)
\t  30 body (/b/guestmem-bench)
\t  40 bench_timed (/b/guestmem-bench)

guestmem-bench    5000
\t  90 prepare (/b/guestmem-bench)
\t  50 main (/b/guestmem-bench)

"""
SYMBOLS = """guestmem-bench    1000
\t  10 translate.lto_priv.0 (/b/guestmem-bench)
\t  20 run (/b/guestmem-bench)
\t  30 body (/b/guestmem-bench)
\t  40 bench_timed (/b/guestmem-bench)

guestmem-bench    3000
\t  60 memcpy (/lib/libc.so.6)
\t  70 je_arena_malloc (/b/guestmem-bench)
\t  80 gm_commit (/b/guestmem-bench)
\t  30 body (/b/guestmem-bench)
\t  40 bench_timed (/b/guestmem-bench)

"""
# bench_timed calls body, which costs 10 itself and calls gm_get (60) and libc's copy (30). gm_get is called by main,
# too, for another 60, and a third of all that is its calls of copy.
CALLGRIND = """positions: line
events: Ir
ob=(1) /b/guestmem-bench
fn=(1) main
5 700
cfn=(4) gm_get.isra.0
calls=6 20
6 60
fn=(2) bench_timed
cfn=(3) body
calls=1 9
7 100
fn=(3)
9 4
+2 6
cfn=(4)
calls=6 20
* 60
cob=(2) /lib/libc.so.6
cfn=(5) copy
calls=3 1
+1 30
fn=(4)
20 80
cob=(2)
cfn=(5)
calls=12 1
20 40
ob=(2)
fn=(5)
1 70
"""


def titles(svg):
    root = ElementTree.fromstring(svg.encode())
    return [title.text for title in root.iter(NAMESPACE + "title")]


class Stacks(unittest.TestCase):
    def test_perf(self):
        samples = stacks.from_perf(PERF, SYMBOLS)
        first, second = (tuple(stack) for stack in samples.stacks)
        self.assertEqual([frame.name for frame in first], ["body", "run<a&b>(int)", "translate", "gm_leaf"])
        self.assertEqual([frame.kind for frame in first], ["bench", "bench", "bench", "library"])
        self.assertEqual([frame.kind for frame in second], ["bench", "library", "allocator", "other"])
        self.assertEqual((samples.inside, samples.total, sum(samples.stacks.values())), (2, 3, 4000))
        self.assertEqual(stacks.own_shares(samples.stacks), [("memcpy", 0.75), ("gm_leaf", 0.25)])
        self.assertEqual(stacks.hottest_symbols(SYMBOLS)["translate.lto_priv.0"], 1000)

    def test_callgrind(self):
        samples = stacks.from_callgrind(CALLGRIND)
        self.assertEqual((samples.inside, samples.total), (100, 860))
        names = {"/".join(frame.name for frame in stack): round(weight) for stack, weight in samples.stacks.items()}
        self.assertEqual(names, {"body": 10, "body/gm_get": 40, "body/gm_get/copy": 20, "body/copy": 30})
        self.assertEqual(stacks.own_shares(samples.stacks)[0], ("copy", 0.5))
        kinds = {frame.name: frame.kind for stack in samples.stacks for frame in stack}
        self.assertEqual(kinds, {"body": "bench", "gm_get": "library", "copy": "other"})

    def test_kernel(self):
        program, library = "/b/guestmem-bench", "/b/libguestmem.so.0"
        frames = stacks.with_kinds([("body", program), ("gm_wait", library), ("inner", library), ("gm_end", program),
                                    ("inner", program), ("do_syscall", "[kernel.kallsyms]")])
        self.assertEqual([frame.kind for frame in frames], ["bench"] + 4 * ["library"] + ["kernel"])


class Picture(unittest.TestCase):
    def test_boxes(self):
        samples = stacks.from_perf(PERF, SYMBOLS)
        found = titles(flame.svg(samples.stacks, "T1/<row>", "a & b", "measured loop"))
        self.assertEqual(len(found), 8)
        self.assertIn("measured loop\n100.0 % with what it calls, 0.0 % itself\nthe benchmark's loop", found)
        self.assertIn("run<a&b>(int)\n25.0 % with what it calls, 0.0 % itself\nthe benchmark's loop", found)
        self.assertIn("memcpy\n75.0 % with what it calls, 75.0 % itself\nC library and others", found)

    def test_widths(self):
        text = flame.svg({(stacks.Frame("a", "bench"),): 3, (stacks.Frame("b", "bench"),): 1}, "t", "n", "all")
        rects = {group[0].text.split("\n")[0]: group[1] for group in ElementTree.fromstring(text.encode())
                 if group.get("class") == "box"}
        x, width = (lambda name, key: float(rects[name].get(key))), flame.WIDTH - 2 * flame.MARGIN
        self.assertAlmostEqual(x("a", "width"), width * 0.75, places=1)
        self.assertAlmostEqual(x("b", "x"), x("a", "x") + x("a", "width"), places=1)
        self.assertLess(float(rects["a"].get("y")), float(rects["all"].get("y")))

    def test_label(self):
        self.assertEqual(flame.label("gm_translate", 0.5, 200), "gm_translate  50.0 %")
        self.assertEqual(flame.label("gm_translate", 0.5, 100), "gm_translate")
        self.assertEqual(flame.label("gm_translate", 0.5, 50), "gm_t…")
        self.assertEqual(flame.label("gm_translate", 0.5, 20), "")


class Profiles(unittest.TestCase):
    """One short profile each. What is checked is that the hot function is there, not how hot it is."""

    fixed = None
    worked = []

    def profile(self, *arguments):
        """(exit status, output, boxes) of ci/profile without its build."""
        with tempfile.TemporaryDirectory() as out, io.StringIO() as told:
            with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
                try:
                    status = row_profile.main([*self.fixed, "--out", out, *arguments])
                except SystemExit as end:
                    status = end.code
            if status == row_profile.SKIPPED:
                self.skipTest(told.getvalue().strip())
            boxes = []
            if os.path.exists(f"{out}/flame.svg"):
                with open(f"{out}/flame.svg", encoding="utf-8") as svg, open(f"{out}/hot.txt", encoding="utf-8") as hot:
                    boxes = titles(svg.read())
                    self.assertIn("%", hot.read())
            return status, told.getvalue(), [box.split("\n")[0] for box in boxes]

    def test_perf(self):
        status, told, boxes = self.profile("T5/pin-unpin/threads:1/static", "--seconds", "1", "--with", "perf")
        self.assertEqual(status, 0, told)
        self.assertIn("pin_unpin", boxes, told)
        self.assertIn("flame graph: ", told)
        self.worked.append("perf")

    def test_callgrind(self):
        status, told, boxes = self.profile("^T1/.*/call/layout:microvm-2g$", "--seconds", "1", "--with", "callgrind")
        self.assertEqual(status, 0, told)
        self.assertIn("run_ours", boxes, told)
        self.assertIn("counted by callgrind: not time", told)
        self.worked.append("callgrind")

    def test_candidates(self):
        status, told, _ = self.profile("^T5/")
        self.assertEqual(status, 2)
        self.assertIn("T5/pin-unpin/threads:1/static", told)
        status, told, _ = self.profile("no-such-row")
        self.assertEqual(status, 2)
        self.assertIn("no rows match", told)

    def test_no_member(self):
        status, told, _ = self.profile("T5/pin-unpin/threads:1/static", "--member", "nobody", "--seconds", "1")
        self.assertEqual(status, 1)
        self.assertIn("has no member 'nobody'", told)


def main():
    Profiles.fixed = ("--program", sys.argv[1], "--layouts", sys.argv[2])
    result = unittest.main(argv=sys.argv[:1], exit=False, verbosity=1).result
    for _, reason in result.skipped:
        print(reason)
    if not result.wasSuccessful():
        return 1
    return 0 if Profiles.worked else row_profile.SKIPPED


if __name__ == "__main__":
    sys.exit(main())
