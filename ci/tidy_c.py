# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Reads C and C++ well enough for ci/tidy.py: text without comments and strings, functions, exported names.

Not a parser: the project's own format (braces, one statement a line) makes these few rules exact enough.
"""

import re

TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
CONTROL = {"if", "for", "while", "switch", "catch"}
SUFFIXES = ("const", "noexcept", "override", "final")


def spaces(match):
    return re.sub(r"[^\n]", " ", match.group())


def blank(text):
    """The same text, same lines, with comments, strings and characters turned into spaces."""
    return TOKEN.sub(spaces, text)


def blank_comments(text):
    """As blank, but strings stay: for include lines."""
    return TOKEN.sub(lambda match: spaces(match) if match.group()[0] == "/" else match.group(), text)


def without_preprocessor(code):
    """Blank out preprocessor lines with their continuations; braces in macros would unbalance the count."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", spaces, code, flags=re.M)


def open_of(code, close):
    """Index of the parenthesis that the one at close matches, or -1."""
    depth = 0
    for index in range(close, -1, -1):
        if code[index] == ")":
            depth += 1
        elif code[index] == "(":
            depth -= 1
            if depth == 0:
                return index
    return -1


def head_of(code, brace):
    """Name and start of the function whose body opens at brace; None where something else opens there."""
    before = code[:brace].rstrip()
    while before.endswith(SUFFIXES):
        before = before[: -len(next(suffix for suffix in SUFFIXES if before.endswith(suffix)))].rstrip()
    if not before.endswith(")"):
        return None
    start = open_of(before, len(before) - 1)
    line = code.rfind("\n", 0, start) + 1
    name = re.search(r"([A-Za-z_]\w*)\s*$", code[line:start])
    if start < 0 or not name or name.group(1) in CONTROL:
        return None
    return name.group(1), line + name.start(1)


def functions(text):
    """Yield (name, first line, number of lines) of each function body."""
    code = without_preprocessor(blank(text))
    stack = []
    for match in re.finditer(r"[{}]", code):
        at = match.start()
        if match.group() == "{":
            stack.append(head_of(code, at))
            continue
        if code[at - 1 : at] == "\n":
            # A closing brace in the first column ends the outermost construct whatever went before.
            del stack[1:]
        head = stack.pop() if stack else None
        if head:
            first = code.count("\n", 0, head[1]) + 1
            yield head[0], first, code.count("\n", 0, at) + 2 - first


def exported(text):
    """Names that a public header declares with GM_API."""
    code = without_preprocessor(blank(text))
    return {match.group(1) for match in re.finditer(r"\bGM_API\b[^;{]*?\b(gm_\w+)\s*\(", code)}


def listed(text):
    """Names in the global part of a version script."""
    code = blank(text)
    part = re.search(r"global:(.*?)local:", code, re.S)
    return set(re.findall(r"\b(gm_\w+)\s*;", part.group(1))) if part else set()


def header_comment_lines(text):
    """How many lines the comments before the first line of code take."""
    code = blank(text)
    first = re.search(r"\S", code)
    return code.count("\n", 0, first.start()) if first else code.count("\n")
