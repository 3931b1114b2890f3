# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Reads ci/layers.txt and judges one include line of one file; used by ci/tidy.py."""

import fnmatch
import posixpath

SEARCH = ("core", "include", "tests", "tests/lib", "bench", "bench/lib")


def inside(name, folder):
    return name == folder or name.startswith(folder + "/")


class Layers:
    def __init__(self, text):
        self.levels = []  # list of lists of folders, lowest first
        self.users = {}  # folder -> folders it may include
        self.homes = []  # (patterns of headers, patterns of files)
        self.atomic = []
        self.generated = set()  # (header, folder)
        self.exempt = set()  # (file, header)
        for line in text.splitlines():
            words = line.split("#")[0].split()
            if words:
                self.take(words[0], words[1:])

    def take(self, kind, words):
        if kind == "level":
            self.levels.append(words)
        elif kind == "user":
            self.users[words[0]] = words
        elif kind == "home":
            colon = words.index(":")
            self.homes.append((words[:colon], words[colon + 1 :]))
        elif kind == "atomic":
            self.atomic += words
        elif kind == "generated":
            self.generated.add((words[0], words[1]))
        elif kind == "exempt":
            self.exempt.add((words[0], words[1]))
        else:
            raise ValueError(f"layers.txt: unknown word '{kind}'")

    def level_of(self, name):
        """(number, folder) of a file's layer; the longest folder wins, core alone holds no folders."""
        best = None
        for number, folders in enumerate(self.levels):
            for folder in folders:
                if inside(name, folder) and (best is None or len(folder) > len(best[1])):
                    best = (number, folder)
        if best and best[1] == "core" and posixpath.dirname(name) != "core":
            return None
        return best

    def user_of(self, name):
        return max((folder for folder in self.users if inside(name, folder)), key=len, default=None)

    @staticmethod
    def resolve(name, header, quoted, texts):
        """The file of this repository that an include line means, or None."""
        if not quoted:
            return "include/" + header if header.startswith("guestmem/") else None
        folders = (posixpath.dirname(name),) + SEARCH
        candidates = (posixpath.normpath(posixpath.join(folder, header)) for folder in folders)
        return next((candidate for candidate in candidates if candidate in texts), None)

    def may(self, name, target):
        """Whether the layers allow the file to include the target, both of this repository."""
        own, other = self.level_of(name), self.level_of(target)
        if own:
            return bool(other) and (other[0] < own[0] or other[1] == own[1])
        user = self.user_of(name)
        return bool(user) and any(inside(target, folder) for folder in self.users[user])

    def judge(self, name, header, quoted, texts):
        """Yield (rule, message) for what is wrong with one include line."""
        target = self.resolve(name, header, quoted, texts)
        if target is None:
            made = any(header == made and inside(name, folder) for made, folder in self.generated)
            if quoted and not made:
                yield "include-unknown", f'"{header}" is no file of this repository'
            for headers, files in self.homes:
                at_home = any(fnmatch.fnmatch(name, pattern) for pattern in files)
                if any(fnmatch.fnmatch(header, pattern) for pattern in headers) and not at_home:
                    yield "include-home", f"<{header}> belongs in {' '.join(files)} only"
        elif not self.may(name, target) and (name, target) not in self.exempt:
            yield "include-layer", f"{target} is not below {posixpath.dirname(name)} in ci/layers.txt"
