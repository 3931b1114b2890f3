#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Checks the house rules that a compiler does not: layers, sizes, licences, ordering tags, exported names.

Style that only a reviewer enforces is not enforced, so the rules are a test. Prints file:line: rule: message
and exits 1 when there is any finding. --self-test proves that every rule fires (see tidy_seeds.py).
"""

import argparse
import ast
import fnmatch
import os
import re
import sys
from pathlib import Path

import tidy_c
from tidy_layers import Layers

TOP = Path(__file__).resolve().parent.parent
FOLDERS = ("core", "include", "bench", "ci", "tests", ".ci")
C_NAMES = (".c", ".h", ".inc", ".cc", ".cpp", ".hpp")
SOURCE_NAMES = C_NAMES + (".py", ".sh", ".cmake", ".map")
FILE_LINES, FUNCTION_LINES, LINE_WIDTH = 400, 70, 120
WORDS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
HEAP = re.compile(r"\b(malloc|calloc|realloc|free|strdup|strndup|posix_memalign|aligned_alloc)\s*\(")
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"\n]+)[>\"]", re.M)
TAG = re.compile(r"\[([a-z]+-P\d+)\]")


class Tree:
    """The files of a repository and the findings about them."""

    def __init__(self, top):
        self.top = top
        self.findings = []
        self.files = sorted(self.walk())
        self.texts = {name: (top / name).read_text(encoding="utf-8") for name in self.files}

    def walk(self):
        for folder in FOLDERS:
            for path, folders, names in os.walk(self.top / folder):
                folders[:] = [name for name in folders if name != "__pycache__"]
                for name in names:
                    file = Path(path, name).relative_to(self.top).as_posix()
                    if self.is_source(file):
                        yield file
        if (self.top / "CMakeLists.txt").exists():
            yield "CMakeLists.txt"

    def is_source(self, name):
        if name.endswith(SOURCE_NAMES) or name.endswith(("CMakeLists.txt", "layers.txt", ".supp")):
            return True
        with open(self.top / name, "rb") as file:
            return file.read(2) == b"#!"

    def report(self, name, line, rule, message):
        self.findings.append((name, line, rule, message))

    def each_match(self, name, pattern, text=None):
        """Yield (line number, match) for every match of pattern in the file."""
        text = self.texts[name] if text is None else text
        for match in re.finditer(pattern, text):
            yield text.count("\n", 0, match.start()) + 1, match

    def c_files(self, *folders):
        for name in self.files:
            if name.endswith(C_NAMES) and (not folders or name.startswith(folders)):
                yield name


def check_text(tree):
    """Rules that hold for every kind of source."""
    for name in tree.files:
        lines = tree.texts[name].splitlines()
        if not any("SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause" in line for line in lines[:3]):
            tree.report(name, 1, "spdx", "no SPDX line in the first three lines")
        if len(lines) > FILE_LINES:
            tree.report(name, len(lines), "file-length", f"{len(lines)} lines, {FILE_LINES} at most")
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_WIDTH:
                tree.report(name, number, "line-width", f"{len(line)} columns, {LINE_WIDTH} at most")
            if name.endswith(C_NAMES) and "\t" in line:
                tree.report(name, number, "tab", "tab in C")
            word = WORDS.search(line)
            if word:
                tree.report(name, number, "word", f"{word.group()} promises instead of doing")


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def shell_functions(text):
    for match in re.finditer(r"^([\w-]+) *\(\)\s*\{.*?^\}", text, re.S | re.M):
        yield match.group(1), text.count("\n", 0, match.start()) + 1, match.group().count("\n") + 1


def check_functions(tree):
    for name in tree.files:
        text = tree.texts[name]
        if name.endswith(C_NAMES):
            found = tidy_c.functions(text)
        elif name.endswith(".py") or re.match(r"#!.*python", text):
            found = python_functions(text)
        elif name.endswith(".sh") or re.match(r"#!.*sh\b", text):
            found = shell_functions(text)
        else:
            continue
        for function, line, length in found:
            if length > FUNCTION_LINES:
                message = f"{function} has {length} lines, {FUNCTION_LINES} at most"
                tree.report(name, line, "function-length", message)


def check_includes(tree, layers):
    for name in tree.c_files():
        if name.startswith(("core/", "include/")) and not layers.level_of(name):
            tree.report(name, 1, "layer-unknown", "its folder has no level in ci/layers.txt")
            continue
        text = tidy_c.blank_comments(tree.texts[name])
        for line, match in tree.each_match(name, INCLUDE, text):
            for rule, message in layers.judge(name, match.group(2), match.group(1) == '"', tree.texts):
                tree.report(name, line, rule, message)


def check_words_of_c(tree, layers):
    """Constructs that have one home, or none."""
    for name in tree.c_files():
        code = tidy_c.blank(tree.texts[name])
        for line, match in tree.each_match(name, r"\b(ifunc|target_clones)\b", code):
            tree.report(name, line, "ifunc", f"{match.group()} breaks under TSan; use the kernel table")
        for line, match in tree.each_match(name, r"\b__atomic_\w+", code):
            if not any(fnmatch.fnmatch(name, pattern) for pattern in layers.atomic):
                message = f"{match.group()} outside core/base/atomic.h; use its verbs"
                tree.report(name, line, "atomic-home", message)
        if not fnmatch.fnmatch(name, "core/base/rcu*"):
            for line, _ in tree.each_match(name, r"\b_LGPL_SOURCE\b", code):
                tree.report(name, line, "lgpl", "_LGPL_SOURCE outside core/base/rcu*")
        if name.startswith("core/") and name != "core/base/alloc.c":
            for line, match in tree.each_match(name, HEAP, code):
                message = f"{match.group(1)} outside core/base/alloc.c may reach either of two allocators"
                tree.report(name, line, "heap-home", message)
        if name.startswith("include/"):
            for line, _ in tree.each_match(name, r"\b_Atomic\b|\batomic_\w+", code):
                tree.report(name, line, "atomic-public", "C11 atomics in a public header break C++")


def check_tags(tree):
    """Each ordering tag stands at two places of the code at least: what is paired has two sides."""
    places, seen = {}, {}
    for name in tree.c_files("core/", "include/"):
        body = tidy_c.header_comment_lines(tree.texts[name])
        for line, match in tree.each_match(name, TAG):
            seen.setdefault(match.group(1), (name, line))
            if line > body:
                places.setdefault(match.group(1), set()).add((name, line))
    for tag, (name, line) in sorted(seen.items()):
        count = len(places.get(tag, ()))
        if count < 2:
            name, line = min(places.get(tag, {(name, line)}))
            tree.report(name, line, "tag", f"[{tag}] stands at {count} places of the code; a pair has two")


def check_exports(tree):
    """The version script lists what the public headers declare, and the headers' version is the project's."""
    script = "core/guestmem.map"
    declared = {}
    for name in tree.c_files("include/"):
        for function in tidy_c.exported(tree.texts[name]):
            declared[function] = name
    listed = tidy_c.listed(tree.texts.get(script, ""))
    for function in sorted(set(declared) - listed):
        tree.report(script, 1, "exports", f"{function} of {declared[function]} is not listed")
    for function in sorted(listed - set(declared)):
        tree.report(script, 1, "exports", f"{function} is listed, but no public header declares it")


def check_version(tree):
    api = tree.texts.get("include/guestmem/api.h", "")
    macros = [re.search(rf"GM_VERSION_{part}\s+(\d+)", api) for part in ("MAJOR", "MINOR", "PATCH")]
    project = re.search(r"project\(\w+\s+VERSION\s+([\d.]+)", tree.texts.get("CMakeLists.txt", ""))
    spelt = ".".join(match.group(1) for match in macros if match)
    if not project or spelt != project.group(1):
        message = f"api.h says {spelt}, CMakeLists.txt says {project.group(1) if project else 'nothing'}"
        tree.report("include/guestmem/api.h", 1, "version", message)


def check(top):
    """All findings about the repository at top, in order of file and line."""
    tree = Tree(top)
    layers = Layers((top / "ci/layers.txt").read_text(encoding="utf-8"))
    check_text(tree)
    check_functions(tree)
    check_includes(tree, layers)
    check_words_of_c(tree, layers)
    check_tags(tree)
    check_exports(tree)
    check_version(tree)
    return len(tree.files), sorted(tree.findings)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--self-test", action="store_true", help="prove that each rule fires")
    parser.add_argument("top", nargs="?", type=Path, default=TOP, help="the repository (default: this one)")
    options = parser.parse_args()
    if options.self_test:
        import tidy_seeds

        return tidy_seeds.run(check)
    count, findings = check(options.top)
    for name, line, rule, message in findings:
        print(f"{name}:{line}: {rule}: {message}")
    print(f"tidy: {len(findings)} findings in {count} files")
    return 1 if findings or count == 0 else 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())
